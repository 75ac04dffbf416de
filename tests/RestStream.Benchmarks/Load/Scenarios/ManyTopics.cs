using RestStream.Benchmarks.Load.Client;

namespace RestStream.Benchmarks.Load.Scenarios;

/// <summary>Single records over 1,000 topics, against the same on one topic of the same server.</summary>
internal static class ManyTopics
{
    private const string Scenario = "topics1000";
    private const int Topics = 1000;
    private const int Connections = 256;

    public static async Task RunAsync(LoadSession session)
    {
        using var folder = session.NewFolder(Scenario);
        await using var server = await LoadSession.StartServerAsync(folder);
        await LoadSession.CreateTopicAsync(server, "one");
        for (var i = 0; i < Topics; i++)
            await LoadSession.CreateTopicAsync(server, $"many{i}");

        using var one = new LoadDriver(server.Address, [.. Enumerable.Range(0, Topics).Select(i => Requests.Post("/topics/one/records", Requests.Single(200, i)))], Connections);
        using var many = new LoadDriver(server.Address, [.. Enumerable.Range(0, Topics).Select(i => Requests.Post($"/topics/many{i}/records", Requests.Single(200, i)))], Connections);
        session.WarmUp(one, server.ProcessorTime);
        session.WarmUp(many, server.ProcessorTime);

        var (onOne, onMany, ratios, tail) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < session.Options.Rounds; round++)
        {
            onOne.Add(LoadSession.Run(one, session.Options.RoundLength).PerSecond);
            var result = LoadSession.Run(many, session.Options.RoundLength);
            onMany.Add(result.PerSecond);
            tail.Add(result.P99);
            ratios.Add(onMany[^1] / onOne[^1]);
        }
        session.Report.Add(Scenario, "ratio to one topic", ratios, "x", bar: 0.8);
        session.Report.Add(Scenario, "requests per second, 1,000 topics", onMany, "/s");
        session.Report.Add(Scenario, "requests per second, one topic", onOne, "/s");
        session.Report.Add(Scenario, "p99, 1,000 topics", tail, "ms");
    }
}
