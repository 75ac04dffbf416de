namespace RestStream.Tests.Connect;

/// <summary>Checks 18 to 24: offsets and active topics.</summary>
[Collection(ConnectChecks.Name)]
public class OffsetChecks(ConnectFixture fixture)
{
    private const string Altered = "The offsets for this connector have been altered successfully";
    private const string Reset = "The offsets for this connector have been reset successfully";
    private const string Framework = "The Connect framework-managed offsets for this connector have been {0} successfully. "
        + "However, if this connector manages offsets externally, they will need to be manually {0} in the system that the connector uses.";

    private readonly ConnectServer _connect = fixture.Connect;

    [Fact]
    public async Task Check_18_Offsets_of_a_source_are_its_own_and_of_a_sink_those_of_its_group()
    {
        var (source, sink) = (_connect.NewName("offsets"), _connect.NewName("offsets"));
        File.WriteAllText(_connect.FilePath($"{source}.txt"), "a\nb\n");
        await _connect.CreateAsync(source, ConnectServer.FileSource($"{source}.txt", source));
        await _connect.UntilRecordsAsync(source, 2);
        await _connect.CreateAsync(sink, new Dictionary<string, string>(ConnectServer.FileSink($"{sink}.out", source)) { ["consumer.override.group.id"] = $"own-{sink}" });

        await _connect.UntilAsync(async () => (await _connect.GetAsync($"connectors/{sink}/offsets")).Text.Contains("\"kafka_offset\":2"), "the sink's offset");
        var ofSource = await _connect.GetAsync($"connectors/{source}/offsets");
        var ofSink = await _connect.GetAsync($"connectors/{sink}/offsets");

        var stored = Assert.Single(ofSource.Json.GetProperty("offsets").EnumerateArray());
        Assert.Equal($$"""{"filename":"{{source}}.txt"}""", stored.GetProperty("partition").ToString());
        Assert.Equal(4, stored.GetProperty("offset").GetProperty("position").GetInt32());
        Assert.Equal($$$"""200 {"offsets":[{"partition":{"kafka_topic":"{{{source}}}","kafka_partition":0},"offset":{"kafka_offset":2}}]}""", ofSink.ToString());
        Assert.Equal(200, (await _connect.CallAsync(HttpMethod.Get, $"groups/own-{sink}")).Status);
        Assert.Equal("""200 {"offsets":[]}""", (await _connect.GetAsync($"connectors/{await NewSourceAsync()}/offsets")).ToString());
    }

