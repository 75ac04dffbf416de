using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using RestStream.TestKit.History;
using RestStream.TestKit.Processes;

namespace RestStream.Tests.Faults.Load;

/// <summary>
/// Producers and readers that live longer than the server: a round lets them loose on one server process until it dies or the round is ended.
/// Everything they saw is in <see cref="History"/>; what should not be answered at all is in <see cref="Problems"/>.
/// </summary>
internal sealed class MixedLoad
{
    private readonly IReadOnlyList<LoadTopic> _topics;
    private readonly Producer[] _producers;
    private readonly Reader[] _readers;
    private readonly ConcurrentQueue<string> _problems = [];
    private CancellationTokenSource _deadline = new();
    private int _answers;
    private (int Count, TaskCompletionSource Reached)? _waiting;

    public MixedLoad(int seed, IReadOnlyList<LoadTopic>? topics = null, int producers = 6)
    {
        _topics = topics ?? LoadTopic.Mixed;
        _producers = [.. Enumerable.Range(0, producers).Select(i => new Producer($"w{i}", _topics, this, seed * 1000 + i))];
        _readers = [.. _topics.SelectMany(t => new[] { new Reader($"pages-{t.Name}", t, events: false, this), new Reader($"events-{t.Name}", t, events: true, this) })];
    }

    public ClientHistory History { get; } = new();
    public IReadOnlyCollection<string> Problems => _problems;
    public HttpClient Client { get; private set; } = null!;

    /// <summary>No answer may take longer than this, whatever happens to the server.</summary>
    public CancellationToken Deadline => _deadline.Token;

    /// <summary>How often each status was answered to a send.</summary>
    public ConcurrentDictionary<HttpStatusCode, int> Answers { get; } = [];

    public async Task CreateTopicsAsync(ServerProcess server)
    {
        foreach (var topic in _topics)
        {
            using var answer = await server.Client.PutAsJsonAsync($"topics/{topic.Name}", new { partitions = topic.Partitions, configs = topic.Configs });
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        }
    }

    /// <summary>
    /// Lets all clients work on <paramref name="server"/> while <paramref name="during"/> runs, then until the server is gone or they have finished what they were at.
    /// </summary>
    public async Task RoundAsync(ServerProcess server, Func<Task> during)
    {
        Client = server.Client;
        _deadline = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        using var stop = new CancellationTokenSource();
        var clients = _producers.Select(p => ProduceAsync(p, server, stop.Token)).Concat(_readers.Select(r => r.ReadAsync(stop.Token))).ToArray();
        try
        {
            await during();
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(clients);
            if (_deadline.IsCancellationRequested)
                Problem("a client was still waiting after 120 s");
        }
    }

    /// <summary>Returns when so many more sends were answered, or the server is gone.</summary>
    public async Task WhenAnsweredAsync(int more, ServerProcess server)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_problems)
            _waiting = (_answers + more, reached);
        while (!server.HasExited && await Task.WhenAny(reached.Task, Task.Delay(100)) != reached.Task)
        {
        }
    }

    public void Answered(HttpStatusCode status = HttpStatusCode.OK)
    {
        Answers.AddOrUpdate(status, 1, (_, n) => n + 1);
        lock (_problems)
        {
            if (++_answers >= _waiting?.Count)
            {
                _waiting.Value.Reached.TrySetResult();
                _waiting = null;
            }
        }
    }

    public void Problem(string what) => _problems.Enqueue(what);

    /// <summary>Reads everything there is and judges the whole run. Asserts that there is no anomaly and no problem; keeps the history when there is.</summary>
    public async Task<CheckReport> JudgeAsync(ServerProcess server)
    {
        Client = server.Client;
        foreach (var topic in _topics)
        {
            var reader = new Reader($"final-{topic.Name}", topic, events: false, this);
            while (!await reader.ReadPageAsync(timeoutMs: 0, CancellationToken.None, final: true))
            {
            }
        }

        var report = HistoryChecker.Check(History.Entries);
        if (!report.IsClean || !_problems.IsEmpty)
        {
            var kept = Path.Combine(Path.GetTempPath(), $"reststream-history-{Guid.NewGuid():N}.jsonl");
            History.Save(kept);
            Assert.Fail($"{report}\n{string.Join('\n', _problems.Take(20))}\nHistory: {kept}\nServer:\n{server.Output}");
        }
        return report;
    }

    private static async Task ProduceAsync(Producer producer, ServerProcess server, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && !server.HasExited)
            await producer.SendOneAsync();
    }
}
