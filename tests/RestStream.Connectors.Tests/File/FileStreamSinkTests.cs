using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connect.Data;
using RestStream.Connectors.Files;
using RestStream.TestKit;

namespace RestStream.Connectors.Tests;

public sealed class FileStreamSinkTests : IDisposable
{
    private readonly TempFolder _folder = new("file-sink");

    private string Output => _folder["out.txt"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Each_record_is_one_line_as_java_prints_it()
    {
        await using var task = await StartAsync();

        await task.PutAsync([Record("ü"), Record(new Dictionary<string, object?> { ["a"] = 1L }), Record(new Struct(SchemaBuilder.Struct().Field("a", Schema.Int64).Build()).Put("a", 1L)), Record(null), Record(new List<object?> { 1L, true })], default);
        await FlushAsync(task);

        Assert.Equal("ü\n{a=1}\nStruct{a=1}\nnull\n[1, true]\n", File.ReadAllText(Output));
    }

    [Fact]
    public async Task A_file_that_is_there_is_appended_to_and_a_torn_last_line_is_not_glued_to_the_next()
    {
        File.WriteAllText(Output, "whole\nto");
        await using var task = await StartAsync();

        await task.PutAsync([Record("next")], default);
        await task.PutAsync([Record("one more")], default);

        Assert.Equal("whole\nto\nnext\none more\n", File.ReadAllText(Output));
    }

    [Fact]
    public async Task A_file_that_was_emptied_by_a_rotation_is_filled_from_its_beginning()
    {
        await using var task = await StartAsync();
        await task.PutAsync([Record("old")], default);

        using (var emptied = new FileStream(Output, FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite))
            Assert.Equal(0, emptied.Length);
        await task.PutAsync([Record("new")], default);

        Assert.Equal("new\n", File.ReadAllText(Output));
    }

    [Fact]
    public async Task Tasks_that_append_to_one_file_at_once_do_not_overwrite_each_other()
    {
        const int Batches = 500;
        await using var one = await StartAsync();
        await using var two = await StartAsync();

        await Task.WhenAll(Task.Run(() => PutAllAsync(one, "a")), Task.Run(() => PutAllAsync(two, "b")));

        var lines = File.ReadAllLines(Output);
        Assert.Equal(Enumerable.Range(0, Batches).Select(i => $"a{i}"), lines.Where(l => l[0] == 'a'));
        Assert.Equal(Enumerable.Range(0, Batches).Select(i => $"b{i}"), lines.Where(l => l[0] == 'b'));

        static async Task PutAllAsync(FileStreamSinkTask task, string name)
        {
            for (var i = 0; i < Batches; i++)
                await task.PutAsync([Record($"{name}{i}")], default);
        }
    }

    [Fact]
    public async Task An_impossible_file_fails_the_task_in_kafkas_words()
    {
        var file = _folder["no such folder/out.txt"];

        var error = await Assert.ThrowsAsync<ConnectException>(() => StartAsync(file));

        Assert.StartsWith($"Couldn't find or create file '{file}' for FileStreamSinkTask", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_outside_of_the_roots_is_refused_by_the_validation_and_at_the_start()
    {
        var connector = new FileStreamSinkConnector();
        var validation = new ConfigValidation(connector.Config.Parse(new Dictionary<string, string?> { ["file"] = "/etc/motd" }), new FileRoots([_folder.Path]), new OutboundPolicy([]));
        await connector.ValidateAsync(validation, default);

        Assert.Equal("file", Assert.Single(validation.Errors).Name);
        await Assert.ThrowsAsync<FatalException>(() => StartAsync("/etc/motd"));
    }

    [Fact]
    public async Task What_was_flushed_is_safe_up_to_the_offsets_that_were_asked_for()
    {
        await using var task = await StartAsync();
        await task.PutAsync([Record("a")], default);

        var offsets = new Dictionary<TopicPartition, long> { [new("t", 0)] = 1 };

        Assert.Equal(offsets, await task.FlushAsync(offsets, default));
    }

    private static Task FlushAsync(FileStreamSinkTask task) => task.FlushAsync(new Dictionary<TopicPartition, long>(), default);

    private static SinkRecord Record(object? value) => new() { Topic = "t", OriginalTopic = "t", OriginalPartition = 0, Partition = 0, Offset = 0, Value = value };

    private async Task<FileStreamSinkTask> StartAsync(string? file = null)
    {
        var task = new FileStreamSinkTask();
        await task.StartAsync(new SinkContext(new FileStreamSinkConnector().Config.Parse(new Dictionary<string, string?> { ["file"] = file ?? Output }), _folder.Path), default);
        return task;
    }

    private sealed class SinkContext(ConfigValues config, string root) : ISinkTaskContext
    {
        public string ConnectorName => "c";
        public int TaskId => 0;
        public ConfigValues Config => config;
        public TimeProvider Time { get; } = new ManualClock();
        public FileRoots Files { get; } = new([root]);
        public OutboundPolicy Network { get; } = new([]);
        public IReadOnlyCollection<TopicPartition> Assignment => [];

        public string? Written(string name) => throw new NotSupportedException();
        public void Log(TaskLogLevel level, string message, Exception? error = null) => throw new NotSupportedException(message);
        public void Metric(string name, double value) => throw new NotSupportedException();
        public void Seek(TopicPartition partition, long offset) => throw new NotSupportedException();
        public void Pause(params IReadOnlyCollection<TopicPartition> partitions) => throw new NotSupportedException();
        public void Resume(params IReadOnlyCollection<TopicPartition> partitions) => throw new NotSupportedException();
        public void RequestCommit() => throw new NotSupportedException();
        public Task ProduceAsync(string topic, SchemaAndValue key, SchemaAndValue value, IReadOnlyList<Header> headers, CancellationToken cancellationToken) => throw new NotSupportedException();
        public Task ReportAsync(SinkRecord record, Exception error) => throw new NotSupportedException();
    }
}
