using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using RestStream.TestKit.History;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;
using RestStream.Tests.Faults.Load;

namespace RestStream.Tests.Faults;

/// <summary>
/// kill -9 of members and of the server while a group works: polls, streams and REST Proxy v2 instances, with commits of their own and with auto-commit, share one group;
/// every record reaches a member, no partition has two owners, nothing that was committed comes again.
/// </summary>
[Collection(ProcessTests.Name)]
public class GroupKillTests
{
    private const string Topic = "work", Group = "workers";
    private const int Partitions = 6, Rounds = 24;

    private static readonly string[] s_modes = ["poll", "poll", "stream", "v2", "v2auto"];

    private readonly Random _random = new(ProcessTests.Seed);
    private readonly ClientHistory _sends = new();
    private readonly Lock _lock = new();
    private readonly List<GroupEntry> _calls = [];
    private readonly List<GroupMemberProcess> _members = [];
    private int _names;
    private int _produced;

    [RequiresToolFact("python3-kafka")]
    public async Task Twenty_kills_of_members_and_of_the_server_lose_nothing_and_give_no_partition_to_two()
    {
        using var folder = new TempFolder("group-kill");
        try
        {
            for (var round = 0; round < Rounds; round++)
            {
                await using var server = await StartAsync(folder, round);
                await RoundAsync(server, folder, killServer: round % 6 != 5);
            }

            await using var last = await StartAsync(folder, round: -1);
            await WhenEveryKindReadsAsync(last);
            await DrainAsync(last);
            foreach (var member in _members)
                await member.KillAsync();
            Judge(last);
            Assert.Equal(0, await last.StopAsync());
        }
        finally
        {
            foreach (var member in _members)
                await member.DisposeAsync();
        }
    }

    private async Task<ServerProcess> StartAsync(TempFolder folder, int round)
    {
        var server = await ServerProcess.StartAsync(folder["data"], [.. ProcessTests.LogAlone, "--RestStream:Limits:Heartbeat=00:00:01", "--RestStream:Groups:SessionTimeout=00:00:02"]);
        if (round == 0)
        {
            using var created = await server.Client.PutAsJsonAsync($"topics/{Topic}", new { partitions = Partitions });
            Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        }

        // Renamed into place, so that a member never reads half of it.
        await File.WriteAllTextAsync(folder["url.new"], server.Address.ToString());
        File.Move(folder["url.new"], folder["url"], overwrite: true);
        while (_members.Count < s_modes.Length)
            _members.Add(NewMember(folder, $"m{_names++}", s_modes[_members.Count]));
        return server;
    }

    /// <summary>Producers and members work; one member is killed in the middle and comes back, under its own name or as another; then the server is, or in every sixth round stops cleanly.</summary>
    private async Task RoundAsync(ServerProcess server, TempFolder folder, bool killServer)
    {
        using var stop = new CancellationTokenSource();
        var producers = Enumerable.Range(0, 3).Select(i => ProduceAsync(server, $"w{i}", stop.Token)).ToArray();
        await WhenHandedOutAsync(server, _random.Next(50, 200));

        var victim = _random.Next(_members.Count);
        var (name, mode) = (_members[victim].Member, _members[victim].Mode);
        await _members[victim].KillAsync();
        if (_random.Next(2) == 0)
            await WhenHandedOutAsync(server, _random.Next(1, 50));

        _members[victim] = NewMember(folder, _random.Next(2) == 0 ? name : $"m{_names++}", mode);

        await WhenHandedOutAsync(server, _random.Next(50, 200));
        if (killServer)
            await server.KillAsync();
        await stop.CancelAsync();
        await Task.WhenAll(producers);
        if (!killServer)
            Assert.Equal(0, await server.StopAsync());
    }

    private GroupMemberProcess NewMember(TempFolder folder, string name, string mode) => new(folder["url"], Group, Topic, name, mode, entry =>
    {
        lock (_lock)
            _calls.Add(entry);
    });

