using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using RestStream.TestKit.Processes;

namespace RestStream.Tests.Faults.Load;

/// <summary>
/// An administrator who creates, grows and deletes topics beside the load, and knows what was answered: what was acknowledged must hold after every restart.
/// An unanswered change may have happened or not.
/// </summary>
internal sealed class TopicChurn(int seed)
{
    private const int Topics = 5;

    private readonly Random _random = new(seed);
    private readonly Expected[] _expected = [.. Enumerable.Range(0, Topics).Select(_ => new Expected(0, 0))];

    /// <summary>Partitions that the topic may have now; 0 = it does not exist.</summary>
    private sealed record Expected(int Either, int Or);

    public async Task RunAsync(ServerProcess server, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && !server.HasExited)
        {
            // A topic whose last change was answered with an error may be either way until the restart tells.
            var certain = Enumerable.Range(0, Topics).Where(t => _expected[t].Either == _expected[t].Or).ToArray();
            if (certain.Length == 0)
                return;
            var i = certain[_random.Next(certain.Length)];
            var (before, _) = _expected[i];
            try
            {
                if (before == 0)
                    await CreateAsync(server, i);
                else if (_random.Next(2) == 0)
                    await ChangeAsync(i, before + 1, server.Client.PatchAsJsonAsync($"topics/churn-{i}", new { partitions = before + 1 }, stop), HttpStatusCode.OK);
                else
                    await ChangeAsync(i, 0, server.Client.DeleteAsync($"topics/churn-{i}", stop), HttpStatusCode.NoContent);
            }
            catch (Exception e) when (Producer.IsCut(e))
            {
                return;
            }
        }
    }

    /// <summary>After a restart: every topic is as it was acknowledged, or as the one unanswered change would have made it.</summary>
    public async Task VerifyAsync(ServerProcess server)
    {
        for (var i = 0; i < Topics; i++)
        {
            using var answer = await server.Client.GetAsync($"topics/churn-{i}");
            var partitions = 0;
            if (answer.StatusCode != HttpStatusCode.NotFound)
                partitions = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("partitions").GetArrayLength();
            Assert.True(partitions == _expected[i].Either || partitions == _expected[i].Or, $"churn-{i} has {partitions} partitions, expected {_expected[i]}");
            _expected[i] = new(partitions, partitions);
        }
    }

    private async Task CreateAsync(ServerProcess server, int i)
    {
        await ChangeAsync(i, 1, server.Client.PutAsJsonAsync($"topics/churn-{i}", new { partitions = 1 }), HttpStatusCode.Created);
        if (_expected[i] != new Expected(1, 1))
            return;

        // Nothing of a topic that had this name before may come back.
        using var first = await server.Client.PostAsJsonAsync($"topics/churn-{i}/records", new { value = i });
        if (first.StatusCode == HttpStatusCode.OK)
        {
            var offset = JsonDocument.Parse(await first.Content.ReadAsStringAsync()).RootElement.GetProperty("offsets")[0].GetProperty("offset").GetInt64();
            Assert.Equal(0, offset);
        }
    }

    private async Task ChangeAsync(int i, int to, Task<HttpResponseMessage> request, HttpStatusCode success)
    {
        _expected[i] = new(_expected[i].Either, to);
        using var answer = await request;
        if (answer.StatusCode == success)
            _expected[i] = new(to, to);
        else
            Assert.True((int)answer.StatusCode >= 500, $"{answer.RequestMessage} was answered {answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }
}
