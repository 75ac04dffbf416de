using System.Text;

using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connectors.Files;
using RestStream.TestKit;

namespace RestStream.Connectors.Tests;

public sealed class FileStreamSourceTests : IDisposable
{
    private readonly TempFolder _folder = new("file-source");

    private string Input => _folder["in.log"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Lines_end_in_any_of_three_ways_empty_ones_count_and_a_partial_one_waits()
    {
        File.WriteAllText(Input, "a\nb\r\n\rc\n\nrest");
        await using var rig = await StartAsync();

        await rig.DrainAsync();
        Assert.Equal(["a", "b", "", "c", ""], rig.Values);

        File.AppendAllText(Input, " and more\n");
        await rig.DrainAsync();
        Assert.Equal("rest and more", rig.Values.Last());
        Assert.All(rig.Log, r => Assert.Null(r.Key));
        Assert.All(rig.Log, r => Assert.Equal("t", r.Topic));
    }

    [Fact]
    public async Task A_line_feed_that_comes_later_than_its_carriage_return_ends_no_second_line()
    {
        File.WriteAllText(Input, "a\r");
        await using var rig = await StartAsync();
        await rig.DrainAsync();
        Assert.Empty(rig.Log);

        File.AppendAllText(Input, "\nb\r");
        await rig.DrainAsync();
        File.AppendAllText(Input, "c\n");
        await rig.DrainAsync();

        Assert.Equal(["a", "b", "c"], rig.Values);
    }

    [Theory]
    [InlineData(-3)]
    [InlineData(-2)]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Line_ends_at_the_edge_of_the_buffer_are_found(int shift)
    {
        // The reader's buffer holds 64 KiB.
        var first = new string('x', (64 * 1024) + shift);
        File.WriteAllText(Input, first + "\r\ny\rz\n");
        await using var rig = await StartAsync();

        await rig.DrainAsync();

        Assert.Equal([first, "y", "z"], rig.Values);
    }

    [Fact]
    public async Task A_file_that_is_absent_is_no_error_and_is_read_once_it_is_there()
    {
        await using var rig = await StartAsync();
        Assert.Empty(await rig.PollAsync());

        File.WriteAllText(Input, "late\n");
        await rig.DrainAsync();

        Assert.Equal(["late"], rig.Values);
    }

    [Fact]
    public async Task Positions_are_bytes_so_that_a_restart_finds_its_place_behind_text_that_is_not_ascii()
    {
        File.WriteAllText(Input, "Größe\n😀 数\nc\n");
        await using var rig = await StartAsync(("batch.size", "1"));
        for (var i = 0; i < 2; i++)
        {
            await rig.PollAsync();
            await rig.CommitAsync();
            await rig.CrashAsync();
        }

        await rig.DrainAsync();

        Assert.Equal(["Größe", "😀 数", "c"], rig.Values);
        Assert.Equal((long)Encoding.UTF8.GetByteCount("Größe\n"), rig.Log[0].SourceOffset["position"]);
    }

    [Fact]
    public async Task Bytes_that_are_no_utf8_become_replacement_characters_and_move_no_position()
    {
        File.WriteAllBytes(Input, [(byte)'a', 0xFF, (byte)'\n', 0xC3, (byte)'\n', (byte)'z', (byte)'\n']);
        await using var rig = await StartAsync(("batch.size", "1"));
        await rig.PollAsync();
        await rig.CommitAsync();
        await rig.CrashAsync();

        await rig.DrainAsync();

        Assert.Equal(["a\uFFFD", "\uFFFD", "z"], rig.Values);
    }

    [Fact]
    public async Task A_crash_at_any_point_neither_loses_nor_repeats_a_line()
    {
        var lines = Enumerable.Range(0, 200).Select(i => new string('ü', i % 7) + i).ToList();
        File.WriteAllText(Input, string.Join('\n', lines) + "\n");
        await using var rig = await StartAsync(("batch.size", "3"));
        var random = new Random(1);
        while (rig.Log.Count < lines.Count)
        {
            await rig.PollAsync();
            switch (random.Next(3))
            {
                case 0:
                    await rig.CrashAsync();
                    break;
                case 1:
                    await rig.CrashAsync(afterAppend: true);
                    break;
                default:
                    await rig.CommitAsync();
                    break;
            }
        }

        await rig.DrainAsync();
        Assert.Equal(lines, rig.Values);
    }

    [Fact]
    public async Task A_rotated_file_is_finished_its_unended_last_line_too_before_the_new_one_is_read()
    {
        File.WriteAllText(Input, "1\n2\n");
        await using var rig = await StartAsync();
        await rig.DrainAsync();

        File.AppendAllText(Input, "3\n4");
        File.Move(Input, _folder["in.log.1"]);
        File.WriteAllText(Input, "5\n");
        await rig.DrainAsync();

        Assert.Equal(["1", "2", "3", "4", "5"], rig.Values);
    }

    [Fact]
    public async Task What_is_written_to_the_old_file_after_the_rotation_still_counts()
    {
        File.WriteAllText(Input, "1\n");
        await using var rig = await StartAsync();
        await rig.DrainAsync();
        File.Move(Input, _folder["in.log.1"]);
        File.WriteAllText(Input, "3\n");

        await rig.PollAsync(whileItWaits: () => File.AppendAllText(_folder["in.log.1"], "2\n"));
        await rig.DrainAsync();

        Assert.Equal(["1", "2", "3"], rig.Values);
    }

    [Fact]
    public async Task A_rotation_while_the_worker_is_down_loses_nothing()
    {
        File.WriteAllText(Input, "1\n2\n3\n");
        await using var rig = await StartAsync(("batch.size", "1"));
        await rig.PollAsync();
        await rig.CommitAsync();

        File.Move(Input, _folder["in.log.1"]);
        File.WriteAllText(Input, "4, a longer one\n5\n");
        await rig.CrashAsync();
        await rig.DrainAsync();

        Assert.Equal(["1", "2", "3", "4, a longer one", "5"], rig.Values);
    }

    [Fact]
    public async Task A_file_whose_predecessor_is_gone_is_read_from_its_beginning()
    {
        File.WriteAllText(Input, "1\n");
        await using var rig = await StartAsync();
        await rig.DrainAsync();

        await rig.DisposeAsync();
        File.Delete(Input);
        File.WriteAllText(Input, "new 1\nnew 2\n");
        await rig.StartAsync();
        await rig.DrainAsync();

        Assert.Equal(["1", "new 1", "new 2"], rig.Values);
        Assert.Contains(rig.Messages, m => m.Level == TaskLogLevel.Warning);
    }

    [Theory]
    [InlineData("b\n")]
    [InlineData("another beginning, longer than what was there\n")]
    public async Task A_file_that_was_truncated_and_written_anew_is_read_from_its_beginning(string content)
    {
        File.WriteAllText(Input, "aaaa\naaaa\n");
        await using var rig = await StartAsync();
        await rig.DrainAsync();

        File.WriteAllText(Input, content);
        await rig.DrainAsync();
        File.AppendAllText(Input, "last\n");
        await rig.DrainAsync();

        Assert.Equal(["aaaa", "aaaa", content.TrimEnd('\n'), "last"], rig.Values);
    }

    [Theory]
    [InlineData("abc", "xyz\nmore\n", "xyz more")]
    [InlineData("abcdef", "x\n", "x")]
    [InlineData("1\nabcdef", "1\nx\n", "1 x")]
    public async Task Unfinished_bytes_of_a_file_that_is_written_anew_do_not_become_part_of_its_lines(string before, string after, string expected)
    {
        File.WriteAllText(Input, before);
        await using var rig = await StartAsync();
        await rig.DrainAsync();

        File.WriteAllText(Input, after);
        await rig.DrainAsync();

        Assert.Equal(expected, string.Join(' ', rig.Values));
    }

    [Fact]
    public async Task A_truncation_while_the_worker_is_down_is_noticed()
    {
        File.WriteAllText(Input, "aaaa\naaaa\n");
        await using var rig = await StartAsync();
        await rig.DrainAsync();

        File.WriteAllText(Input, "bbbb\nbbbb\nbbbb\n");
        await rig.CrashAsync();
        await rig.DrainAsync();

        Assert.Equal(["aaaa", "aaaa", "bbbb", "bbbb", "bbbb"], rig.Values);
    }

    [Fact]
    public async Task An_offset_of_kafka_with_a_position_alone_is_accepted()
    {
        File.WriteAllText(Input, "one\ntwo\nthree\n");
        await using var rig = Rig();
        rig.SetOffset($$"""{"filename":"{{Input}}"}""", """{"position":4}""");
        await rig.StartAsync();

        await rig.DrainAsync();

        Assert.Equal(["two", "three"], rig.Values);
    }

    [Fact]
    public async Task A_line_above_the_limit_fails_the_task_after_the_lines_before_it_were_delivered()
    {
        File.WriteAllText(Input, "ok\n" + new string('x', 101) + "\n");
        await using var rig = await StartAsync(("max.line.bytes", "100"));

        Assert.Single(await rig.PollAsync());
        var error = await Assert.ThrowsAsync<FatalException>(() => rig.PollAsync());

        Assert.Equal($"The line at byte 3 is longer than 100 bytes (max.line.bytes) in '{Input}'. Raise that setting, or alter the connector's offset to a position behind the line.", error.Message);
    }

    [Fact]
    public async Task A_partial_line_above_the_limit_fails_too_instead_of_filling_the_memory()
    {
        File.WriteAllText(Input, new string('x', 1000));
        await using var rig = await StartAsync(("max.line.bytes", "100"));

        await Assert.ThrowsAsync<FatalException>(() => rig.PollAsync());
    }

    [Fact]
    public async Task A_million_lines_come_in_order()
    {
        const int Lines = 1_000_000;
        using (var writer = new StreamWriter(Input))
        {
            for (var i = 0; i < Lines; i++)
                writer.WriteLine(i);
        }

        await using var rig = await StartAsync();
        var expected = 0;
        while (expected < Lines)
        {
            foreach (var record in await rig.PollAsync())
                Assert.Equal(expected++.ToString(System.Globalization.CultureInfo.InvariantCulture), record.Value);
            await rig.CommitAsync();
            rig.Log.Clear();
        }
    }

    [Fact]
    public async Task A_file_outside_of_the_roots_is_refused_by_the_validation_and_at_the_start()
    {
        var connector = new FileStreamSourceConnector();
        var validation = new ConfigValidation(connector.Config.Parse(new Dictionary<string, string?> { ["file"] = "/etc/passwd", ["topic"] = "t" }), new FileRoots([_folder.Path]), new OutboundPolicy([]));
        await connector.ValidateAsync(validation, default);
        Assert.Equal("file", Assert.Single(validation.Errors).Name);

        await using var rig = new SourceRig(connector, _folder.Path, ("file", _folder["../../etc/passwd"]), ("topic", "t"));
        await Assert.ThrowsAsync<FatalException>(rig.StartAsync);
    }

    [Fact]
    public async Task A_link_out_of_the_roots_is_refused_at_the_start_and_when_it_appears_later()
    {
        File.CreateSymbolicLink(Input, "/etc/passwd");
        await Assert.ThrowsAsync<FatalException>(() => StartAsync());

        File.Delete(Input);
        await using var rig = await StartAsync();
        File.CreateSymbolicLink(Input, "/etc/passwd");
        await Assert.ThrowsAsync<FatalException>(() => rig.PollAsync());
    }

    [Fact]
    public async Task Without_a_file_the_validation_says_why_standard_input_is_not_read()
    {
        var connector = new FileStreamSourceConnector();
        var validation = new ConfigValidation(connector.Config.Parse(new Dictionary<string, string?> { ["topic"] = "t" }), new FileRoots([_folder.Path]), new OutboundPolicy([]));

        await connector.ValidateAsync(validation, default);

        Assert.StartsWith("A file is needed.", Assert.Single(validation.Errors).Message, StringComparison.Ordinal);
        Assert.False(connector.SupportsExactlyOnce(new Dictionary<string, string>()));
        Assert.True(connector.SupportsExactlyOnce(new Dictionary<string, string> { ["file"] = "f" }));
    }

    [Fact]
    public async Task Offsets_are_checked_in_kafkas_words()
    {
        var connector = new FileStreamSourceConnector();
        var file = new Dictionary<string, object?> { ["filename"] = "f" };

        Assert.True(await AlterAsync(file, new() { ["position"] = 5L }));
        Assert.True(await AlterAsync(null, null));
        await RefusedAsync("Partition objects cannot be null", null, new() { ["position"] = 5L });
        await RefusedAsync("Partition objects should contain the key 'filename'", [], new() { ["position"] = 5L });
        await RefusedAsync("Offset objects should either be null or contain the key 'position'", file, new() { ["p"] = 5L });
        await RefusedAsync("The value for the 'position' key in the offset is expected to be a Long value", file, new() { ["position"] = "5" });
        await RefusedAsync("The value for the 'position' key in the offset should be a non-negative value", file, new() { ["position"] = -1L });

        ValueTask<bool> AlterAsync(Dictionary<string, object?>? partition, Dictionary<string, object?>? offset) =>
            connector.AlterOffsetsAsync(new Dictionary<string, string> { ["file"] = "f" }, [(partition, offset)], default);
        async Task RefusedAsync(string message, Dictionary<string, object?>? partition, Dictionary<string, object?> offset) =>
            Assert.Equal(message, (await Assert.ThrowsAsync<ConnectException>(async () => await AlterAsync(partition, offset))).Message);
    }

    [Fact]
    public async Task One_task_whatever_is_allowed()
    {
        var connector = new FileStreamSourceConnector();
        await using var rig = await new SourceRig(connector, _folder.Path, ("file", Input), ("topic", "t")) { Tasks = 4 }.StartAsync();

        Assert.Single(connector.TaskConfigs(4));
    }

    private SourceRig Rig(params (string Key, string Value)[] settings) => new(new FileStreamSourceConnector(), _folder.Path, [("file", Input), ("topic", "t"), .. settings]);

    private Task<SourceRig> StartAsync(params (string Key, string Value)[] settings) => Rig(settings).StartAsync();
}
