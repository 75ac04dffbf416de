using System.Text.Json.Nodes;
using RestStream.Connect.Model;

namespace RestStream.Connect.Tests.Herding;

/// <summary>What requests are refused with, word by word as Kafka Connect 4.3.1 does it, and what they may show.</summary>
public class RequestTests
{
    [Fact]
    public async Task Requests_for_an_unknown_connector_are_refused_with_kafkas_words()
    {
        await using var worker = await TestWorker.StartAsync();
        var herder = worker.Herder;

        await RefusedAsync(404, "Connector X not found", () => Task.FromResult(herder.Info("X")));
        await RefusedAsync(404, "Connector X not found", () => Task.FromResult(herder.Tasks("X")));
        await RefusedAsync(404, "No status found for connector X", () => Task.FromResult(herder.Status("X")));
        await RefusedAsync(404, "No status found for task X-0", () => Task.FromResult(herder.TaskStatus("X", 0)));
        await RefusedAsync(404, "Connector X not found", () => herder.PatchConfigAsync("X", new Dictionary<string, string?>(), default));
        await RefusedAsync(404, "Connector X not found", () => herder.DeleteAsync("X", default));
        await RefusedAsync(404, "Unknown connector: X", () => herder.RestartAsync("X", false, false, default));
        await RefusedAsync(404, "Unknown connector: X", () => herder.RestartAsync("X", true, true, default));
        await RefusedAsync(404, "Unknown connector: X", () => herder.RestartTaskAsync("X", 0, default));
        await RefusedAsync(404, "Unknown connector X", () => herder.SetTargetStateAsync("X", TargetState.Paused, default));
        await RefusedAsync(404, "Connector X not found", () => Task.FromResult(herder.Offsets("X")));
        await RefusedAsync(404, "Connector X not found", () => herder.AlterOffsetsAsync("X", [new OffsetEntry(null, null)], default));
        await RefusedAsync(404, "Connector X not found", () => herder.ResetOffsetsAsync("X", default));
        Assert.Empty(herder.ActiveTopics("X"));
        herder.ResetActiveTopics("X");
        Assert.Empty(herder.Connectors());
    }

    [Fact]
    public async Task A_connector_that_exists_cannot_be_created_and_a_wrong_configuration_changes_nothing()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c");
        var herder = worker.Herder;
        const string Frame = "Connector configuration is invalid and contains the following 2 error(s):\na is wrong\nb is wrong\n"
            + "You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`";

        await RefusedAsync(409, "Connector c already exists", () => herder.CreateAsync("c", TestWorker.Config(), TargetState.Started, default));
        await RefusedAsync(400, Frame, () => herder.CreateAsync("d", TestWorker.Config(("a", "wrong"), ("b", "wrong")), TargetState.Started, default));
        await RefusedAsync(400, Frame, () => herder.PutConfigAsync("c", TestWorker.Config(("a", "wrong"), ("b", "wrong")), default));
        await RefusedAsync(400, Frame, () => herder.PatchConfigAsync("c", new Dictionary<string, string?> { ["a"] = "wrong", ["b"] = "wrong" }, default));
        const string OtherName = "Connector name configuration (z) doesn't match connector name in the URL (c)";
        await RefusedAsync(400, OtherName, () => herder.CreateAsync("c", TestWorker.Config(("name", "z")), TargetState.Started, default));
        await RefusedAsync(400, OtherName, () => herder.PutConfigAsync("c", TestWorker.Config(("name", "z")), default));

