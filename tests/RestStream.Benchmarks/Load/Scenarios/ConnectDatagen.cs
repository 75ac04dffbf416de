using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using RestStream.TestKit.Processes;

namespace RestStream.Benchmarks.Load.Scenarios;

/// <summary>The Datagen source in a server, as fast as the log takes its records.</summary>
internal static class ConnectDatagen
{
    private static readonly TimeSpan s_warm = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_measured = TimeSpan.FromSeconds(10);

    public static async Task RunAsync(LoadSession session)
    {
        const string scenario = "connect-datagen";
        using var folder = session.NewFolder(scenario);
        await using var server = await LoadSession.StartServerAsync(folder);
        await LoadSession.CreateTopicAsync(server, "orders", configs: """{"retention.bytes":"268435456"}""");
        var config = new Dictionary<string, string> { ["connector.class"] = "Datagen", ["kafka.topic"] = "orders", ["quickstart"] = "orders", ["max.interval"] = "0" };
        using var answer = await server.Client.PutAsJsonAsync("connectors/orders/config", config);
        answer.EnsureSuccessStatusCode();
        await Task.Delay(s_warm);
        var (before, spent, watch) = (await EndAsync(server), server.ProcessorTime(), Stopwatch.StartNew());
        await Task.Delay(s_measured);
        var (records, seconds) = (await EndAsync(server) - before, watch.Elapsed.TotalSeconds);
        spent = server.ProcessorTime() - spent;

        session.Report.Add(new(scenario, "durable records per second, orders as plain JSON, one task", records / seconds, "/s") { Bar = 300_000 });
        session.Report.Add(new(scenario, "records per second of processor time", records / spent.TotalSeconds, "/s"));
    }

    private static async Task<long> EndAsync(ServerProcess server) =>
        (await server.Client.GetFromJsonAsync<JsonElement>("topics/orders")).GetProperty("partitions")[0].GetProperty("high_watermark").GetInt64();
}
