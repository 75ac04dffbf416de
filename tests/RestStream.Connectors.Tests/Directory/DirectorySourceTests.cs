using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connectors.Folders;
using RestStream.TestKit;

namespace RestStream.Connectors.Tests;

public sealed class DirectorySourceTests : IDisposable
{
    private readonly TempFolder _folder = new("folder-source");

    public DirectorySourceTests()
    {
        foreach (var name in (string[])["in", "done", "bad"])
            Directory.CreateDirectory(_folder[name]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_file_is_moved_when_its_records_are_committed_and_not_before()
    {
        Write("a.txt", "1\n2\n");
        await using var rig = await StartAsync();

        Assert.Equal(["1", "2"], (await rig.PollAsync()).Select(r => r.Value));
        Assert.Empty(await rig.PollAsync());
        Assert.True(File.Exists(_folder["in/a.txt"]));
        Assert.True(File.Exists(_folder["in/a.txt.PROCESSING"]));

        await rig.CommitAsync();
        Assert.Empty(Directory.GetFileSystemEntries(_folder["in"]));
        Assert.Equal("1\n2\n", File.ReadAllText(_folder["done/a.txt"]));
    }

    [Theory]
    [InlineData("DELETE", 0, 0)]
    [InlineData("NONE", 0, 1)]
    [InlineData("MOVE", 1, 0)]
    public async Task The_cleanup_policy_decides_what_becomes_of_a_file(string policy, int moved, int left)
    {
        Write("a.txt", "1\n2\n");
        await using var rig = await StartAsync(("cleanup.policy", policy));
        await rig.DrainAsync();
        await rig.CrashAsync();
        await rig.DrainAsync();

        Assert.Equal(["1", "2"], rig.Values);
        Assert.Equal(moved, Directory.GetFiles(_folder["done"]).Length);
        Assert.Equal(left, Directory.GetFiles(_folder["in"]).Length);
    }

    [Fact]
    public async Task Move_by_date_sorts_finished_files_by_the_day_of_their_last_change()
    {
        Write("a.txt", "1\n");
        File.SetLastWriteTimeUtc(_folder["in/a.txt"], new DateTime(2025, 3, 9, 23, 59, 0, DateTimeKind.Utc));
        await using var rig = await StartAsync(("cleanup.policy", "MOVEBYDATE"));

        await rig.DrainAsync();

        Assert.True(File.Exists(_folder["done/2025-03-09/a.txt"]));
    }

    [Theory]
    [InlineData("lines")]
    [InlineData("ndjson")]
    [InlineData("json")]
    [InlineData("csv")]
    public async Task A_crash_at_any_point_neither_loses_nor_repeats_a_record(string format)
    {
        var expected = new List<string>();
        for (var file = 0; file < 5; file++)
        {
            var rows = Enumerable.Range(0, 40).Select(i => $"{file}-{new string('ü', i % 5)}{i}").ToList();
            expected.AddRange(rows);
            Write($"{file}.dat", format switch
            {
                "json" => "[" + string.Join(" ,\n", rows.Select(r => $"\"{r}\"")) + "]\n",
                "ndjson" => string.Join("\n\n", rows.Select(r => $"\"{r}\"")),
                "csv" => "id,text\n" + string.Concat(rows.Select(r => $"1,\"{r}\"\n")),
                _ => string.Join("\r\n", rows),
            });
        }

        await using var rig = await StartAsync(("format", format), ("batch.size", "7"), ("csv.first.row.as.header", "true"));
        var random = new Random(7);
        for (var step = 0; rig.Log.Count < expected.Count || Directory.GetFiles(_folder["done"]).Length < 5; step++)
        {
            Assert.True(step < 500, "It does not come to an end.");
            await rig.PollAsync();
            switch (random.Next(4))
            {
                case 0:
                    await rig.CrashAsync();
                    break;
                case 1:
                    await rig.CrashAsync(afterAppend: true);
                    break;
                case 2:
                    await rig.CommitAsync();
                    break;
            }
        }

        Assert.Equal(expected, rig.Values.Select(v => v is Dictionary<string, object?> row ? row["text"] : v));
        Assert.Empty(Directory.GetFiles(_folder["in"]));
    }

    [Fact]
    public async Task A_crash_between_the_commit_and_the_move_only_moves_the_file()
    {
        Write("a.txt", "1\n2\n");
        await using var rig = await StartAsync();
        await rig.PollAsync();

        await rig.CrashAsync(afterAppend: true);
        Assert.True(File.Exists(_folder["in/a.txt"]));
        await rig.DrainAsync();

        Assert.Equal(["1", "2"], rig.Values);
        Assert.True(File.Exists(_folder["done/a.txt"]));
    }

    [Fact]
    public async Task A_file_of_the_same_name_is_a_new_file_and_replaces_no_finished_one()
    {
        await using var rig = await StartAsync();
        Write("a.txt", "1\n");
        await rig.DrainAsync();
        Write("a.txt", "2\n");
        await rig.DrainAsync();

        Assert.Equal(["1", "2"], rig.Values);
        Assert.Equal("1\n", File.ReadAllText(_folder["done/a.txt"]));
        Assert.Equal("2\n", File.ReadAllText(_folder["done/a.txt.1"]));
    }

    [Fact]
    public async Task A_file_that_replaces_one_before_its_move_is_read_and_not_moved_unread()
    {
        Write("a.txt", "1\n");
        await using var rig = await StartAsync();
        await rig.PollAsync();
        await rig.PollAsync();

        File.Delete(_folder["in/a.txt"]);
        Write("a.txt", "2\n");
        await rig.CommitAsync();
        await rig.DrainAsync();

        Assert.Equal(["1", "2"], rig.Values);
        Assert.Equal("2\n", File.ReadAllText(_folder["done/a.txt"]));
    }

    [Fact]
    public async Task A_file_that_is_still_written_waits()
    {
        Write("a.txt", "1\n");
        await using var rig = await StartAsync(("file.minimum.age.ms", "5000"));
        File.SetLastWriteTimeUtc(_folder["in/a.txt"], rig.Clock.GetUtcNow().UtcDateTime.AddSeconds(-3));
        Assert.Empty(await rig.PollAsync());

        rig.Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Single(await rig.PollAsync());
    }

    [Fact]
    public async Task A_file_that_is_written_to_when_its_turn_comes_waits_although_it_was_quiet_when_the_folder_was_listed()
    {
        await using var rig = await StartAsync(("file.minimum.age.ms", "60000"), ("batch.size", "1"));
        WriteAged("a.txt", "1\n", TimeSpan.FromHours(1));
        WriteAged("b.txt", "2\n", TimeSpan.FromHours(1));
        Assert.Single(await rig.PollAsync());

        WriteAged("b.txt", "2\n3", TimeSpan.FromSeconds(1));
        Assert.Empty(await rig.PollAsync());
        WriteAged("b.txt", "2\n33\n4\n", TimeSpan.FromHours(1));
        await rig.DrainAsync();

        Assert.Equal(["1", "2", "33", "4"], rig.Values);

        void WriteAged(string name, string content, TimeSpan age)
        {
            Write(name, content);
            File.SetLastWriteTimeUtc(_folder[$"in/{name}"], rig.Clock.GetUtcNow().UtcDateTime - age);
        }
    }

    [Theory]
    [InlineData("lines")]
    [InlineData("csv")]
    [InlineData("ndjson")]
    public async Task A_record_that_is_half_written_when_the_file_is_opened_is_read_when_it_is_whole(string format)
    {
        Write("a.txt", "1\n2\n3");
        await using var rig = await StartAsync(("batch.size", "1"), ("format", format));
        await rig.PollAsync();

        File.AppendAllText(_folder["in/a.txt"], "3\n4\n");
        await rig.DrainAsync();

        Assert.Equal(["1", "2", "33", "4"], rig.Values.Select(v => v is Dictionary<string, object?> row ? row["column01"] : v!.ToString()));
        Assert.Contains(rig.Messages, m => m.Level == TaskLogLevel.Warning && m.Message.Contains("written to while it was read", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_appended_to_a_file_that_stays_is_read_on()
    {
        Write("a.txt", "1\n");
        await using var rig = await StartAsync(("cleanup.policy", "NONE"));
        await rig.DrainAsync();
        File.AppendAllText(_folder["in/a.txt"], "2\n");
        await rig.DrainAsync();
        await rig.CrashAsync();
        File.AppendAllText(_folder["in/a.txt"], "3\n");
        await rig.DrainAsync();

        Assert.Equal(["1", "2", "3"], rig.Values);
    }

    [Fact]
    public async Task An_empty_file_is_finished_at_once()
    {
        Write("a.txt", "");
        await using var rig = await StartAsync();

        await rig.DrainAsync();

        Assert.Empty(rig.Log);
        Assert.True(File.Exists(_folder["done/a.txt"]));
    }

    [Fact]
    public async Task A_bad_record_halts_the_task_after_what_stands_before_it_is_committed_and_the_file_went_to_the_error_folder()
    {
        Write("a.json", "1\n2\n{bad\n4\n");
        Write("b.json", "5\n");
        await using var rig = await StartAsync(("format", "ndjson"));

        Assert.Equal([1L, 2L], (await rig.PollAsync()).Select(r => r.Value));
        Assert.Empty(await rig.PollAsync());
        Assert.True(File.Exists(_folder["in/a.json"]));
        await rig.CommitAsync();

        var error = await Assert.ThrowsAsync<FatalException>(() => rig.PollAsync());
        Assert.StartsWith($"'{_folder["in/a.json"]}', record 3: No JSON at byte 4", error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder["bad/a.json"], error.Message, StringComparison.Ordinal);
        Assert.StartsWith($"'{_folder["in/a.json"]}', record 3", File.ReadAllText(_folder["bad/a.json.error"]), StringComparison.Ordinal);

        await rig.CrashAsync();
        await rig.DrainAsync();
        Assert.Equal([1L, 2L, 5L], rig.Values);
    }

    [Fact]
    public async Task Without_halting_the_next_file_follows_a_bad_one()
    {
        Write("a.json", "{bad\n");
        Write("b.json", "1\n{\n");
        Write("c.json", "2\n");
        await using var rig = await StartAsync(("format", "ndjson"), ("halt.on.error", "false"));

        await rig.DrainAsync();

        Assert.Equal([1L, 2L], rig.Values);
        Assert.Equal(["a.json", "a.json.error", "b.json", "b.json.error"], Directory.GetFiles(_folder["bad"]).Select(Path.GetFileName).Order());
        Assert.Equal(["c.json"], Directory.GetFiles(_folder["done"]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_crash_before_a_bad_file_is_moved_meets_the_same_record_again()
    {
        Write("a.json", "1\n{bad\n");
        await using var rig = await StartAsync(("format", "ndjson"));
        await rig.PollAsync();
        await rig.CrashAsync(afterAppend: true);

        await Assert.ThrowsAsync<FatalException>(() => rig.DrainAsync());

        Assert.Equal([1L], rig.Values);
        Assert.True(File.Exists(_folder["bad/a.json"]));
    }

    [Fact]
    public async Task Only_names_that_match_are_read_and_links_hidden_files_and_flags_are_not()
    {
        Write("a.csv", "1\n");
        Write("a.csv.bak", "2\n");
        Write(".b.csv", "3\n");
        Write("c.csv.PROCESSING", "");
        File.CreateSymbolicLink(_folder["in/d.csv"], "/etc/passwd");
        Directory.CreateDirectory(_folder["in/e.csv"]);
        await using var rig = await StartAsync(("input.file.pattern", @".*\.csv|c.*"));

        await rig.DrainAsync();

        Assert.Equal(["1"], rig.Values);
        Assert.Contains(rig.Messages, m => m.Level == TaskLogLevel.Warning && m.Message.Contains("d.csv", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_name_that_leaves_no_room_for_its_flag_is_left_alone_and_keeps_no_other_file_from_being_read()
    {
        Write(new string('a', 250), "1\n");
        Write("b", "2\n");
        await using var rig = await StartAsync();

        await rig.DrainAsync();

        Assert.Equal(["2"], rig.Values);
        Assert.Contains("is left alone: its name has 250 bytes", Assert.Single(rig.Messages, m => m.Level == TaskLogLevel.Warning).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(a+)+b|b", 0)]
    [InlineData("(?!c)(a+)+b|b", 1)]
    public async Task A_name_that_a_pattern_takes_too_long_to_tell_is_left_alone_and_keeps_no_other_file_from_being_read(string pattern, int warnings)
    {
        Write(new string('a', 40), "1\n");
        Write("b", "2\n");
        await using var rig = await StartAsync(("input.file.pattern", pattern));

        await rig.DrainAsync();

        Assert.Equal(["2"], rig.Values);
        Assert.Equal(warnings, rig.Messages.Count(m => m.Level == TaskLogLevel.Warning && m.Message.Contains("input.file.pattern", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("NameAsc", "a b c")]
    [InlineData("NameDesc", "c b a")]
    [InlineData("LengthAsc,NameAsc", "a c b")]
    [InlineData("LengthDesc,NameDesc", "b c a")]
    [InlineData("LastModifiedAsc", "b a c")]
    [InlineData("LastModifiedDesc", "c a b")]
    public async Task Files_are_read_in_the_order_that_is_configured(string sort, string expected)
    {
        foreach (var (name, length, minute) in ((string, int, int)[])[("a", 1, 2), ("b", 2, 1), ("c", 1, 3)])
        {
            Write(name, string.Concat(Enumerable.Repeat(name, length)));
            File.SetLastWriteTimeUtc(_folder[$"in/{name}"], new DateTime(2025, 1, 1, 0, minute, 0, DateTimeKind.Utc));
        }

        await using var rig = await StartAsync(("files.sort.attributes", sort));
        await rig.DrainAsync();

        Assert.Equal(expected, string.Join(' ', rig.Values.Select(v => ((string)v!)[0])));
    }

    [Fact]
    public async Task Tasks_share_the_files_and_each_is_read_once()
    {
        for (var i = 0; i < 30; i++)
            Write($"{i}.txt", $"{i}\n");
        var read = new List<object?>();
        for (var task = 0; task < 3; task++)
        {
            await using var rig = await new SourceRig(new DirectorySourceConnector(), _folder.Path, Settings()) { TaskId = task, Tasks = 3 }.StartAsync();
            await rig.DrainAsync();
            Assert.InRange(rig.Log.Count, 3, 20);
            read.AddRange(rig.Values);
        }

        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"{i}").Order(), read.Cast<string>().Order());
    }

    [Fact]
    public async Task Files_move_to_another_disk_without_being_seen_half_copied()
    {
        if (!Directory.Exists("/dev/shm"))
            return;
        var other = Directory.CreateDirectory(Path.Combine("/dev/shm", Path.GetFileName(_folder.Path))).FullName;
        try
        {
            var content = string.Concat(Enumerable.Range(0, 10_000).Select(i => $"{i}\n"));
            Write("a.txt", content);
            var time = File.GetLastWriteTimeUtc(_folder["in/a.txt"]);
            await using var rig = await new SourceRig(new DirectorySourceConnector(), "/", Settings(("finished.path", other))).StartAsync();
            await rig.DrainAsync();

            Assert.Equal([Path.Combine(other, "a.txt")], Directory.GetFileSystemEntries(other));
            Assert.Equal(content, File.ReadAllText(Path.Combine(other, "a.txt")));
            Assert.Equal(time, File.GetLastWriteTimeUtc(Path.Combine(other, "a.txt")));
            Assert.Empty(Directory.GetFileSystemEntries(_folder["in"]));
        }
        finally
        {
            Directory.Delete(other, recursive: true);
        }
    }

    [Fact]
    public async Task A_link_where_the_flag_would_be_is_not_followed_out_of_the_roots()
    {
        using var outside = new TempFolder("outside");
        File.WriteAllText(outside["precious"], "all of it");
        Write("a.txt", "1\n");
        File.CreateSymbolicLink(_folder["in/a.txt.PROCESSING"], outside["precious"]);
        await using var rig = await StartAsync();

        await Assert.ThrowsAsync<FatalException>(() => rig.PollAsync());

        Assert.Equal("all of it", File.ReadAllText(outside["precious"]));
    }

    [Fact]
    public async Task The_commit_of_a_replaced_file_does_not_count_for_the_one_that_took_its_name()
    {
        Write("a.txt", "1\n2\n3\n4\n5\n");
        await using var rig = await StartAsync(("batch.size", "4"));
        await rig.PollAsync();
        var old = rig.TakePolled();

        // The writer replaces it while four of five records are read.
        File.WriteAllText(_folder["in/.new"], "6\n");
        File.AppendAllText(_folder["in/a.txt"], "x\n");
        File.Move(_folder["in/.new"], _folder["in/a.txt"], overwrite: true);
        await rig.PollAsync();
        await rig.PollAsync();

        await rig.CommitAsync(old);
        Assert.True(File.Exists(_folder["in/a.txt"]));
        await rig.DrainAsync();
        Assert.Equal("6", rig.Values.Last());
        Assert.True(File.Exists(_folder["done/a.txt"]));
    }

    [Fact]
    public async Task An_offset_of_spooldir_that_counts_records_is_accepted()
    {
        Write("a.csv", "id\n1\n2\n3\n");
        await using var rig = new SourceRig(new DirectorySourceConnector(), _folder.Path, Settings(("format", "csv"), ("csv.first.row.as.header", "true")));
        rig.SetOffset("""{"fileName":"a.csv"}""", """{"offset":2}""");
        await rig.StartAsync();

        await rig.DrainAsync();

        Assert.Equal("3", ((Dictionary<string, object?>)Assert.Single(rig.Values)!)["id"]);
        Assert.Equal(3L, rig.Log[0].SourceOffset["offset"]);
    }

    [Fact]
    public async Task Folders_that_are_missing_or_outside_of_the_roots_are_refused_by_key()
    {
        var connector = new DirectorySourceConnector();
        var config = connector.Config.Parse(new Dictionary<string, string?>
        {
            ["topic"] = "t",
            ["input.path"] = "/etc",
            ["finished.path"] = _folder["nowhere"],
            ["halt.on.error"] = "false",
            ["timestamp.mode"] = "FIELD",
            ["value.schema"] = "{}",
        });
        var validation = new ConfigValidation(config, new FileRoots([_folder.Path]), new OutboundPolicy([]));

        await connector.ValidateAsync(validation, default);

        Assert.Equal(["input.path", "finished.path", "error.path", "timestamp.field"], validation.Errors.Select(e => e.Name));
        Assert.Equal("value.schema", Assert.Single(validation.Warnings).Name);
    }

    [Theory]
    [InlineData("finished.path", "in")]
    [InlineData("error.path", "in/")]
    [InlineData("finished.path", "link")]
    public async Task Files_are_not_moved_to_where_they_would_be_read_again(string key, string folder)
    {
        Directory.CreateSymbolicLink(_folder["link"], _folder["in"]);
        var connector = new DirectorySourceConnector();
        var config = connector.Config.Parse(Settings((key, _folder[folder])).ToDictionary(s => s.Key, s => (string?)s.Value));
        var validation = new ConfigValidation(config, new FileRoots([_folder.Path]), new OutboundPolicy([]));
        await connector.ValidateAsync(validation, default);

        Assert.Equal(key, Assert.Single(validation.Errors).Name);
        await Assert.ThrowsAsync<FatalException>(() => StartAsync((key, _folder[folder])));
    }

    [Theory]
    [InlineData("input.file.pattern", "(")]
    [InlineData("files.sort.attributes", "Name")]
    [InlineData("csv.separator.char", "ab")]
    [InlineData("file.charset", "no-such")]
    [InlineData("format", "xml")]
    [InlineData("cleanup.policy", "BURN")]
    public void A_wrong_value_is_refused_by_its_key(string key, string value)
    {
        var error = Assert.Throws<ConfigException>(() => new DirectorySourceConnector().Config.Parse(new Dictionary<string, string?> { ["topic"] = "t", ["input.path"] = "x", [key] = value }));

        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("com.github.jcustenborder.kafka.connect.spooldir.SpoolDirCsvSourceConnector", "Csv")]
    [InlineData("SpoolDirSchemaLessJsonSource", "Json")]
    [InlineData("com.github.jcustenborder.kafka.connect.spooldir.SpoolDirLineDelimitedSourceConnector", "Lines")]
    [InlineData("SpoolDirBinaryFileSourceConnector", "Binary")]
    [InlineData("DirectorySource", "Lines")]
    public void The_class_of_spooldir_that_is_named_decides_the_format(string name, string format)
    {
        var config = new DirectorySourceConnector().Config.Parse(new Dictionary<string, string?> { ["topic"] = "t", ["input.path"] = "x", ["connector.class"] = name });

        Assert.Equal(format, DirectorySettings.FormatOf(config).ToString());
    }

    [Fact]
    public async Task Offsets_are_checked()
    {
        var connector = new DirectorySourceConnector();
        var file = new Dictionary<string, object?> { ["fileName"] = "f" };

        Assert.True(await AlterAsync(file, new() { ["offset"] = 5L }));
        Assert.True(await AlterAsync(null, null));
        await Assert.ThrowsAsync<ConnectException>(async () => await AlterAsync(null, new() { ["offset"] = 5L }));
        await Assert.ThrowsAsync<ConnectException>(async () => await AlterAsync([], new() { ["offset"] = 5L }));
        await Assert.ThrowsAsync<ConnectException>(async () => await AlterAsync(file, new() { ["offset"] = "5" }));
        await Assert.ThrowsAsync<ConnectException>(async () => await AlterAsync(file, new() { ["offset"] = -1L }));
        await Assert.ThrowsAsync<ConnectException>(async () => await AlterAsync(file, new() { ["position"] = 1L }));

        ValueTask<bool> AlterAsync(Dictionary<string, object?>? partition, Dictionary<string, object?>? offset) =>
            connector.AlterOffsetsAsync(new Dictionary<string, string>(), [(partition, offset)], default);
    }

    private void Write(string name, string content) => File.WriteAllText(_folder[$"in/{name}"], content);

    private (string Key, string Value)[] Settings(params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string>
        {
            ["topic"] = "t",
            ["input.path"] = _folder["in"],
            ["finished.path"] = _folder["done"],
            ["error.path"] = _folder["bad"],
            ["file.minimum.age.ms"] = "0",
        };
        foreach (var (key, value) in settings)
            all[key] = value;
        return [.. all.Select(s => (s.Key, s.Value))];
    }

    private Task<SourceRig> StartAsync(params (string Key, string Value)[] settings) => new SourceRig(new DirectorySourceConnector(), _folder.Path, Settings(settings)).StartAsync();
}