        Assert.Equal(["c"], herder.Connectors());
        Assert.Equal(["connector.class", "tasks.max", "name"], herder.Info("c").Config.Keys);
    }

    [Fact]
    public async Task Put_creates_or_replaces_and_patch_merges()
    {
        await using var worker = await TestWorker.StartAsync();

        Assert.True((await worker.Herder.PutConfigAsync("c", TestWorker.Config(("a", "1"), ("b", "2")), default)).Created);
        var patched = await worker.Herder.PatchConfigAsync("c", new Dictionary<string, string?> { ["a"] = null, ["b"] = "3", ["d"] = "4", ["none"] = null }, default);
        await worker.Herder.SettledAsync("c");

        Assert.Equal("connector.class=source tasks.max=4 b=3 name=c d=4", string.Join(' ', patched.Config.Select(e => $"{e.Key}={e.Value}")));
        Assert.Equal(patched.Config, worker.Herder.Info("c").Config);
        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
    }

    [Fact]
    public async Task Secrets_are_never_shown_and_the_mask_sent_back_keeps_them()
    {
        await using var worker = await TestWorker.StartAsync();
        worker.Plugins.OnStart = (context, _) => throw new ConnectException($"login failed for {context.Config.Originals["password"]}, {context.Config.Originals["other"]}");

        var created = await worker.Herder.CreateAsync("c", TestWorker.Config(("password", "canary-1"), ("other", "${secret:}"), ("restart.policy", "never")), TargetState.Started, default);
        await worker.Herder.SettledAsync("c");

        Assert.Equal("[hidden]", created.Config["password"]);
        Assert.Equal("${secret:}", created.Config["other"]);
        var status = worker.Herder.Status("c").Connector;
        Assert.Contains("login failed for [hidden], [hidden]", status.Trace);
        Assert.Equal("login failed for [hidden], [hidden]", status.Details!.Error!.Message);

        worker.Plugins.OnStart = (_, _) => Task.CompletedTask;
        var shown = worker.Herder.Info("c").Config.ToDictionary(e => e.Key, e => (string?)e.Value);
        shown["more"] = "1";
        await worker.Herder.PutConfigAsync("c", shown, default);
        await worker.Herder.PatchConfigAsync("c", new Dictionary<string, string?> { ["password"] = "[hidden]", ["more"] = "2" }, default);
        await worker.Herder.SettledAsync("c");

        Assert.Equal("canary-1", worker.Plugins.Contexts["c"].Config.Originals["password"]);
        Assert.Equal("resolved-secret", worker.Plugins.Contexts["c"].Config.Originals["other"]);
        var task = Assert.Single(worker.Herder.Tasks("c")).Config;
        Assert.Equal(("[hidden]", "${secret:}", "2"), (task["password"], task["other"], task["more"]));
        Assert.DoesNotContain("resolved-secret", string.Concat((await worker.ReadAsync("connect-configs")).Select(r => r.Value)));
    }

    [Fact]
    public async Task A_mask_in_a_configuration_that_is_only_checked_stands_for_the_stored_value()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("password", "canary"));

        await worker.Herder.ValidateAsync(TestWorker.Config(("name", "c"), ("password", "[hidden]")), default);
        Assert.Equal("canary", worker.Plugins.Validated["password"]);

        await worker.Herder.ValidateAsync(TestWorker.Config(("name", "other"), ("password", "[hidden]")), default);
        Assert.Equal("[hidden]", worker.Plugins.Validated["password"]);
    }

    [Fact]
    public async Task What_a_reference_stands_for_is_not_stored_although_the_connector_hands_it_on()
    {
        await using var worker = await TestWorker.StartAsync();
        worker.Plugins.OnTaskConfigs = (context, _) => [context.Config.Originals];

        await worker.CreateAsync("c", config: ("other", "${secret:}"));

        Assert.Equal("${secret:}", Assert.Single(worker.Herder.Tasks("c")).Config["other"]);
        Assert.DoesNotContain("resolved-secret", string.Concat((await worker.ReadAsync("connect-configs")).Select(r => r.Value)));
    }

    [Fact]
    public async Task Only_tasks_that_there_are_can_be_restarted()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("tasks", "2"));

        await RefusedAsync(404, "Unknown task: c-2", () => worker.Herder.RestartTaskAsync("c", 2, default));
        await worker.SetAsync("c", TargetState.Stopped);

        await RefusedAsync(
            409, "Task c-1 was stopped with its connector. Resume the connector (PUT /connectors/c/resume) to run its tasks again.", () => worker.Herder.RestartTaskAsync("c", 1, default));
    }

    [Fact]
    public async Task Active_topics_can_be_reset_and_switched_off()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c");
        worker.Statuses.TopicUsed("c", 0, "t");
        Assert.Equal(["t"], worker.Herder.ActiveTopics("c"));

        worker.Herder.ResetActiveTopics("c");
        Assert.Empty(worker.Herder.ActiveTopics("c"));
        worker.Statuses.TopicUsed("c", 0, "t");
        Assert.Equal(["t"], worker.Herder.ActiveTopics("c"));

        worker.Options.TopicTrackingReset = false;
        await RefusedAsync(403, "Topic tracking reset is disabled.", () => Run(() => worker.Herder.ResetActiveTopics("c")));
        worker.Options.TopicTracking = false;
        await RefusedAsync(403, "Topic tracking is disabled.", () => Run(() => worker.Herder.ResetActiveTopics("c")));
        await RefusedAsync(403, "Topic tracking is disabled.", () => Task.FromResult(worker.Herder.ActiveTopics("c")));
    }

    internal static async Task RefusedAsync(int status, string message, Func<Task> request)
    {
        var refused = await Assert.ThrowsAsync<ConnectRequestException>(request);
        Assert.Equal((status, message), (refused.Status, refused.Message));
    }

    internal static OffsetEntry Entry(string? partition, string? offset) =>
        new(partition is null ? null : JsonNode.Parse(partition)!.AsObject(), offset is null ? null : JsonNode.Parse(offset)!.AsObject());

    private static Task Run(Action action)
    {
        action();
        return Task.CompletedTask;
    }
}
