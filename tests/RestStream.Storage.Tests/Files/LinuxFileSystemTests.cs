using RestStream.Storage.Files;

namespace RestStream.Storage.Tests.Files;

public sealed class LinuxFileSystemTests : IDisposable
{
    private readonly LinuxFileSystem _files = new();
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "reststream-files-" + Guid.NewGuid().ToString("N"));

    public LinuxFileSystemTests() => _files.CreateDirectory(_folder);

    public void Dispose() => _files.DeleteDirectory(_folder);

    [Fact]
    public void Pieces_are_written_back_to_back()
    {
        // More pieces than one system call takes, some of them empty.
        var pieces = Enumerable.Range(0, 300).Select(i => new ReadOnlyMemory<byte>([.. Enumerable.Repeat((byte)i, i % 7)])).ToList();
        using var file = _files.Open(Path.Combine(_folder, "a"), create: true);

        file.Write(pieces, 5);
        file.Flush();

        var expected = new byte[5].Concat(pieces.SelectMany(piece => piece.ToArray())).ToArray();
        Assert.Equal(expected, File.ReadAllBytes(Path.Combine(_folder, "a")));
    }

    [Fact]
    public void Reserving_room_leaves_the_length()
    {
        using var file = _files.Open(Path.Combine(_folder, "a"), create: true);
        file.Write([1, 2, 3], 0);

        file.Reserve(1024 * 1024);

        Assert.Equal(3, file.Length);
    }

    [Fact]
    public void A_full_disk_is_told_from_other_failures()
    {
        using var file = _files.Open("/dev/full", create: false);

        var one = Assert.Throws<IOException>(() => file.Write([1], 0));
        var several = Assert.Throws<IOException>(() => file.Write([new byte[] { 1 }, new byte[] { 2 }], 0));

        Assert.True(DiskErrors.IsDiskFull(one));
        Assert.True(DiskErrors.IsDiskFull(several));
    }

    [Fact]
    public void A_flush_that_fails_throws_with_the_reason()
    {
        // A device cannot be flushed: EINVAL, one of the errors that the runtime's own flush swallows.
        using var file = _files.Open("/dev/full", create: false);

        var error = Assert.Throws<IOException>(file.Flush);

        Assert.Equal(22, error.HResult);
        Assert.Contains("/dev/full", error.Message);
    }

    [Fact]
    public void Flushing_a_directory_works_and_a_missing_one_is_an_error()
    {
        _files.FlushDirectory(_folder);

        var error = Assert.Throws<IOException>(() => _files.FlushDirectory(Path.Combine(_folder, "missing")));
        Assert.Equal(2, error.HResult);
    }

    [Fact]
    public void A_rename_replaces_what_is_there_and_tells_when_the_source_is_missing()
    {
        File.WriteAllText(Path.Combine(_folder, "a"), "a");
        File.WriteAllText(Path.Combine(_folder, "b"), "b");

        _files.Rename(Path.Combine(_folder, "a"), Path.Combine(_folder, "b"));

        Assert.Equal("a", File.ReadAllText(Path.Combine(_folder, "b")));
        Assert.Equal(["b"], _files.List(_folder));
        Assert.Throws<IOException>(() => _files.Rename(Path.Combine(_folder, "a"), Path.Combine(_folder, "c")));
    }

    [Fact]
    public void A_lock_is_held_by_one()
    {
        using (_files.Lock(Path.Combine(_folder, ".lock")))
            Assert.Throws<IOException>(() => _files.Lock(Path.Combine(_folder, ".lock")));

        _files.Lock(Path.Combine(_folder, ".lock")).Dispose();
        Assert.Equal(Environment.ProcessId.ToString(), File.ReadAllText(Path.Combine(_folder, ".lock")).Trim());
    }

    [Fact]
    public void Free_bytes_are_those_of_the_disk_that_holds_the_path() => Assert.InRange(_files.FreeBytes(_folder), 1, long.MaxValue);
}
