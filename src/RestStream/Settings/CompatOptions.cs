using System.ComponentModel.DataAnnotations;

namespace RestStream.Settings;

/// <summary>The products whose REST API v2 is served.</summary>
internal enum ProfileName
{
    Confluent,
    Strimzi,
    Karapace,
    Redpanda,
}

/// <summary>REST Proxy v2, section <c>RestStream:Compat</c>.</summary>
internal sealed class CompatOptions
{
    public const string Section = "RestStream:Compat";

    /// <summary>
    /// Which product REST Proxy v2 clients meet at the root; all of them are served under their path bases too (<c>/confluent</c>, <c>/strimzi</c>, <c>/karapace</c>, <c>/redpanda</c>).
    /// Confluent: most clients were written for it.
    /// </summary>
    public ProfileName RootProfile { get; set; } = ProfileName.Confluent;

    /// <summary>A consumer instance that nobody calls for this long is deleted. 5 min as in Confluent's proxy and Redpanda; an open poll is a call.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan InstanceTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Most consumer instances at a time; above, creating one is refused. Each costs some kilobytes of memory.</summary>
    [Range(1, 1_000_000)]
    public int MaxInstances { get; set; } = 10_000;
}
