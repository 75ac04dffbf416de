using RestStream.Hosting;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Compat;

// The four products, as their sources and a running bridge 1.0.0 answer. Where a product answers 500 to a client's mistake, ours is the status of the mistake.
internal sealed partial class Profile
{
    private const string BridgeSchemaError = "Validation error on: Schema validation error";

    private static readonly string[] s_confluentMembers =
    [
        "name", "id", "format", "auto.offset.reset", "auto.commit.enable", "enable.auto.commit", "fetch.min.bytes", "responseMinBytes", "consumer.request.timeout.ms", "requestWaitMs",
        "isolation.level",
    ];

    /// <summary>Confluent's answers, which the others begin with.</summary>
    private static readonly Dictionary<Fault, FaultAnswer> s_common = new()
    {
        [Fault.BadValue] = new(422, 42200),
        [Fault.BadBase64] = new(400, 40000),
        [Fault.WrongType] = new(422, 42200),
        [Fault.MissingMember] = new(422, 42200),
        [Fault.UnknownMember] = new(422, 42200),
        [Fault.NoBody] = new(422, 42200),
        [Fault.BrokenJson] = new(400, 40000),
        [Fault.NotAnObject] = new(422, 42200),
        [Fault.NoRecords] = new(422, 42200),
        [Fault.EmptyRecords] = new(422, 42200),
        [Fault.RecordsNotArray] = new(422, 42200),
        [Fault.RecordNotObject] = new(422, 42200),
        [Fault.UnsupportedType] = new(415, 41500),
        [Fault.NotAcceptable] = new(406, 40600),
        [Fault.BadParameter] = new(422, 42200),
        [Fault.NegativeParameter] = new(422, 42200),
        [Fault.BadFormat] = new(422, 42204),
        [Fault.BadConfig] = new(422, 42204),
        [Fault.BadConfigType] = new(422, 42204),
        [Fault.BadFetchMinBytes] = new(422, 40001),
        [Fault.NothingToSubscribe] = new(422, 42200),
        [Fault.TopicsAndPattern] = new(422, 42200),
        [Fault.OtherSubscription] = new(409, 40903),
        [Fault.NothingSubscribed] = new(409, 40903),
        [Fault.NotAssigned] = new(409, 40903),
        [Fault.NoOffset] = new(409, 40903),
        [Fault.NotOwner] = new(409, 40906),
        [Fault.InstanceExists] = new(409, 40902),
        [Fault.InstanceNotFound] = new(404, 40403, "Consumer instance not found."),
        [Fault.FormatMismatch] = new(406, 40601),
    };

    private static readonly Profile[] s_all = [Confluent(), Strimzi(), Karapace(), Redpanda()];

    private static Profile Confluent() => new(ProfileName.Confluent)
    {
        RefusesUnknownMembers = false,
        AnswerType = request => Dialect.NamesV2(request) || !V2Accept.NamesJson(request.Headers.Accept) ? Dialect.V2Type : "application/json",
        Produce = new(ReceiptForm.FourMembers),
        Consumers = new()
        {
            CommitNamesLastRecord = true,
            CommitAnswersList = true,
            TimeoutOnlyShortens = true,
            CreateMembers = s_confluentMembers,
        },
    };