    [Theory]
    [InlineData("pause", "PAUSED")]
    [InlineData("resume", "RUNNING")]
    public async Task Check_19_Offsets_are_changed_only_while_the_connector_is_stopped(string verb, string state)
    {
        var name = await NewSourceAsync();
        await _connect.PutAsync($"connectors/{name}/{verb}");
        await _connect.UntilAsync(name, state, state);

        var altered = await _connect.PatchAsync($"connectors/{name}/offsets", """{"offsets":[{"partition":{"task":"0"},"offset":{"saved":1}}]}""");
        var reset = await _connect.DeleteAsync($"connectors/{name}/offsets");

        var message = "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the "
            + $"'/connectors/{name}/stop' endpoint";
        Assert.All([altered, reset], a => Assert.Equal($"400 {message}", $"{a.Status} {a.Message}"));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"offsets":[]}""")]
    [InlineData("""{"offsets":null}""")]
    public async Task Check_20_A_request_without_offsets_is_refused_for_whatever_connector(string body)
    {
        var refused = await _connect.PatchAsync("connectors/nobody/offsets", body);

        Assert.Equal("400 Partitions / offsets need to be provided for an alter offsets request", $"{refused.Status} {refused.Message}");
    }

    [Theory]
    [InlineData("""{"offset":{"kafka_offset":1}}""", "The partition for a sink connector offset cannot be null or missing")]
    [InlineData("""{"partition":null,"offset":{"kafka_offset":1}}""", "The partition for a sink connector offset cannot be null or missing")]
    [InlineData("""{"partition":{"kafka_topic":"t"},"offset":{"kafka_offset":1}}""", "must contain the keys 'kafka_topic' and 'kafka_partition'")]
    [InlineData("""{"partition":{"kafka_topic":"t","kafka_partition":0},"offset":{"x":1}}""", "The offset for a sink connector should either be null or contain the key 'kafka_offset'")]
    [InlineData("""{"partition":{"kafka_topic":"t","kafka_partition":"x"},"offset":{"kafka_offset":1}}""",
        "Failed to parse the following Kafka partition value in the provided offsets: 'x'. Partition values for sink connectors need to be integers.")]
    [InlineData("""{"partition":{"kafka_topic":"t","kafka_partition":0},"offset":{"kafka_offset":"x"}}""",
        "Failed to parse the following Kafka offset value in the provided offsets: 'x'. Offset values for sink connectors need to be integers.")]
    public async Task Check_20_Offsets_of_a_sink_that_make_no_sense_are_refused(string entry, string message)
    {
        var name = _connect.NewName("bad-sink");
        await _connect.PostAsync("connectors", new { name, config = ConnectServer.FileSink("x", "t"), initial_state = "STOPPED" });
        await _connect.UntilAsync(name, "STOPPED");

        var refused = await _connect.PatchAsync($"connectors/{name}/offsets", $$"""{"offsets":[{{entry}}]}""");

        Assert.Equal(400, refused.Status);
        Assert.Contains(message, refused.Message);
    }

    [Theory]
    [InlineData("""{"partition":null,"offset":{"position":1}}""", "Partition objects cannot be null")]
    [InlineData("""{"partition":{"x":1},"offset":{"position":1}}""", "Partition objects should contain the key 'filename'")]
    [InlineData("""{"partition":{"filename":"f"},"offset":{"x":1}}""", "Offset objects should either be null or contain the key 'position'")]
    [InlineData("""{"partition":{"filename":"f"},"offset":{"position":"1"}}""", "The value for the 'position' key in the offset is expected to be a Long value")]
    [InlineData("""{"partition":{"filename":"f"},"offset":{"position":-1}}""", "The value for the 'position' key in the offset should be a non-negative value")]
    public async Task Check_20_Offsets_that_a_source_refuses_are_answered_400_with_its_message(string entry, string message)
    {
        var name = _connect.NewName("bad-source");
        await _connect.PostAsync("connectors", new { name, config = ConnectServer.FileSource("f", "t"), initial_state = "STOPPED" });
        await _connect.UntilAsync(name, "STOPPED");

        var refused = await _connect.PatchAsync($"connectors/{name}/offsets", $$"""{"offsets":[{{entry}}]}""");

        Assert.Equal(400, refused.Status);
        Assert.Contains(message, refused.Message);
    }

    [Fact]
    public async Task Check_20_A_number_may_be_text_and_null_resets_one_partition()
    {
        var (name, topic) = (_connect.NewName("sink"), _connect.NewName("topic"));
        await _connect.PutAsync($"topics/{topic}", """{"partitions":2}""");
        for (var partition = 0; partition < 2; partition++)
            await _connect.PostAsync($"topics/{topic}/partitions/{partition}/records", """[{"value":1},{"value":2},{"value":3}]""");
        await _connect.PostAsync("connectors", new { name, config = ConnectServer.FileSink($"{name}.out", topic), initial_state = "STOPPED" });
        await _connect.UntilAsync(name, "STOPPED");

        var set = await _connect.PatchAsync($"connectors/{name}/offsets",
            $$$"""{"offsets":[{"partition":{"kafka_topic":"{{{topic}}}","kafka_partition":"0"},"offset":{"kafka_offset":"2"}},{"partition":{"kafka_topic":"{{{topic}}}","kafka_partition":1},"offset":{"kafka_offset":1}}]}""");
        var reset = await _connect.PatchAsync($"connectors/{name}/offsets", $$$"""{"offsets":[{"partition":{"kafka_topic":"{{{topic}}}","kafka_partition":1},"offset":null}]}""");
        var left = await _connect.GetAsync($"connectors/{name}/offsets");

        Assert.Equal([200, 200], [set.Status, reset.Status]);
        Assert.Equal($$$"""{"offsets":[{"partition":{"kafka_topic":"{{{topic}}}","kafka_partition":0},"offset":{"kafka_offset":2}}]}""", left.Text);
    }

    [Fact]
    public async Task Check_21_The_answer_says_whether_the_connector_confirmed_the_change()
    {
        var (file, own) = (_connect.NewName("file"), _connect.NewName("own"));
        await _connect.PostAsync("connectors", new { name = file, config = ConnectServer.FileSource("f", "t"), initial_state = "STOPPED" });
        await _connect.PostAsync("connectors", new { name = own, config = ConnectServer.Source(own), initial_state = "STOPPED" });
        await _connect.UntilAsync(file, "STOPPED");
        await _connect.UntilAsync(own, "STOPPED");

        Assert.Equal(Altered, (await _connect.PatchAsync($"connectors/{file}/offsets", """{"offsets":[{"partition":{"filename":"f"},"offset":{"position":1}}]}""")).Message);
        Assert.Equal(Reset, (await _connect.DeleteAsync($"connectors/{file}/offsets")).Message);
        Assert.Equal(string.Format(Framework, "altered"), (await _connect.PatchAsync($"connectors/{own}/offsets", """{"offsets":[{"partition":{"task":"0"},"offset":{"saved":1}}]}""")).Message);
        Assert.Equal(string.Format(Framework, "reset"), (await _connect.DeleteAsync($"connectors/{own}/offsets")).Message);
    }

    [Fact]
    public async Task Check_22_A_reset_can_be_repeated_and_everything_is_read_again()
    {
        var name = _connect.NewName("again");
        await _connect.CreateAsync(name, ConnectServer.Source(name, messages: 4));
        await _connect.UntilRecordsAsync(name, 4);
        await _connect.PutAsync($"connectors/{name}/stop");
        await _connect.UntilAsync(name, "STOPPED");

        Assert.Equal(200, (await _connect.DeleteAsync($"connectors/{name}/offsets")).Status);
        Assert.Equal(200, (await _connect.DeleteAsync($"connectors/{name}/offsets")).Status);
        Assert.Equal("""{"offsets":[]}""", (await _connect.GetAsync($"connectors/{name}/offsets")).Text);
        await _connect.PutAsync($"connectors/{name}/resume");
        await _connect.UntilRecordsAsync(name, 8);

        Assert.Equal([1, 2, 3, 4, 1, 2, 3, 4], (await _connect.RecordsAsync(name)).Select(r => int.Parse(r.GetProperty("value").GetString()!.Split('-')[^1])));
    }

    [Fact]
    public async Task Check_22_A_sink_reads_everything_again_after_a_reset()
    {
        var (name, topic) = (_connect.NewName("sink-again"), _connect.NewName("topic"));
        await _connect.ProduceAsync(topic, "a", "b");
        await _connect.CreateAsync(name, ConnectServer.Sink(name, topic));
        await _connect.UntilAsync(() => Task.FromResult(_connect.Journal($"{name}.out").Count == 2), "two lines");
        await _connect.PutAsync($"connectors/{name}/stop");
        await _connect.UntilAsync(name, "STOPPED");

        Assert.Equal(200, (await _connect.DeleteAsync($"connectors/{name}/offsets")).Status);
        await _connect.PutAsync($"connectors/{name}/resume");

        await _connect.UntilAsync(() => Task.FromResult(_connect.Journal($"{name}.out").Count == 4), "four lines");
    }

    [Fact]
    public async Task Check_23_Offsets_cannot_be_changed_while_a_zombie_task_of_the_sink_lives()
    {
        await using var connect = await ConnectServer.StartAsync("--RestStream:Connect:TaskShutdownTimeout", "00:00:00.300");
        var (name, topic) = ("zombie", "zombie-topic");
        await connect.ProduceAsync(topic, "a", "b");
        connect.Fail(name, "hang 0");
        await connect.CreateAsync(name, ConnectServer.Sink(name, topic));
        await connect.UntilAsync(() => Task.FromResult(connect.Journal($"{name}.journal").Contains("task 0 hangs")), "the task to hang");
        await connect.PutAsync($"connectors/{name}/stop");
        await connect.UntilAsync(name, "STOPPED");

        var refused = await connect.DeleteAsync($"connectors/{name}/offsets");

        Assert.Contains("zombie sink task", refused.Message);
        connect.Fail(name);
        await connect.UntilAsync(async () => (await connect.DeleteAsync($"connectors/{name}/offsets")).Status == 200, "the end of the zombie");
    }

    [Fact]
    public async Task Check_24_Topics_that_a_connector_uses_are_known_until_they_are_reset_or_it_is_deleted()
    {
        var (source, sink) = (_connect.NewName("topics"), _connect.NewName("topics"));
        await _connect.CreateAsync(source, ConnectServer.Source(source, messages: 1));
        await _connect.UntilRecordsAsync(source, 1);
        await _connect.CreateAsync(sink, ConnectServer.Sink(sink, source));
        foreach (var name in new[] { source, sink })
            await _connect.UntilAsync(async () => (await TopicsAsync(name)).SequenceEqual([source]), $"the topic of {name}");

        await _connect.PutAsync($"connectors/{source}/pause");
        await _connect.UntilAsync(source, "PAUSED", "PAUSED");
        Assert.Equal([source], await TopicsAsync(source));
        Assert.Equal("202 ", (await _connect.PutAsync($"connectors/{source}/topics/reset")).ToString());
        Assert.Empty(await TopicsAsync(source));
        await _connect.PutAsync($"connectors/{source}/config", ConnectServer.Source(source, messages: 2));
        await _connect.PutAsync($"connectors/{source}/resume");
        await _connect.UntilAsync(async () => (await TopicsAsync(source)).SequenceEqual([source]), "the topic again");
        await _connect.DeleteAsync($"connectors/{source}");
        Assert.Empty(await TopicsAsync(source));
    }

    [Theory]
    [InlineData("TopicTracking", "Topic tracking is disabled.", "Topic tracking is disabled.")]
    [InlineData("TopicTrackingReset", null, "Topic tracking reset is disabled.")]
    public async Task Check_24_Tracking_and_its_reset_can_be_switched_off(string setting, string? get, string reset)
    {
        await using var connect = await ConnectServer.StartAsync($"--RestStream:Connect:{setting}", "false");

        var topics = await connect.GetAsync("connectors/x/topics");
        var forgotten = await connect.PutAsync("connectors/x/topics/reset");

        Assert.Equal(get is null ? 200 : 403, topics.Status);
        if (get is not null)
            Assert.Equal(get, topics.Message);
        Assert.Equal($"403 {reset}", $"{forgotten.Status} {forgotten.Message}");
    }

    private async Task<string> NewSourceAsync()
    {
        var name = _connect.NewName("idle");
        await _connect.CreateAsync(name, ConnectServer.Source(name));
        return name;
    }

    private async Task<IEnumerable<string>> TopicsAsync(string name) =>
        (await _connect.GetAsync($"connectors/{name}/topics")).Json.GetProperty(name).GetProperty("topics").EnumerateArray().Select(t => t.GetString()!);
}
