using System.Diagnostics;

using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connect.Data;
using RestStream.Connectors.Datagen;

using Xunit.Abstractions;

namespace RestStream.Connectors.Tests;

public sealed class DatagenTests(ITestOutputHelper output)
{
    // The list that users read.
    private static readonly string[] s_names = new DatagenConnector().Config.Find("quickstart")!.Documentation.Split(": ")[1].TrimEnd('.').Split(", ");

    public static TheoryData<string> Names => [.. s_names];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Every_quickstart_makes_whole_records_with_a_key_that_differ(string quickstart)
    {
        await using var rig = await StartAsync(("quickstart", quickstart), ("max.interval", "0"));
        var records = await rig.PollAsync();

        Assert.All(records, r => r.ValueSchema!.Validate(r.Value));
        Assert.All(records, r => r.KeySchema!.Validate(r.Key));
        Assert.All(records, r => Assert.NotNull(r.Key));
        Assert.True(records.Select(r => Values.ToText(r.Value)).Distinct().Count() > 5);
        output.WriteLine(records[0].Value!.ToString());
    }

    [Fact]
    public void There_are_those_that_users_of_confluents_connector_know_best()
    {
        foreach (var name in (string[])["users", "users_", "orders", "pageviews", "clickstream", "clickstream_codes", "clickstream_users", "stock_trades", "ratings", "pizza_orders", "product", "purchases", "inventory"])
            Assert.Contains(name, s_names);
    }

    [Fact]
    public async Task The_same_seed_makes_the_same_records_and_another_others()
    {
        var one = await TextsAsync("7");
        var again = await TextsAsync("7");
        var other = await TextsAsync("8");

        Assert.Equal(one, again);
        Assert.NotEqual(one, other);

        async Task<List<string>> TextsAsync(string seed)
        {
            await using var rig = await StartAsync(("quickstart", "orders"), ("max.interval", "0"), ("random.seed", seed));
            return [.. (await rig.PollAsync()).Select(r => Values.ToText(r.Value))];
        }
    }

    [Fact]
    public async Task Tasks_make_different_records()
    {
        await using var one = await StartAsync(("quickstart", "users"), ("max.interval", "0"));
        await using var two = await new SourceRig(new DatagenConnector(), "/tmp", [("kafka.topic", "t"), ("quickstart", "users"), ("max.interval", "0")]) { TaskId = 1, Tasks = 2 }.StartAsync();

        Assert.NotEqual((await one.PollAsync()).Select(r => Values.ToText(r.Value)), (await two.PollAsync()).Select(r => Values.ToText(r.Value)));
    }

    [Fact]
    public async Task A_crash_repeats_nothing_and_leaves_nothing_out()
    {
        await using var whole = await StartAsync(("quickstart", "orders"), ("max.interval", "0"), ("iterations", "9000"));
        await whole.DrainAsync();
        await using var rig = await StartAsync(("quickstart", "orders"), ("max.interval", "0"), ("iterations", "9000"));

        await rig.PollAsync();
        await rig.CommitAsync();
        await rig.PollAsync();
        await rig.CrashAsync();
        await rig.PollAsync();
        await rig.CrashAsync(afterAppend: true);
        await rig.DrainAsync();

        Assert.Equal(whole.Values.Select(Values.ToText), rig.Values.Select(Values.ToText));
        Assert.Equal(9000, rig.Log.Count);
    }

    [Fact]
    public async Task The_rate_is_kept_and_a_long_pause_is_not_made_up_for()
    {
        await using var rig = await StartAsync(("quickstart", "users"), ("rate", "100"));
        Assert.Single(await rig.PollAsync());

        rig.Clock.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(50, (await rig.PollAsync()).Count);
        rig.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(101, (await rig.PollAsync()).Count);
    }

    [Fact]
    public async Task Pauses_are_random_up_to_the_interval()
    {
        await using var rig = await StartAsync(("quickstart", "users"), ("max.interval", "100"));
        await rig.PollAsync();

        // A pause of 50 ms on average: 20 a second.
        rig.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange((await rig.PollAsync()).Count, 14, 28);
    }

    [Fact]
    public async Task The_key_field_is_chosen_and_one_that_is_missing_is_refused()
    {
        await using var rig = await StartAsync(("quickstart", "users"), ("max.interval", "0"), ("schema.keyfield", "regionid"));
        Assert.All(await rig.PollAsync(), r => Assert.StartsWith("Region_", (string)r.Key!, StringComparison.Ordinal));

        var connector = new DatagenConnector();
        var validation = new ConfigValidation(
            connector.Config.Parse(new Dictionary<string, string?> { ["kafka.topic"] = "t", ["quickstart"] = "users", ["schema.keyfield"] = "nope", ["schema.string"] = "{}" }), new FileRoots([]), new OutboundPolicy([]));
        await connector.ValidateAsync(validation, default);
        Assert.Equal(["schema.keyfield", "schema.string"], validation.Errors.Select(e => e.Name));
    }

    [Theory]
    [InlineData("quickstart", "nope")]
    [InlineData("rate", "0")]
    [InlineData("max.interval", "-1")]
    public void A_wrong_value_is_refused_by_its_key(string key, string value)
    {
        var error = Assert.Throws<ConfigException>(() => new DatagenConnector().Config.Parse(new Dictionary<string, string?> { ["kafka.topic"] = "t", ["quickstart"] = "users", [key] = value }));

        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offsets_are_checked()
    {
        var connector = new DatagenConnector();
        Assert.True(await AlterAsync(new() { ["task.id"] = 0L }, new() { ["current.iteration"] = 5L }));
        Assert.True(await AlterAsync(null, null));
        await Assert.ThrowsAsync<ConnectException>(async () => await AlterAsync([], new() { ["current.iteration"] = 5L }));
        await Assert.ThrowsAsync<ConnectException>(async () => await AlterAsync(new() { ["task.id"] = 0L }, new() { ["current.iteration"] = -5L }));

        ValueTask<bool> AlterAsync(Dictionary<string, object?>? partition, Dictionary<string, object?>? offset) =>
            connector.AlterOffsetsAsync(new Dictionary<string, string>(), [(partition, offset)], default);
    }

    [Fact]
    public async Task Records_are_cheap()
    {
        await using var rig = await StartAsync(("quickstart", "orders"), ("max.interval", "0"));
        await rig.PollAsync();
        var (allocated, time) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
        var count = 0;
        for (var i = 0; i < 50; i++)
            count += (await rig.PollAsync()).Count;

        // Time is told, not judged; bytes are: 680 are what a record takes.
        var bytes = (GC.GetAllocatedBytesForCurrentThread() - allocated) / count;
        output.WriteLine($"{count / time.Elapsed.TotalSeconds:N0} records/s, {bytes} bytes each");
        Assert.True(bytes < 900, $"{bytes} bytes");
    }

    private static Task<SourceRig> StartAsync(params (string Key, string Value)[] settings) => new SourceRig(new DatagenConnector(), "/tmp", [("kafka.topic", "t"), .. settings]).StartAsync();
}
