using RestStream.Http.Compat;
using RestStream.Http.Errors;

namespace RestStream.Http.Produce;

/// <summary>How the records of one request are read.</summary>
internal struct RecordRules
{
    /// <summary>The topic of every record; null when each names its own.</summary>
    public TopicTarget? Target;

    /// <summary>The partition in the path, or -1.</summary>
    public int Partition;
    public DataFormat KeyFormat;
    public DataFormat ValueFormat;

    /// <summary>Milliseconds since 1970: the time of records without one.</summary>
    public long Now;

    /// <summary>
    /// REST Proxy v2, as this product speaks it: an absent value is null, header values are base64, and what is wrong with one record refuses the request. Null: native.
    /// </summary>
    public Profile? Family;

    /// <summary>v2: the records are read, and each of them is refused with this.</summary>
    public HttpError? RefuseAll;

    public readonly bool V2 => Family is not null;

    /// <summary>v2 text format: keys and values must be strings.</summary>
    public bool OnlyStrings;
}
