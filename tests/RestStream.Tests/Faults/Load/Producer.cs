using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using RestStream.TestKit.History;

namespace RestStream.Tests.Faults.Load;

/// <summary>
/// One client that writes: in turn (by its seed) single records, batches for one partition, keyed batches over partitions, several topics at once, NDJSON, raw bodies,
/// batches large enough for the log's direct path. Writes down what it was answered.
/// </summary>
internal sealed class Producer(string name, IReadOnlyList<LoadTopic> topics, MixedLoad load, int seed)
{
    /// <summary>2026-09-21; record timestamps count up from here, so that no clock is involved.</summary>
    private const long FirstTimestamp = 1_790_000_000_000;

    private readonly Random _random = new(seed);
    private int _count;

    public async Task SendOneAsync()
    {
        var topic = topics[_random.Next(topics.Count)];
        switch (_random.Next(8))
        {
            case 0:
                await SendAsync($"topics/{topic.Name}/records", [Make(topic, -1)], Object);
                break;
            case 1:
            case 2:
                var partition = _random.Next(topic.Partitions);
                await SendAsync($"topics/{topic.Name}/partitions/{partition}/records", MakeMany(topic, partition, _random.Next(1, 30)), Array);
                break;
            case 3:
                await SendAsync($"topics/{topic.Name}/records", MakeMany(topic, -1, _random.Next(1, 60)), Wrapped);
                break;
            case 4:
                await SendAsync("records", [.. topics.SelectMany(t => MakeMany(t, _random.Next(2) == 0 ? -1 : _random.Next(t.Partitions), _random.Next(1, 5)))], Several);
                break;
            case 5:
                await SendLinesAsync(topic, MakeMany(topic, -1, _random.Next(1, 100)));
                break;
            case 6:
                await SendRawAsync(topic);
                break;
            default:
                // 300 records of 1 KiB and more: above the size from which the log flushes the segment itself.
                partition = _random.Next(topic.Partitions);
                var large = MakeMany(topic, partition, 300, padding: 1100);
                await SendAsync($"topics/{topic.Name}/partitions/{partition}/records", large, Array);
                break;
        }
    }

    private LoadRecord[] MakeMany(LoadTopic topic, int partition, int count, int padding = 0) =>
        [.. Enumerable.Range(0, count).Select(_ => Make(topic, partition, padding))];

    private LoadRecord Make(LoadTopic topic, int partition, int padding = 0)
    {
        _count++;
        var value = padding == 0 ? _random.Next(6) switch
        {
            0 => "null",
            1 => "0.0",
            2 => "\"a\\u00e9\\n\"",
            3 => $"[{_count},1e400,-0]",
            _ => $"{{\"n\":{_count},\"price\":12.50,\"pad\":\"{new string('x', _random.Next(200))}\"}}",
        } : $"\"{new string('y', padding)}\"";
        return new LoadRecord(topic.Name, partition, $"{name}-{_count}", _random.Next(3) == 0 ? null : $"k{_random.Next(50)}", value, FirstTimestamp + _count);
    }

    private static void Object(StringBuilder json, LoadRecord[] records) => records[0].WriteTo(json, withTopic: false);

    private static void Array(StringBuilder json, LoadRecord[] records) => WriteList(json, records, withTopic: false);

    private static void Several(StringBuilder json, LoadRecord[] records) => WriteList(json, records, withTopic: true);

    private static void Wrapped(StringBuilder json, LoadRecord[] records)
    {
        json.Append("{\"records\":");
        WriteList(json, records, withTopic: false);
        json.Append('}');
    }

    private static void WriteList(StringBuilder json, LoadRecord[] records, bool withTopic)
    {
        json.Append('[');
        for (var i = 0; i < records.Length; i++)
        {
            if (i > 0)
                json.Append(',');
            records[i].WriteTo(json, withTopic);
        }
        json.Append(']');
    }

