using Json.Pointer;
using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Source;

/// <summary>
/// Brings what comes over HTTP into a topic: by asking again and again (<c>mode=poll</c>), by being called (<c>webhook</c>), or by following server-sent events (<c>sse</c>).
/// Keys are those of castorm's HTTP source, and ours for what it does not have.
/// </summary>
[Plugin("com.github.castorm.kafka.connect.http.HttpSourceConnector", "HttpSource")]
public sealed class HttpSourceConnector : SourceConnector
{
    private IReadOnlyDictionary<string, string> _config = new Dictionary<string, string>();

    /// <inheritdoc/>
    public override ConfigDef Config { get; } = Settings();

    /// <inheritdoc/>
    public override Type TaskType => typeof(HttpSourceTask);

    /// <inheritdoc/>
    public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken)
    {
        _config = context.Config.Originals;
        return Task.CompletedTask;
    }

    /// <summary>One: the place in the source is one.</summary>
    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => [_config];

    /// <summary>Polling and events go on behind what is stored. A sender of webhooks that gets no answer sends again.</summary>
    public override bool? SupportsExactlyOnce(IReadOnlyDictionary<string, string> config) => config.GetValueOrDefault("mode") != "webhook";

    /// <inheritdoc/>
    public override async Task ValidateAsync(ConfigValidation validation, CancellationToken cancellationToken)
    {
        var config = validation.Config;
        HttpAuthorization.Check(validation);
        HttpConfigs.CheckAddress(validation, "http.request.url");
        if (config.GetString("mode") != "webhook" && config.FindString("http.request.url") is null)
            validation.Error("http.request.url", $"mode is {config.GetString("mode")}, which needs this setting.");
        if (config.GetString("http.paging") == "cursor" && config.FindString("http.response.cursor.pointer") is null)
            validation.Error("http.response.cursor.pointer", "http.paging is cursor, which needs this setting.");
        SourceChecks.Placeholders(validation);
        if (config.GetString("mode") != "webhook")
            await SourceChecks.ProbeAsync(validation, cancellationToken);
    }

    private static ConfigDef Settings()
    {
        const string source = "Source", request = "Request", answer = "Answer", hook = "Webhook";
        var config = new ConfigDef()
            .Require("kafka.topic", ConfigType.String, "Topic to write to.", ConfigValidator.NonEmpty(), group: source)
            .Optional("mode", ConfigType.String, "poll", "How data comes: poll (requests again and again), webhook (the other side calls POST /hooks/{hook.name}), sse (server-sent events).", ConfigValidator.In("poll", "webhook", "sse"), Importance.High, source)
            .Optional("http.request.url", ConfigType.String, null, "What is asked. ${offset.name} stands for a part of the offset and may stand behind the host.", HttpConfigs.Url, Importance.High, request)
            .Optional("http.request.method", ConfigType.String, "GET", "Method of the requests.", ConfigValidator.In("GET", "POST", "PUT", "HEAD"), Importance.Low, request)
            .Optional("http.request.headers", ConfigType.List, null, "Headers, as Name: value with commas between them; ${offset.name} may be used.", HttpConfigs.Headers, Importance.Medium, request)
            .Optional("http.request.params", ConfigType.String, null, "Query, as name=value&name=${offset.name}; values are percent-encoded when they are put in.", HttpConfigs.Templates, Importance.Medium, request)
            .Optional("http.request.body", ConfigType.String, null, "Body, with ${offset.name}.", HttpConfigs.Templates, Importance.Low, request)
            .Optional("http.request.content.type", ConfigType.String, "application/json", "Content-Type of the body.", HttpConfigs.ContentType, importance: Importance.Low, group: request)
            .Optional("http.timeout", ConfigType.Int, 30, "Seconds that a request may take, its answer included; with sse until the first byte.", ConfigValidator.AtLeast(1), Importance.Low, request)
            .Optional("http.offset.initial", ConfigType.List, null, "The offset before anything was read, as name=value with commas between: timestamp=2024-01-01T00:00:00Z.", Pairs, Importance.Medium, request)
            .Optional("http.timer.interval.millis", ConfigType.Long, 60_000L, "Milliseconds between two requests when the last one brought nothing new.", ConfigValidator.AtLeast(0), Importance.Medium, request)
            .Optional("http.timer.catchup.interval.millis", ConfigType.Long, 30_000L, "The same when it brought records.", ConfigValidator.AtLeast(0), Importance.Medium, request)
            .Optional("http.paging", ConfigType.String, "none", "How further pages are found: none, link (Link header with rel=next, same host only), cursor (http.response.cursor.pointer, used as ${offset.cursor}).", ConfigValidator.In("none", "link", "cursor"), Importance.Medium, request)
            .Optional("http.conditional", ConfigType.Boolean, true, "Whether ETag and Last-Modified of the last answer are sent back, so that nothing comes when nothing changed. Only with http.paging=none: an unchanged first page says nothing of the others.", importance: Importance.Low, group: request);
        HttpAuthorization.Define(config);
        return config
            .Optional("http.response.list.pointer", ConfigType.String, "", "JSON Pointer (RFC 6901) to the array of records in an answer; empty: the whole answer, which may be an array or one record.", Pointer, Importance.High, answer)
            .Optional("http.response.record.pointer", ConfigType.String, "", "JSON Pointer in an element of the array to what becomes the value.", Pointer, Importance.Low, answer)
            .Optional("http.response.record.key.pointer", ConfigType.String, null, "JSON Pointer in an element to the record's key. Default: no key.", Pointer, Importance.Medium, answer)
            .Optional("http.response.record.timestamp.pointer", ConfigType.String, null, "JSON Pointer in an element to the record's time: ISO 8601, or milliseconds since 1970. Default: none.", Pointer, Importance.Low, answer)
            .Optional("http.response.record.offset.pointer", ConfigType.List, null, "Parts of the offset, as name=/json/pointer with commas between. With a part named timestamp or key, elements that are not behind the furthest one of the round before (an answer and its further pages) are passed over; within a round any order will do.", OffsetPointers, Importance.High, answer)
            .Optional("http.response.cursor.pointer", ConfigType.String, null, "JSON Pointer in an answer to the cursor of the next page; null, false, empty, absent or the same again on the last one.", Pointer, Importance.Medium, answer)
            .Optional("http.response.policy.codes.process", ConfigType.List, "200..299", "Statuses whose answers hold records.", HttpConfigs.Statuses, Importance.Low, answer)
            .Optional("http.response.policy.codes.skip", ConfigType.List, "300..399", "Statuses that mean: nothing new. Redirects are not followed; of one there is a warning.", HttpConfigs.Statuses, Importance.Low, answer)
            .Optional("http.response.policy.codes.retry", ConfigType.List, "408,425,429,500..599", "Statuses after which the request is sent again. All that are in no list fail the task.", HttpConfigs.Statuses, Importance.Low, answer)
            .Optional("max.retries", ConfigType.Int, 5, "How often a request is sent again before the worker's own retries go on.", ConfigValidator.AtLeast(0), Importance.Low, answer)
            .Optional("retry.backoff.ms", ConfigType.Int, 1000, "Milliseconds before the first repeat, and before an event stream is opened again, unless its server asks for longer (retry:); doubled for each further one.", ConfigValidator.AtLeast(1), Importance.Low, answer)
            .Optional("http.response.max.bytes", ConfigType.Int, 32 << 20, "Longest answer, or event, that is read.", ConfigValidator.AtLeast(1), Importance.Low, answer)
            .Optional("hook.name", ConfigType.String, null, "Name of the hook; default: the connector's.", importance: Importance.Medium, group: hook)
            .Optional("hook.secret", ConfigType.Password, null, "Secret of the sender: requests must carry its HMAC-SHA-256 of the body in the header hook.signature.header. Default: any request is taken.", importance: Importance.High, group: hook)
            .Optional("hook.signature.header", ConfigType.String, "X-Hub-Signature-256", "Header with the signature, in hexadecimal, with or without sha256= in front (GitHub's form).", importance: Importance.Low, group: hook)
            .Optional("hook.max.pending", ConfigType.Int, 1000, "Requests that wait for the log; above it senders get 503 and Retry-After.", ConfigValidator.AtLeast(1), Importance.Low, hook);
    }

    private static ConfigValidator Pointer { get; } = ConfigValidator.Of(value => value is string text && !JsonPointer.TryParse(text, out _) ? "It is no JSON Pointer. Write /data/items." : null, "JSON Pointer");

    private static ConfigValidator Pairs { get; } = ConfigValidator.Of(
        value => ((IReadOnlyList<string>?)value ?? []).FirstOrDefault(p => p.IndexOf('=', StringComparison.Ordinal) <= 0) is { } wrong ? $"'{wrong}' is no name=value." : null, "name=value, ..");

    private static ConfigValidator OffsetPointers { get; } = ConfigValidator.Of(
        value => ((IReadOnlyList<string>?)value ?? []).FirstOrDefault(p => p.IndexOf('=', StringComparison.Ordinal) <= 0 || !JsonPointer.TryParse(p[(p.IndexOf('=', StringComparison.Ordinal) + 1)..], out _)) is { } wrong
            ? $"'{wrong}' is no name=/json/pointer." : null, "name=/json/pointer, ..");
}