    private static Profile Strimzi() => new(
        ProfileName.Strimzi,
        (Fault.BadBase64, new(422, 0)),
        (Fault.WrongType, Schema()),
        (Fault.MissingMember, Schema()),
        (Fault.UnknownMember, Schema()),
        (Fault.NoBody, new(400, 0, "Validation error on: The related request does not contain the required body.", IsSchemaError: true)),
        (Fault.BrokenJson, new(400, 0, "Validation error on: The request body can't be decoded", IsSchemaError: true)),
        (Fault.NotAnObject, Schema()),
        (Fault.RecordsNotArray, Schema()),
        (Fault.RecordNotObject, Schema()),
        (Fault.UnsupportedType, new(400, 0, "Validation error on: The format of the request body is not supported", IsSchemaError: true)),
        (Fault.BadParameter, new(400, 0)),
        (Fault.BadFormat, new(422, 0, "Invalid format type.")),
        (Fault.BadConfigType, Schema()),
        (Fault.NothingToSubscribe, new(422, 0, "A list (of Topics type) or a topic_pattern must be specified.")),
        (Fault.TopicsAndPattern, new(409, 0, "Subscriptions to topics, partitions, and patterns are mutually exclusive.")),
        (Fault.OtherSubscription, new(409, 0, "Subscriptions to topics, partitions, and patterns are mutually exclusive.")),
        (Fault.NothingSubscribed, new(409, 0, "Consumer is not subscribed to any topics or assigned any partitions")),
        (Fault.NotAssigned, new(404, 0)),
        (Fault.InstanceExists, new(409, 0, "A consumer instance with the specified name already exists in the Kafka Bridge.")),
        (Fault.InstanceNotFound, new(404, 0, "The specified consumer instance was not found.")),
        (Fault.FormatMismatch, new(406, 0, "Consumer format does not match the embedded format requested by the Accept header.")))
    {
        StatusIsErrorCode = true,
        IgnoresAccept = true,
        NeedsContentType = true,
        AnswerType = _ => Dialect.V2Type,
        Banner = $$"""{"bridge_version":"{{ProductVersion.Version}}"}""",
        Produce = new(ReceiptForm.StatusAndMessage) { HasBridgeSchema = true, TakesNoRecords = true, TakesAsync = true, UnknownTopicInEntries = true },
        Consumers = new()
        {
            PollWait = TimeSpan.FromMilliseconds(100),
            RequestTimeoutIsPollWait = false,
            NamePrefix = "kafka-bridge-consumer-",
            CreateMembers = ["name", "format", "auto.offset.reset", "enable.auto.commit", "auto.commit.enable", "fetch.min.bytes", "consumer.request.timeout.ms", "isolation.level"],
            Numbers = ConfigNumbers.JsonNumbers,
            LeastFetchMinBytes = 0,
            ShowsAssignment = true,
            TakesMetadata = false,
            ShowsPort = true,
        },
    };

    private static Profile Karapace() => new(
        ProfileName.Karapace,
        (Fault.BadBase64, new(400, 400)),
        (Fault.UnknownMember, new(422, 42200, "Invalid request format")),
        (Fault.WrongType, new(422, 42200, "Invalid request format")),
        (Fault.NoRecords, new(422, 42200, "Invalid request format")),
        (Fault.RecordsNotArray, new(400, 40000)),
        (Fault.RecordNotObject, new(400, 40000)),
        (Fault.BadFetchMinBytes, new(422, 42204)),
        (Fault.NothingToSubscribe, new(409, 40903)),
        (Fault.TopicsAndPattern, new(409, 40903)))
    {
        AnswerType = request => V2Accept.FirstOfFamily(request.Headers.Accept) ?? V2Accept.FirstOfFamily(request.ContentType) ?? "application/vnd.kafka.json.v2+json",
        Produce = new(ReceiptForm.OneOrTwo) { JsonType = DataFormat.Base64, NoType = DataFormat.Json, TakesOctetStream = true },
        Consumers = new()
        {
            CommitNamesLastRecord = true,
            Reset = OffsetReset.Earliest,
            PollWait = TimeSpan.FromSeconds(11),
            CreateMembers = s_confluentMembers,
            TakesNoTopics = false,
        },
    };

    private static Profile Redpanda() => new(
        ProfileName.Redpanda,
        (Fault.BadBase64, new(422, 42200)),
        (Fault.BrokenJson, new(422, 42200)),
        (Fault.MissingMember, new(400, 40002)),
        (Fault.BadParameter, new(400, 40002)),
        (Fault.NegativeParameter, new(400, 40002)),
        (Fault.BadFormat, new(400, 40002)),
        (Fault.BadConfig, new(400, 40002)),
        (Fault.BadConfigType, new(400, 40002)),
        (Fault.BadFetchMinBytes, new(400, 40002)),
        (Fault.NothingToSubscribe, new(400, 40002)),
        (Fault.TopicsAndPattern, new(409, 40903)))
    {
        UnknownTopicCode = (40402, 40402),
        BadParameterCode = 40002,
        AnswerType = request => V2Accept.FirstOfFamily(request.Headers.Accept) ?? (V2Accept.NamesJson(request.Headers.Accept) ? "application/json" : Dialect.V2Type),
        Produce = new(ReceiptForm.KafkaCode) { UnknownTopicInEntries = true },
        Consumers = new()
        {
            Reset = OffsetReset.Earliest,
            AutoCommit = false,
            CreateMembers = s_confluentMembers,
            Numbers = ConfigNumbers.Strings,
            OnlyReset = OffsetReset.Earliest,
            OnlyAutoCommit = false,
            AcceptDecides = true,
            FetchNamesAll = true,
        },
    };

    private static FaultAnswer Schema() => new(400, 0, BridgeSchemaError, IsSchemaError: true);
}