    private Task SendAsync(string path, LoadRecord[] records, Action<StringBuilder, LoadRecord[]> body)
    {
        var json = new StringBuilder();
        body(json, records);
        return SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json.ToString(), Encoding.UTF8, "application/json") }, records);
    }

    private Task SendRawAsync(LoadTopic topic)
    {
        var record = Make(topic, -1) with { Value = $"{{\"raw\":{_count}}}" };
        var key = record.Key is null ? "" : $"&key={record.Key}";
        var request = new HttpRequestMessage(HttpMethod.Post, $"topics/{topic.Name}/records?timestamp={record.Timestamp}{key}")
        {
            Content = new StringContent(record.Value, Encoding.UTF8, "text/plain"),
        };
        request.Headers.Add("RestStream-Header-id", record.Id);
        return SendAsync(request, [record]);
    }

    private async Task SendAsync(HttpRequestMessage request, LoadRecord[] records)
    {
        var start = ClientHistory.Now;
        using (request)
        {
            try
            {
                using var answer = await load.Client.SendAsync(request, load.Deadline);
                var body = await answer.Content.ReadAsByteArrayAsync(load.Deadline);
                Take(start, records, answer.StatusCode, body);
            }
            catch (Exception e) when (IsCut(e))
            {
                Unanswered(start, records);
            }
        }
    }

    /// <summary>NDJSON: each line is a send of its own, and each receipt an answer of its own.</summary>
    private async Task SendLinesAsync(LoadTopic topic, LoadRecord[] records)
    {
        var json = new StringBuilder();
        foreach (var record in records)
        {
            record.WriteTo(json, withTopic: false);
            json.Append('\n');
        }

        var start = ClientHistory.Now;
        var answered = 0;
        using var request = new HttpRequestMessage(HttpMethod.Post, $"topics/{topic.Name}/records")
        {
            Content = new StringContent(json.ToString(), Encoding.UTF8, "application/x-ndjson"),
        };
        try
        {
            using var answer = await load.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, load.Deadline);
            if (!answer.IsSuccessStatusCode)
            {
                Take(start, records, answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(load.Deadline));
                return;
            }

            using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(load.Deadline));
            while (await lines.ReadLineAsync(load.Deadline) is { } line)
            {
                if (line.Length > 0)
                    answered = TakeReceipt(start, records, answered, line);
            }
            load.Answered();
        }
        catch (Exception e) when (IsCut(e) || e is JsonException)
        {
            // A line that was cut in the middle is no answer.
        }

        foreach (var record in records.Skip(answered))
            Unanswered(start, [record]);
    }

    private int TakeReceipt(long start, LoadRecord[] records, int answered, string line)
    {
        using var receipt = JsonDocument.Parse(line);
        var entries = receipt.RootElement.TryGetProperty("offsets", out var list) ? list.EnumerateArray().ToArray() : [receipt.RootElement];
        foreach (var entry in entries)
            TakeEntry(start, records[answered++], entry, load.Problem);
        return answered;
    }

    private void TakeEntry(long start, LoadRecord record, JsonElement entry, Action<string> problem)
    {
        if (entry.TryGetProperty("offset", out var offset))
        {
            if (entry.GetProperty("timestamp").GetInt64() != record.Timestamp)
                problem($"the receipt of {record.Id} has another timestamp: {entry}");
            Add(start, Outcome.Ok, [record.Sent(entry.GetProperty("partition").GetInt32(), offset.GetInt64())]);
        }
        else
        {
            Add(start, OutcomeOf((HttpStatusCode)entry.GetProperty("error").GetProperty("status").GetInt32()), [record.Sent()]);
        }
    }

    private void Take(long start, LoadRecord[] records, HttpStatusCode status, byte[] body)
    {
        load.Answered(status);
        if ((int)status is 200 or 207)
        {
            using var json = JsonDocument.Parse(body);
            var entries = json.RootElement.GetProperty("offsets").EnumerateArray().ToArray();
            if (entries.Length != records.Length)
            {
                load.Problem($"{entries.Length} receipts for {records.Length} records");
                Unanswered(start, records);
            }
            else if (entries.All(e => e.TryGetProperty("offset", out _)))
            {
                Add(start, Outcome.Ok,
                    [.. records.Zip(entries, (r, e) => r.Sent(e.GetProperty("partition").GetInt32(), e.GetProperty("offset").GetInt64()))]);
            }
            else
            {
                foreach (var (record, entry) in records.Zip(entries))
                    TakeEntry(start, record, entry, load.Problem);
            }
            return;
        }

        var outcome = OutcomeOf(status);
        if (outcome == Outcome.Fail && status != HttpStatusCode.InsufficientStorage)
            load.Problem($"{(int)status}: {Encoding.UTF8.GetString(body)}");
        Add(start, outcome, [.. records.Select(r => r.Sent())]);
    }

    /// <summary>A 4xx and a full disk (507) say that nothing was written; after any other 5xx nobody knows.</summary>
    private static Outcome OutcomeOf(HttpStatusCode status) =>
        (int)status < 500 || status == HttpStatusCode.InsufficientStorage ? Outcome.Fail : Outcome.Info;

    private void Unanswered(long start, LoadRecord[] records) => Add(start, Outcome.Info, [.. records.Select(r => r.Sent())]);

    private void Add(long start, Outcome outcome, IReadOnlyList<HistoryRecord> records) =>
        load.History.Add(new(start, ClientHistory.Now, name, Operation.Send, outcome, records));

    /// <summary>A connection that dies in the moment in which it comes about is a bare SocketException of the client.</summary>
    internal static bool IsCut(Exception e) => e is HttpRequestException or SocketException or IOException or OperationCanceledException or ObjectDisposedException;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{name} after {_count} records");
}