    private async Task ProduceAsync(ServerProcess server, string producer, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && !server.HasExited)
        {
            var ids = Enumerable.Range(0, 5).Select(_ => $"{producer}-{Interlocked.Increment(ref _produced)}").ToArray();
            var body = JsonSerializer.Serialize(ids.Select(id => new { key = id, value = new { id } }));
            var start = ClientHistory.Now;
            var (outcome, offsets) = await SendAsync(server, body);
            _sends.Add(new HistoryEntry(start, ClientHistory.Now, producer, Operation.Send, outcome,
                [.. ids.Select((id, i) => new HistoryRecord(Topic, offsets?[i].Partition ?? -1, offsets?[i].Offset ?? -1, id, 0))]));
            await Task.Delay(10, CancellationToken.None);
        }
    }

    private static async Task<(Outcome Outcome, (int Partition, long Offset)[]? Offsets)> SendAsync(ServerProcess server, string body)
    {
        try
        {
            using var answer = await server.Client.PostAsync($"topics/{Topic}/records", new StringContent(body, Encoding.UTF8, "application/json"));
            if (answer.StatusCode != HttpStatusCode.OK)
                return (Outcome.Info, null);
            using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            return (Outcome.Ok, [.. json.RootElement.GetProperty("offsets").EnumerateArray().Select(o => (o.GetProperty("partition").GetInt32(), o.GetProperty("offset").GetInt64()))]);
        }
        catch (Exception e) when (Producer.IsCut(e))
        {
            return (Outcome.Info, null);
        }
    }

    /// <summary>Returns when members were given so many more records, or the server is gone.</summary>
    private async Task WhenHandedOutAsync(ServerProcess server, int more)
    {
        var deadline = DateTime.UtcNow.AddSeconds(120);
        for (var goal = HandedOut() + more; HandedOut() < goal && !server.HasExited; await Task.Delay(5))
        {
            if (DateTime.UtcNow > deadline)
                Assert.Fail($"The group got no more records: {await server.Client.GetStringAsync($"groups/{Group}")}\n{LastCalls()}\n{Errors()}\n{server.Output}");
        }
    }

    /// <summary>Sends until those that are left, of which some may have joined a moment ago, have all shown that they still work.</summary>
    private async Task WhenEveryKindReadsAsync(ServerProcess server)
    {
        using var stop = new CancellationTokenSource();
        var producer = ProduceAsync(server, "last", stop.Token);
        var deadline = DateTime.UtcNow.AddSeconds(120);
        while (KindsThatRead() < s_modes.Distinct().Count())
        {
            Assert.True(DateTime.UtcNow < deadline, $"Not every kind of member gets records: {await server.Client.GetStringAsync($"groups/{Group}")}\n{LastCalls()}\n{Errors()}\n{server.Output}");
            await Task.Delay(50);
        }
        await stop.CancelAsync();
        await producer;
    }

    private int KindsThatRead()
    {
        lock (_lock)
            return _members.Where(m => _calls.Any(c => c.Member == m.Member && c.Records.Count > 0)).DistinctBy(m => m.Mode).Count();
    }

    private int HandedOut()
    {
        lock (_lock)
            return _calls.Sum(c => c.Records.Count);
    }

    /// <summary>Lets the members work until everything is committed.</summary>
    private async Task DrainAsync(ServerProcess server)
    {
        var deadline = DateTime.UtcNow.AddSeconds(120);
        while (true)
        {
            using var lag = JsonDocument.Parse(await server.Client.GetStringAsync($"groups/{Group}/lag"));
            if (lag.RootElement.GetProperty("lag").GetInt64() == 0)
                return;
            Assert.True(DateTime.UtcNow < deadline, $"The group does not come to the end: {lag.RootElement}\n{LastCalls()}\n{Errors()}\n{server.Output}");
            await Task.Delay(50);
        }
    }

    private string LastCalls()
    {
        lock (_lock)
            return string.Join('\n', _calls.GroupBy(c => c.Member).Where(m => _members.Any(alive => alive.Member == m.Key)).Select(m => $"{m.Key} ({_members.First(alive => alive.Member == m.Key).Mode}): {m.Count()} calls, the last ones {string.Join(", ", m.TakeLast(5).Select(c => $"{c.Outcome} {(c.End - c.Start) / 1_000_000} ms, {(ClientHistory.Now - c.End) / 1_000_000} ms ago"))}"));
    }

    private string Errors() => string.Join('\n', _members.Select(m => m.Errors));

    private void Judge(ServerProcess server)
    {
        var sends = _sends.Entries;
        var report = GroupHistoryChecker.Check(sends, _calls, drained: true);

        Assert.True(report.IsClean, $"{report}\n{Errors()}\nServer:\n{server.Output}");
        Assert.True(report is { AcknowledgedRecords: > 1000, RecordsRead: > 1000 }, report.ToString());
        Assert.Equal("", Errors().Trim());
    }
}
