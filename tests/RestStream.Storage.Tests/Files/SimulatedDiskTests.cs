using RestStream.Storage.Files;
using RestStream.TestKit.Disks;

namespace RestStream.Storage.Tests.Files;

public sealed class SimulatedDiskTests
{
    private readonly SimulatedDisk _disk = new();

    public SimulatedDiskTests()
    {
        _disk.CreateDirectory("/d");
        _disk.FlushDirectory("/");
    }

    [Fact]
    public void What_was_flushed_survives_every_power_cut()
    {
        Write("/d/a", Fill(10_000, 1), flush: true);
        _disk.FlushDirectory("/d");

        for (var seed = 0; seed < 50; seed++)
            Assert.Equal(Fill(10_000, 1), Read(_disk.Reboot(seed), "/d/a"));
    }

    [Fact]
    public void Unflushed_bytes_survive_in_some_power_cuts_torn_in_some_and_not_at_all_in_others()
    {
        Write("/d/a", Fill(8192, 1), flush: true);
        _disk.FlushDirectory("/d");
        Write("/d/a", Fill(8192, 2), flush: false);

        var states = Enumerable.Range(0, 200).Select(seed => Read(_disk.Reboot(seed), "/d/a")).ToList();

        Assert.Contains(states, bytes => bytes.AsSpan().SequenceEqual(Fill(8192, 1)));
        Assert.Contains(states, bytes => bytes.AsSpan().SequenceEqual(Fill(8192, 2)));
        Assert.Contains(states, bytes => bytes[0] != bytes[4095]);
        Assert.All(states, bytes =>
        {
            for (var at = 0; at < bytes.Length; at += SimulatedDisk.AtomicBytes)
                Assert.False(bytes.AsSpan(at, SimulatedDisk.AtomicBytes).ContainsAnyExcept(bytes[at]));
        });
    }

    [Fact]
    public void A_name_may_be_gone_until_its_directory_was_flushed()
    {
        Write("/d/a", [1], flush: true);

        Assert.Contains(Enumerable.Range(0, 50), seed => !_disk.Reboot(seed).FileExists("/d/a"));
        Assert.Contains(Enumerable.Range(0, 50), seed => _disk.Reboot(seed).FileExists("/d/a"));

        _disk.FlushDirectory("/d");
        Assert.All(Enumerable.Range(0, 50), seed => Assert.True(_disk.Reboot(seed).FileExists("/d/a")));
    }

    [Fact]
    public void A_rename_happens_whole_or_not_at_all_and_in_order()
    {
        Write("/d/old", [1], flush: true);
        _disk.FlushDirectory("/d");
        _disk.Rename("/d/old", "/d/new");
        Write("/d/later", [2], flush: true);

        for (var seed = 0; seed < 50; seed++)
        {
            var after = _disk.Reboot(seed);
            Assert.NotEqual(after.FileExists("/d/old"), after.FileExists("/d/new"));
            Assert.False(after.FileExists("/d/later") && after.FileExists("/d/old"));
        }
    }

    [Fact]
    public void After_a_kill_the_page_cache_is_still_there_and_still_not_durable()
    {
        Write("/d/a", [1, 2, 3], flush: false);

        var restarted = _disk.Restart();

        Assert.Equal([1, 2, 3], Read(restarted, "/d/a"));
        Assert.Contains(Enumerable.Range(0, 50), seed => !restarted.Reboot(seed).FileExists("/d/a"));
    }

    [Fact]
    public void A_failed_flush_loses_its_pages_and_the_next_one_does_not_bring_them_back()
    {
        Write("/d/a", [1], flush: true);
        _disk.FlushDirectory("/d");
        using var file = _disk.Open("/d/a", create: false);
        file.Write([2], 0);
        _disk.Before = operation => { if (operation.Kind == DiskOperationKind.Flush) throw new IOException("EIO", 5); };
        Assert.Throws<IOException>(file.Flush);
        _disk.Before = null;

        file.Flush();

        Assert.Equal([2], Read(_disk, "/d/a"));
        Assert.All(Enumerable.Range(0, 20), seed => Assert.Equal([1], Read(_disk.Reboot(seed), "/d/a")));
    }

    [Fact]
    public void A_full_disk_takes_what_fits_and_refuses_the_rest()
    {
        _disk.CapacityBytes = 2 * SimulatedDisk.SectorBytes;
        using var file = _disk.Open("/d/a", create: true);

        var error = Assert.Throws<IOException>(() => file.Write(Fill(10_000, 1), 0));

        Assert.True(DiskErrors.IsDiskFull(error));
        Assert.Equal(8192, file.Length);
        Assert.True(DiskErrors.IsDiskFull(Assert.Throws<IOException>(() => file.Reserve(8193))));
        Assert.Equal(0, _disk.FreeBytes("/d"));
    }

    [Fact]
    public void Reserved_room_is_there_for_the_write()
    {
        _disk.CapacityBytes = 2 * SimulatedDisk.SectorBytes;
        using var file = _disk.Open("/d/a", create: true);
        file.Reserve(8192);
        using var other = _disk.Open("/d/b", create: true);

        Assert.Throws<IOException>(() => other.Write([1], 0));
        file.Write(Fill(8192, 1), 0);

        Assert.Equal(8192, file.Length);
    }

    [Fact]
    public void A_crash_stops_every_operation_from_the_nth_on()
    {
        using var file = _disk.Open("/d/a", create: true);
        _disk.CrashAt(_disk.Operations + 2);

        file.Write([1], 0);
        Assert.Throws<SimulatedCrash>(file.Flush);
        Assert.Throws<SimulatedCrash>(() => file.Write([2], 0));

        Assert.Equal([1], Read(_disk.Restart(), "/d/a"));
    }

    [Fact]
    public void A_lock_is_held_once_and_ends_with_the_process()
    {
        using var held = _disk.Lock("/d/.lock");

        Assert.Throws<IOException>(() => _disk.Lock("/d/.lock"));
        _disk.Restart().Lock("/d/.lock").Dispose();
    }

    private void Write(string path, byte[] bytes, bool flush)
    {
        using var file = _disk.Open(path, create: true);
        file.Write(bytes, 0);
        if (flush)
            file.Flush();
    }

    private static byte[] Read(SimulatedDisk disk, string path)
    {
        using var file = disk.Open(path, create: false);
        var bytes = new byte[file.Length];
        file.Read(bytes, 0);
        return bytes;
    }

    private static byte[] Fill(int count, byte value)
    {
        var bytes = new byte[count];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}
