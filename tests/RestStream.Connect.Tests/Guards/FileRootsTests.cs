using System.Diagnostics;

namespace RestStream.Connect.Tests.Guards;

public sealed class FileRootsTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _data;
    private readonly string _root;
    private readonly FileRoots _files;

    public FileRootsTests()
    {
        _data = Directory.CreateDirectory(_folder["data"]).FullName;
        _root = Directory.CreateDirectory(_folder["data/files"]).FullName;
        Directory.CreateDirectory(_folder["data/topics"]);
        File.WriteAllText(_folder["outside.txt"], "outside");
        File.WriteAllText(Path.Combine(_root, "a.txt"), "inside");
        _files = new FileRoots([_root], _data);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_below_a_root_is_resolved_whether_or_not_it_exists()
    {
        Assert.Equal(Path.Combine(_root, "a.txt"), _files.Resolve("a.txt"));
        Assert.Equal(Path.Combine(_root, "b/c.txt"), _files.Resolve(Path.Combine(_root, "b/./x/../c.txt")));
        Assert.Equal(_root, _files.Resolve(_root));
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../../outside.txt")]
    [InlineData("../topics")]
    [InlineData("..")]
    [InlineData("/proc/self/environ")]
    [InlineData("/dev/zero")]
    [InlineData("link/passwd")]
    [InlineData("file-link")]
    [InlineData("chain")]
    [InlineData("dangling")]
    [InlineData("a\0b")]
    public void Whatever_leads_out_of_the_roots_is_refused(string path)
    {
        File.CreateSymbolicLink(Path.Combine(_root, "link"), "/etc");
        File.CreateSymbolicLink(Path.Combine(_root, "file-link"), "../../outside.txt");
        File.CreateSymbolicLink(Path.Combine(_root, "chain"), "file-link");
        File.CreateSymbolicLink(Path.Combine(_root, "dangling"), _folder["not-there-yet.txt"]);

        Assert.Throws<FatalException>(() => _files.Resolve(path));
        Assert.Throws<FatalException>(() => _files.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite));
        Assert.False(File.Exists(_folder["not-there-yet.txt"]));
    }

    [Fact]
    public void The_message_says_which_folders_there_are_and_which_setting_names_them()
    {
        var refused = Assert.Throws<FatalException>(() => _files.Resolve("/etc/passwd"));

        Assert.Equal($"'/etc/passwd' is not below a folder that connectors may use ({_root}). Move it there, or add its folder to the setting RestStream:Connect:FileRoots.", refused.Message);
    }

    [Theory]
    [InlineData("/proc/self/environ")]
    [InlineData("/sys/kernel/notes")]
    [InlineData("/dev/zero")]
    public void Devices_and_the_kernels_files_are_refused_even_when_everything_is_a_root(string path) => Assert.Throws<FatalException>(() => new FileRoots(["/"]).Resolve(path));

    [Fact]
    public void The_brokers_data_is_refused_when_a_root_holds_it_and_a_root_in_the_data_is_open()
    {
        var files = new FileRoots([_folder.Path, _root], _data);

        Assert.Throws<FatalException>(() => files.Resolve(Path.Combine(_data, "topics")));
        Assert.Throws<FatalException>(() => files.Resolve(_data));
        Assert.Throws<FatalException>(() => new FileRoots([_data], _data).Resolve(_data));
        Assert.Equal(Path.Combine(_root, "a.txt"), files.Resolve(Path.Combine(_root, "a.txt")));
        Assert.Equal(_folder["outside.txt"], files.Resolve("outside.txt"));
    }

    [Fact]
    public void A_root_that_is_a_link_is_the_folder_it_leads_to()
    {
        File.CreateSymbolicLink(_folder["root-link"], _root);

        Assert.Equal(Path.Combine(_root, "a.txt"), new FileRoots([_folder["root-link"]]).Resolve("a.txt"));
    }

    [Fact]
    public void A_link_that_stays_inside_is_followed()
    {
        File.CreateSymbolicLink(Path.Combine(_root, "inside"), "a.txt");

        using var reader = new StreamReader(_files.Open("inside", FileMode.Open, FileAccess.Read));

        Assert.Equal("inside", reader.ReadToEnd());
    }

    [Fact]
    public void Links_that_go_round_in_a_circle_are_refused()
    {
        File.CreateSymbolicLink(Path.Combine(_root, "x"), "y");
        File.CreateSymbolicLink(Path.Combine(_root, "y"), "x");

        Assert.Throws<FatalException>(() => _files.Resolve("x"));
    }

    [Fact]
    public void A_name_that_only_begins_like_a_root_is_outside()
    {
        Directory.CreateDirectory(_root + "2");

        Assert.Throws<FatalException>(() => _files.Resolve(_root + "2/a.txt"));
    }

    [Fact]
    public void A_pipe_is_refused_without_waiting_for_its_other_end()
    {
        using (var mkfifo = Process.Start("mkfifo", Path.Combine(_root, "pipe")))
            mkfifo.WaitForExit();

        Assert.Throws<FatalException>(() => _files.Resolve("pipe"));
        Assert.Throws<FatalException>(() => _files.Open("pipe", FileMode.Open, FileAccess.Read));
    }

    [Fact]
    public void A_folder_that_becomes_a_link_while_files_are_opened_lets_nothing_out()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, "swap")).FullName;
        File.WriteAllText(Path.Combine(folder, "f"), "inside");
        var outside = Directory.CreateDirectory(_folder["elsewhere"]).FullName;
        File.WriteAllText(Path.Combine(outside, "f"), "outside");
        using var stop = new CancellationTokenSource();
        var swapper = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Directory.Move(folder, folder + "-away");
                File.CreateSymbolicLink(folder, outside);
                File.Delete(folder);
                Directory.Move(folder + "-away", folder);
            }
        });
        swapper.Start();

        var read = 0;
        try
        {
            for (var i = 0; i < 3000; i++)
            {
                try
                {
                    using var reader = new StreamReader(_files.Open("swap/f", i % 2 == 0 ? FileMode.Open : FileMode.Create, i % 2 == 0 ? FileAccess.Read : FileAccess.ReadWrite));
                    Assert.NotEqual("outside", reader.ReadToEnd());
                    read++;
                }
                catch (Exception refused) when (refused is FatalException or FileNotFoundException)
                {
                    // Where the folder was at that moment decides.
                }
            }
        }
        finally
        {
            stop.Cancel();
            swapper.Join();
        }

        Assert.True(read > 0);
        Assert.Equal("outside", File.ReadAllText(Path.Combine(outside, "f")));
    }

    [Fact]
    public void Opening_makes_cuts_and_appends_as_the_mode_says()
    {
        using (var made = _files.Open("new.txt", FileMode.CreateNew, FileAccess.Write))
            made.Write("one"u8);
        Assert.Throws<IOException>(() => _files.Open("new.txt", FileMode.CreateNew, FileAccess.Write));
        using (var appended = _files.Open("new.txt", FileMode.Append, FileAccess.Write))
            appended.Write("two"u8);
        Assert.Equal("onetwo", File.ReadAllText(Path.Combine(_root, "new.txt")));
        using (var cut = _files.Open("new.txt", FileMode.Create, FileAccess.Write))
            cut.Write("3"u8);
        Assert.Equal("3", File.ReadAllText(Path.Combine(_root, "new.txt")));
        Assert.Throws<FileNotFoundException>(() => _files.Open("missing.txt", FileMode.Open, FileAccess.Read));
        Assert.Throws<FatalException>(() => _files.Open(".", FileMode.Open, FileAccess.Read));
    }

    [Fact]
    public void Without_roots_nothing_is_open() => Assert.Contains("names no folder", Assert.Throws<FatalException>(() => new FileRoots([]).Resolve("a")).Message);
}
