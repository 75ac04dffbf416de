using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Sink;

/// <summary>Sends each record, or batches of them, as HTTP requests. Keys are those of Aiven's HTTP sink, and ours for what it does not have.</summary>
[Plugin("io.aiven.kafka.connect.http.HttpSinkConnector", "HttpSink")]
public sealed class HttpSinkConnector : SinkConnector
{
    private IReadOnlyDictionary<string, string> _config = new Dictionary<string, string>();

    /// <inheritdoc/>
    public override ConfigDef Config { get; } = Settings();

    /// <inheritdoc/>
    public override Type TaskType => typeof(HttpSinkTask);

    /// <inheritdoc/>
    public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken)
    {
        _config = context.Config.Originals;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => [.. Enumerable.Repeat(_config, maxTasks)];

    /// <inheritdoc/>
    public override Task ValidateAsync(ConfigValidation validation, CancellationToken cancellationToken)
    {
        var config = validation.Config;
        HttpAuthorization.Check(validation);
        HttpConfigs.CheckAddress(validation, "http.url");
        foreach (var name in new[] { "http.url", "http.headers.additional", "http.body.template" })
        {
            if (Roots(config, name).Except(RecordRequest.Roots).FirstOrDefault() is { } unknown)
                validation.Error(name, $"There is nothing called '{unknown}' in a record. Placeholders begin with {string.Join(", ", RecordRequest.Roots)}.");
        }

        if (config.GetBoolean("batching.enabled"))
        {
            foreach (var name in new[] { "http.url", "http.headers.additional" })
            {
                if (Roots(config, name).Any(r => r != "topic"))
                    validation.Error(name, "A batch has many records: with batching.enabled only ${topic} can be used here.");
            }
        }
        else
        {
            foreach (var name in new[] { "batch.prefix", "batch.suffix" })
            {
                if (config.Originals.ContainsKey(name))
                    validation.Warn(name, "It has no effect while batching.enabled is false.");
            }
        }

        return Task.CompletedTask;
    }

    private static IEnumerable<string> Roots(ConfigValues config, string name) =>
        Template.Parse((name == "http.headers.additional" ? string.Join(',', config.GetList(name)) : config.FindString(name)) ?? "").Roots;

    /// <summary>What the request has of its own cannot be given a second time.</summary>
    private static ConfigValidator AdditionalHeaders { get; } = ConfigValidator.All(HttpConfigs.Headers, ConfigValidator.Of(
        value => ((IReadOnlyList<string>?)value ?? []).Select(h => HttpConfigs.TryParseHeader(h, out var name, out _) ? name.ToUpperInvariant() : "").FirstOrDefault(n => n is "CONTENT-TYPE" or "CONTENT-LENGTH") switch
        {
            "CONTENT-TYPE" => "Set Content-Type by http.headers.content.type.",
            "CONTENT-LENGTH" => "Content-Length is counted and sent anyway. Leave it out.",
            _ => null,
        },
        "neither Content-Type nor Content-Length"));

    private static ConfigDef Settings()
    {
        const string request = "Request", batching = "Batching", answers = "Answers";
        var config = new ConfigDef()
            .Require("http.url", ConfigType.String, "Where records are sent. Placeholders of the record may stand behind the host: ${topic}, ${partition}, ${offset}, ${timestamp}, ${key}, ${key.id}, ${value.id}, ${header.name}.", HttpConfigs.Url, group: request)
            .Optional("http.method", ConfigType.String, "POST", "Method of the requests.", ConfigValidator.In("POST", "PUT", "PATCH", "DELETE"), group: request)
            .Optional("http.headers.content.type", ConfigType.String, "application/json", "Content-Type of the requests.", HttpConfigs.ContentType, group: request)
            .Optional("http.headers.additional", ConfigType.List, null, "Further headers, as Name: value with commas between them. Placeholders as in http.url.", AdditionalHeaders, group: request)
            .Optional("http.body.template", ConfigType.String, null, "Body of a request, or of one record of a batch, with placeholders as in http.url; values are escaped as inside a JSON text when the content type is JSON. ${value} alone is the value as JSON. Without it: text and bytes as they are, everything else as JSON.", HttpConfigs.Templates, Importance.Medium, request)
            .Optional("http.on.null", ConfigType.String, "send", "What is done with a record without a value: send it with an empty body, send a DELETE to the same URL, or ignore it.", ConfigValidator.In("send", "delete", "ignore"), Importance.Low, request)
            .Optional("http.timeout", ConfigType.Int, 30, "Seconds that a request may take, its answer included.", ConfigValidator.AtLeast(1), Importance.Low, request)
            .Optional("max.in.flight.requests", ConfigType.Int, 1, "Requests that may be under way at a time, for different partitions; those of one partition follow each other.", ConfigValidator.Between(1, 100), Importance.Low, request);
        HttpAuthorization.Define(config);
        return config
            .Optional("batching.enabled", ConfigType.Boolean, false, "Whether several records go into one request.", group: batching)
            .Optional("batch.max.size", ConfigType.Int, 500, "Most records of a request.", ConfigValidator.Between(1, 1_000_000), group: batching)
            .Optional("batch.prefix", ConfigType.String, "", "Text in front of the first record of a batch.", group: batching)
            .Optional("batch.suffix", ConfigType.String, "", "Text behind the last record of a batch.", group: batching)
            .Optional("batch.separator", ConfigType.String, "\n", "Text between two records of a batch.", group: batching)
            .Optional("http.codes.success", ConfigType.List, "200-299", "Statuses that mean: taken.", HttpConfigs.Statuses, Importance.Low, answers)
            .Optional("http.codes.retry", ConfigType.List, "408,425,429,500-599", "Statuses after which the same request is sent again, not before Retry-After; above 5 minutes the worker waits, not the task.", HttpConfigs.Statuses, Importance.Low, answers)
            .Optional("http.codes.ignore", ConfigType.List, "", "Statuses after which a record counts as done although it was not taken.", HttpConfigs.Statuses, Importance.Low, answers)
            .Optional("http.codes.fatal", ConfigType.List, "401,403,407", "Statuses that no other record would fare better with: the task fails and stays so. All that are in no list are the fault of the record (errors.tolerance decides).", HttpConfigs.Statuses, Importance.Low, answers)
            .Optional("max.retries", ConfigType.Int, 1, "How often the task sends a request again. After that the worker puts the records again after growing pauses, for as long as it takes: the task does not fail by it.", ConfigValidator.AtLeast(0), group: answers)
            .Optional("retry.backoff.ms", ConfigType.Int, 3000, "Milliseconds before the first repeat; doubled for each further one.", ConfigValidator.AtLeast(1), group: answers)
            .Optional("reporter.result.topic.name", ConfigType.String, null, "Topic that gets a record for each one that was taken: key and coordinates, status and body of the answer. Default: none.", group: answers)
            .Optional("reporter.error.topic.name", ConfigType.String, null, "The same for those that were refused. Default: none.", group: answers)
            .Optional("http.response.max.bytes", ConfigType.Int, 1 << 20, "How much of an answer is read for the topics of answers; what is longer is cut. Without such a topic no answer is read.", ConfigValidator.AtLeast(0), Importance.Low, answers);
    }
}
