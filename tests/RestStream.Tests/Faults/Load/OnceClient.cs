using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace RestStream.Tests.Faults.Load;

/// <summary>One client that sends a request after the other, each again until it is answered, to whatever process is there; notes where each value went.</summary>
internal sealed class OnceClient
{
    private readonly string _name;
    private readonly string _path;
    private readonly bool _retries;
    private readonly Random _random;
    private readonly Action<OnceClient, HttpRequestMessage>? _stamp;
    private readonly Func<string[], IEnumerable<string>> _records;
    private string[]? _pending;
    private int _values;
    private int _requests;
    private int _sequence;
    private bool _sentBefore;

    private OnceClient(
        string name, string path, int seed, bool retries, Action<OnceClient, HttpRequestMessage>? stamp, Func<string[], IEnumerable<string>>? records = null)
    {
        (_name, _path, _random, _retries, _stamp) = (name, path, new Random(seed), retries, stamp);
        _records = records ?? (values => values.Select(value => $"{{\"value\":\"{value}\"}}"));
    }

    public int Answered { get; private set; }

    /// <summary>Requests that were sent again.</summary>
    public int Repeated { get; private set; }

    /// <summary>Partition and offset of each answered value, one of each record that has it.</summary>
    public Dictionary<string, List<(int Partition, long Offset)>> Written { get; } = [];

    public static OnceClient Sequenced(string name, int partition, long producerId, int seed) => new(name, $"topics/sequenced/partitions/{partition}/records", seed, retries: true, (client, request) =>
    {
        request.Headers.Add("Producer-Id", producerId.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("Producer-Epoch", "0");
        request.Headers.Add("Producer-Seq", client._sequence.ToString(CultureInfo.InvariantCulture));
    });

    public static OnceClient Keyed(string name, int seed) => new(name, "topics/keyed/records", seed, retries: true, AddKey);

    /// <summary>Each value into both topics, by key.</summary>
    public static OnceClient KeyedUnit(string name, int seed) => new(name, "records", seed, retries: true, AddKey, Both);

    /// <summary>The same without a key: not sent again.</summary>
    public static OnceClient Unit(string name, int seed) => new(name, "records?atomic=true", seed, retries: false, null, Both);

    /// <summary>Until the process is gone.</summary>
    public async Task RunAsync(HttpClient client)
    {
        while (await SendAsync(client))
        {
        }
    }

    /// <summary>Sends what is still unanswered.</summary>
    public async Task FinishAsync(HttpClient client)
    {
        if (_pending is not null)
            Assert.True(await SendAsync(client));
    }

    private static void AddKey(OnceClient client, HttpRequestMessage request) => request.Headers.Add("Idempotency-Key", $"{client._name} {client._requests}");

    private static IEnumerable<string> Both(string[] values) =>
        values.SelectMany(value => new[] { "left", "right" }, (value, topic) => $"{{\"topic\":\"{topic}\",\"value\":\"{value}\"}}");

    /// <summary>False when there was no answer.</summary>
    private async Task<bool> SendAsync(HttpClient client)
    {
        _pending ??= [.. Enumerable.Range(0, _random.Next(1, 6)).Select(_ => $"{_name}-{_values++}")];
        if (_sentBefore)
            Repeated++;
        _sentBefore = true;
        using var request = new HttpRequestMessage(HttpMethod.Post, _path)
        {
            Content = new StringContent($"[{string.Join(',', _records(_pending))}]", Encoding.UTF8, "application/json"),
        };
        _stamp?.Invoke(this, request);
        try
        {
            using var answer = await client.SendAsync(request);
            var body = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{_name}: {(int)answer.StatusCode} {body}");
            Take(body);
            return true;
        }
        catch (Exception e) when (Producer.IsCut(e))
        {
            if (!_retries)
                Forget();
            return false;
        }
    }

    private void Take(string body)
    {
        using var answer = JsonDocument.Parse(body);
        var places = answer.RootElement.GetProperty("offsets").EnumerateArray().Select(o => (o.GetProperty("partition").GetInt32(), o.GetProperty("offset").GetInt64())).ToList();
        var perValue = places.Count / _pending!.Length;
        for (var i = 0; i < _pending.Length; i++)
            Written.Add(_pending[i], places.GetRange(i * perValue, perValue));
        _sequence += _pending.Length;
        Answered++;
        Forget();
    }

    private void Forget()
    {
        (_pending, _sentBefore) = (null, false);
        _requests++;
    }
}
