namespace RestStream.Http.Compat;

/// <summary>
/// What clients of the REST Proxy family do wrong. The products answer the same mistake with different statuses and numbers; <see cref="Profile.Refuse"/> knows them.
/// In a body with several mistakes the one that stands last here decides.
/// </summary>
internal enum Fault
{
    /// <summary>A value of the right type that cannot be: a negative partition, a number in text format.</summary>
    BadValue,

    /// <summary>Text that should be base64 and is not.</summary>
    BadBase64,

    /// <summary>A member of the wrong JSON type.</summary>
    WrongType,

    /// <summary>A member that must be there is not.</summary>
    MissingMember,

    /// <summary>A member that nobody knows, where the product refuses such.</summary>
    UnknownMember,

    /// <summary>There is no body where one is needed.</summary>
    NoBody,

    /// <summary>Not JSON, not UTF-8, or a member stands twice.</summary>
    BrokenJson,

    /// <summary>The body is JSON, but no object.</summary>
    NotAnObject,

    /// <summary>Produce: the body has no <c>records</c>.</summary>
    NoRecords,

    /// <summary>Produce: <c>records</c> is there and empty.</summary>
    EmptyRecords,

    /// <summary>Produce: <c>records</c> is no array.</summary>
    RecordsNotArray,

    /// <summary>Produce: a record is no object.</summary>
    RecordNotObject,

    /// <summary>A Content-Type that the path does not take.</summary>
    UnsupportedType,

    /// <summary>Accept names only what the path does not answer.</summary>
    NotAcceptable,

    /// <summary>A query parameter, or a number in the path, that cannot be read.</summary>
    BadParameter,

    /// <summary>A query parameter that is a number below zero.</summary>
    NegativeParameter,

    /// <summary>Create: an embedded format that does not exist.</summary>
    BadFormat,

    /// <summary>Create: a setting with an impossible value.</summary>
    BadConfig,

    /// <summary>Create: a setting whose value has the wrong JSON type.</summary>
    BadConfigType,

    /// <summary>Create: <c>fetch.min.bytes</c> out of its range.</summary>
    BadFetchMinBytes,

    /// <summary>Subscribe: neither topics nor a pattern.</summary>
    NothingToSubscribe,

    /// <summary>Subscribe: both topics and a pattern.</summary>
    TopicsAndPattern,

    /// <summary>Subscribe or assign while the instance has the other kind.</summary>
    OtherSubscription,

    /// <summary>Poll without subscription or assignment.</summary>
    NothingSubscribed,

    /// <summary>Seek in a partition that is not the instance's now.</summary>
    NotAssigned,

    /// <summary>A partition without a committed offset, and <c>auto.offset.reset</c> is none.</summary>
    NoOffset,

    /// <summary>Commit of a partition that belongs to another member now.</summary>
    NotOwner,

    /// <summary>Create: the name is taken.</summary>
    InstanceExists,
    InstanceNotFound,

    /// <summary>Poll: Accept names another format than the instance's.</summary>
    FormatMismatch,
}

/// <summary>How one product answers a <see cref="Fault"/>.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">Number of the five-digit family; not looked at where the product repeats the status.</param>
/// <param name="Message">The product's own words; null = ours.</param>
/// <param name="IsSchemaError">The product lists what is wrong under <c>validation_errors</c>.</param>
internal readonly record struct FaultAnswer(int Status, int Code, string? Message = null, bool IsSchemaError = false);

/// <summary>Type and title of the problem, the same for all products.</summary>
internal static class FaultKinds
{
    public static (string Slug, string Title) Of(Fault fault) => fault switch
    {
        Fault.BrokenJson => ("malformed-body", "Malformed body"),
        Fault.BadBase64 => ("not-base64", "Not base64"),
        Fault.UnsupportedType => ("unsupported-media-type", "Unsupported media type"),
        Fault.NotAcceptable => ("not-acceptable", "Not acceptable"),
        Fault.BadParameter or Fault.NegativeParameter => ("bad-parameter", "Bad parameter"),
        Fault.BadFormat or Fault.BadConfig or Fault.BadConfigType or Fault.BadFetchMinBytes => ("invalid-consumer-config", "Invalid consumer config"),
        Fault.OtherSubscription or Fault.NothingSubscribed or Fault.NoOffset => ("illegal-state", "Illegal state"),
        Fault.NotAssigned => ("partition-not-assigned", "Partition not assigned"),
        Fault.NotOwner => ("stale-generation", "Stale generation"),
        Fault.InstanceExists => ("consumer-instance-exists", "Consumer instance exists"),
        Fault.InstanceNotFound => ("consumer-instance-not-found", "Consumer instance not found"),
        Fault.FormatMismatch => ("format-mismatch", "Format mismatch"),
        _ => ("invalid-request", "Invalid request"),
    };
}
