using System.ComponentModel.DataAnnotations;

namespace RestStream.Broker;

/// <summary>Settings of the embedded broker, section <c>RestStream:Broker</c>.</summary>
public sealed class BrokerOptions
{
    public const string Section = "RestStream:Broker";

    /// <summary>Partitions of a topic that is made without a count (Kafka's <c>num.partitions</c>). 1: order over the whole topic until the user asks for more.</summary>
    [Range(1, 10_000)]
    public int DefaultPartitions { get; set; } = 1;
}
