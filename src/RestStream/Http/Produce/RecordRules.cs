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
    /// REST Proxy v2: unknown members are ignored, an absent value is null, header values are base64, and what is wrong with one record refuses the request.
    /// </summary>
    public bool V2;

    /// <summary>v2 text format: keys and values must be strings.</summary>
    public bool OnlyStrings;
}
