namespace RestStream.Http.Compat;

/// <summary>How the answer to a produce request looks.</summary>
internal enum ReceiptForm
{
    /// <summary>Every entry has partition, offset, error_code and error.</summary>
    FourMembers,

    /// <summary>A refused record is <c>{error_code,message}</c> with an HTTP status.</summary>
    StatusAndMessage,

    /// <summary>A refused record is <c>{error_code,error}</c> with 1 (for good) or 2 (try again), and the whole answer is 422.</summary>
    OneOrTwo,

    /// <summary>A refused record is <c>{partition,error_code,offset}</c> with Kafka's code and offset -1.</summary>
    KafkaCode,
}

/// <summary>In what the products differ when records are produced.</summary>
internal sealed record ProduceProfile(ReceiptForm Receipts)
{
    /// <summary>What <c>application/json</c> holds: JSON values, or base64.</summary>
    public DataFormat JsonType { get; init; } = DataFormat.Json;

    /// <summary>What a body without Content-Type holds; null: it is refused.</summary>
    public DataFormat? NoType { get; init; }

    /// <summary><c>application/octet-stream</c> is taken for base64 in JSON.</summary>
    public bool TakesOctetStream { get; init; }

    /// <summary>
    /// Records must fit the bridge's JSON schema: a value is there; keys are strings, objects or arrays, values these or null; headers have a key and a base64 value;
    /// with the partition in the path only key, value and headers.
    /// </summary>
    public bool HasBridgeSchema { get; init; }

    /// <summary>An empty list of records is answered with an empty list of offsets.</summary>
    public bool TakesNoRecords { get; init; }

    /// <summary><c>?async=true</c>: answered with 204 before the records are written, and nobody hears of failures.</summary>
    public bool TakesAsync { get; init; }

    /// <summary>An unknown topic or partition in the path is told in every record's entry, not by the status.</summary>
    public bool UnknownTopicInEntries { get; init; }

    /// <summary>The answer repeats the ids of schemas.</summary>
    public bool ShowsSchemaIds => Receipts is ReceiptForm.FourMembers or ReceiptForm.OneOrTwo;

    /// <summary>Status of an answer that reports refused records.</summary>
    public int PartialFailureStatus => Receipts == ReceiptForm.OneOrTwo ? StatusCodes.Status422UnprocessableEntity : StatusCodes.Status200OK;
}
