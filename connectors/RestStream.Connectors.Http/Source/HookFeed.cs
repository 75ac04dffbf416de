using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using RestStream.Connect;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Source;

/// <summary>
/// Is called. A sender gets its answer when its records are in the log, durable; one that gets none sends again. Records that cannot be made, or that a transform, a converter or their topic refuses, are the sender's mistake (400),
/// not the task's end.
/// </summary>
internal sealed class HookFeed : HttpFeed
{
    /// <summary>Requests that become one unit of the log.</summary>
    private const int MostAtATime = 1000;

    /// <summary>Between two warnings of refused records: whoever may send must not fill the log of the worker.</summary>
    private static readonly TimeSpan s_betweenWarnings = TimeSpan.FromMinutes(1);

    private readonly ISourceTaskContext _context;
    private readonly RecordReader _reader;
    private readonly Channel<Delivery> _deliveries;
    private readonly byte[]? _secret;
    private readonly string _name;
    private readonly ConcurrentQueue<Delivery> _underWay = new();
    private readonly Dictionary<string, object?> _partition;
    private IDisposable? _hook;
    private long _received;
    private DateTimeOffset _nextWarning;

    public HookFeed(ISourceTaskContext context)
    {
        var config = context.Config;
        _context = context;
        _reader = new RecordReader(config);
        _deliveries = Channel.CreateBounded<Delivery>(config.GetInt("hook.max.pending"));
        _secret = config.FindSecret("hook.secret") is { } secret ? Encoding.UTF8.GetBytes(secret) : null;
        _name = config.FindString("hook.name") ?? context.ConnectorName;
        _partition = new() { ["hook"] = _name };
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        var last = await _context.LastOffsetAsync(_partition, cancellationToken);
        _received = last?.GetValueOrDefault("received") as long? ?? 0;
        _hook = _context.OpenHook(_name, HandleAsync);
    }

    public override async ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        await _deliveries.Reader.WaitToReadAsync(cancellationToken);
        var records = new List<SourceRecord>();
        while (records.Count < MostAtATime && _deliveries.Reader.TryRead(out var delivery))
        {
            // The sender went away: it did not get an answer and sends again.
            if (delivery.Answer.Task.IsCompleted)
                continue;
            foreach (var record in delivery.Records)
                records.Add(record with { SourceOffset = new Dictionary<string, object?> { ["received"] = ++_received } });
            delivery.Last = _received;
            _underWay.Enqueue(delivery);
        }

        return records;
    }

    public override bool Refused(SourceRecord record, string reason)
    {
        var number = (long)record.SourceOffset["received"]!;
        var delivery = _underWay.First(d => d.Last >= number);
        delivery.Refused++;
        delivery.Reason ??= reason;
        if (_context.Time.GetUtcNow() is var now && now >= _nextWarning)
        {
            _nextWarning = now + s_betweenWarnings;
            _context.Log(TaskLogLevel.Warning, $"A record that came to hook {_name} was refused, its sender gets 400: {reason}");
        }

        return true;
    }

    public override void Committed(IReadOnlyList<SourceRecord> records)
    {
        var upTo = (long)records[^1].SourceOffset["received"]!;
        while (_underWay.TryPeek(out var delivery) && delivery.Last <= upTo)
        {
            _underWay.TryDequeue(out _);
            delivery.Answer.TrySetResult(delivery.ToResponse());
        }
    }

    public override void Dispose()
    {
        _hook?.Dispose();
        _deliveries.Writer.TryComplete();
        while (_deliveries.Reader.TryRead(out var delivery))
            _underWay.Enqueue(delivery);
        foreach (var delivery in _underWay)
            delivery.Answer.TrySetResult(new HookResponse(503, """{"message":"The connector is being stopped. Send it again."}"""));
    }

    private async Task<HookResponse> HandleAsync(HookRequest request, CancellationToken cancellationToken)
    {
        if (_secret is not null && !IsSigned(request))
            return Refusal(401, $"The header {_context.Config.GetString("hook.signature.header")} does not hold the HMAC-SHA-256 of this body.");

        Delivery delivery;
        try
        {
            delivery = new Delivery(Parse(request));
        }
        catch (ConnectException e)
        {
            return Refusal(400, e.Message);
        }

        if (delivery.Records.Count == 0)
            return new HookResponse(200, """{"records":0}""");
        if (!_deliveries.Writer.TryWrite(delivery))
            return Refusal(503, "Too many requests wait for the log. Send it again later.");
        await using var registration = cancellationToken.Register(() => delivery.Answer.TrySetCanceled(cancellationToken));
        return await delivery.Answer.Task;
    }

    /// <summary>The records of a request, without their offsets.</summary>
    /// <exception cref="ConnectException">It cannot be read.</exception>
    private List<SourceRecord> Parse(HookRequest request)
    {
        var none = new Dictionary<string, object?>();
        var type = request.Headers.FirstOrDefault(h => h.Key.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)).Value ?? "";
        if (!type.Contains("json", StringComparison.OrdinalIgnoreCase))
            return [_reader.Record(Encoding.UTF8.GetString(request.Body.Span), _partition, none)];

        try
        {
            using var json = JsonDocument.Parse(request.Body);
            return [.. _reader.Elements(json.RootElement).Select(element => _reader.Record(element, _partition, none))];
        }
        catch (JsonException e)
        {
            throw new ConnectException($"The body is no JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine}).");
        }
        catch (InvalidOperationException e)
        {
            // Read where it is used: bytes that are no UTF-8, or half of a surrogate pair.
            throw new ConnectException("A string in the body is no Unicode text.", e);
        }
    }

    private bool IsSigned(HookRequest request)
    {
        var name = _context.Config.GetString("hook.signature.header");
        var signature = request.Headers.FirstOrDefault(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value ?? "";
        if (signature.StartsWith("sha256=", StringComparison.OrdinalIgnoreCase))
            signature = signature[7..];
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Span<byte> given = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_secret!, request.Body.Span, expected);
        return Convert.FromHexString(signature, given, out _, out var written) == System.Buffers.OperationStatus.Done && written == given.Length && CryptographicOperations.FixedTimeEquals(expected, given);
    }

    private static HookResponse Refusal(int status, string message) => new(status, JsonValue.ToText(new Dictionary<string, object?> { ["message"] = message }));

    private sealed class Delivery(List<SourceRecord> records)
    {
        public List<SourceRecord> Records { get; } = records;

        public TaskCompletionSource<HookResponse> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>The number of its last record.</summary>
        public long Last { get; set; }

        /// <summary>How many of its records are not in the log.</summary>
        public int Refused { get; set; }

        /// <summary>Why the first of them is not.</summary>
        public string? Reason { get; set; }

        public HookResponse ToResponse() => Reason is null ? new HookResponse(200, $"{{\"records\":{Records.Count}}}")
            : Records.Count == 1 ? Refusal(400, Reason)
            : Refusal(400, $"{Refused} of {Records.Count} records were refused, the others are in the log. The first: {Reason}");
    }
}
