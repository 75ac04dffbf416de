using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Storage.Files;

namespace RestStream.Benchmarks.Load.Scenarios;

/// <summary>Consumer groups inside the engine, without HTTP: what the coordinator and the log cost by themselves.</summary>
internal static class Groups
{
    private const string Topic = "t";
    private const int Committers = 256;
    private const int Members = 100;

    /// <summary>256 committers, each waiting for its commit to be durable: as members of one group, and as the only members of 256 groups.</summary>
    public static async Task CommitsAsync(LoadSession session)
    {
        const string scenario = "group-commits";
        using var folder = session.NewFolder(scenario);
        await using var broker = await OpenAsync(folder);
        await broker.CreateTopicAsync(new TopicSpec(Topic, Committers, new Dictionary<string, string>()), default);
        var together = await JoinAsync(broker, "together", Committers);
        var apart = new List<IGroupConsumer>();
        for (var i = 0; i < Committers; i++)
            apart.AddRange(await JoinAsync(broker, $"alone-{i}", 1));

        foreach (var (name, members) in new[] { ("256 members of one group", together), ("256 groups", apart) })
        {
            var offset = 0L;
            await CommitForAsync(members, session.Options.RoundLength);
            var (rounds, costs) = (new List<double>(), new List<double>());
            for (var round = 0; round < session.Options.Rounds; round++)
            {
                var (before, watch) = (Environment.CpuUsage.TotalTime, Stopwatch.StartNew());
                rounds.Add(await CommitForAsync(members, session.Options.RoundLength));
                costs.Add((Environment.CpuUsage.TotalTime - before).TotalMicroseconds / (rounds[^1] * watch.Elapsed.TotalSeconds));
            }
            session.Report.Add(scenario, $"durable commits per second, {name}", rounds, "/s", bar: 20_000);
            session.Report.Add(scenario, $"processor time of a commit, {name}", costs, "us");

            async Task<double> CommitForAsync(IReadOnlyList<IGroupConsumer> all, TimeSpan duration)
            {
                var watch = Stopwatch.StartNew();
                var commits = await Task.WhenAll(all.Select(member => Task.Run(async () =>
                {
                    var partition = member.Assignment.Partitions[0];
                    var count = 0L;
                    while (watch.Elapsed < duration)
                    {
                        var refused = await member.CommitAsync([new OffsetCommit(partition, Interlocked.Increment(ref offset))], -1, default);
                        if (refused.Count > 0)
                            throw new InvalidOperationException($"A commit was refused: {refused[0]}");
                        count++;
                    }
                    return count;
                })));
                return commits.Sum() / watch.Elapsed.TotalSeconds;
            }
        }
    }

    /// <summary>From the arrival of one more member until all of them have their new share.</summary>
    public static async Task RebalanceAsync(LoadSession session)
    {
        const string scenario = "group-rebalance";
        using var folder = session.NewFolder(scenario);
        await using var broker = await OpenAsync(folder);
        await broker.CreateTopicAsync(new TopicSpec(Topic, 2 * Members, new Dictionary<string, string>()), default);
        foreach (var assignor in new[] { "range", "cooperative-sticky" })
        {
            var members = new List<IGroupConsumer>(await JoinAsync(broker, assignor, Members, assignor));
            var rounds = new List<double>();
            for (var round = 0; round < session.Options.Rounds; round++)
            {
                var watch = Stopwatch.StartNew();
                members.Add(Member(broker, assignor, assignor));
                await ReadyAsync(members);
                rounds.Add(watch.Elapsed.TotalMilliseconds);
            }
            session.Report.Add(scenario, $"one more than {Members} members, {assignor}", rounds, "ms", bar: 1000, atLeast: false);
        }
    }

    private static Task<EmbeddedBroker> OpenAsync(DataFolder folder) =>
        EmbeddedBroker.OpenAsync(Path.Combine(folder.Path, "data"), new BrokerOptions(), new LinuxFileSystem(), TimeProvider.System, NullLogger.Instance, new GroupOptions());

    private static IGroupConsumer Member(EmbeddedBroker broker, string group, string assignor) =>
        broker.JoinGroup(new GroupJoin { Group = group, Topics = [Topic], Assignors = [assignor], SessionTimeout = TimeSpan.FromMinutes(10) });

    private static async Task<IReadOnlyList<IGroupConsumer>> JoinAsync(EmbeddedBroker broker, string group, int count, string assignor = "range")
    {
        var members = Enumerable.Range(0, count).Select(_ => Member(broker, group, assignor)).ToList();
        await ReadyAsync(members);
        return members;
    }

    /// <summary>Each comes back whenever the group wants it, as clients with short polls do, until it wants nobody.</summary>
    private static async Task ReadyAsync(IReadOnlyList<IGroupConsumer> members)
    {
        bool[] ready;
        do
            ready = await Task.WhenAll(members.Select(m => m.ReadyAsync(TimeSpan.FromMilliseconds(50), default).AsTask()));
        while (!ready.All(r => r) || members.Any(m => m.RebalanceWanted.IsCompleted) || members.DistinctBy(m => m.Assignment.Generation).Count() > 1);
    }
}
