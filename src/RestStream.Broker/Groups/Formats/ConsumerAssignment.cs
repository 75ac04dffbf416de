namespace RestStream.Broker.Groups.Formats;

/// <summary>
/// What the leader gave a member (Kafka's ConsumerProtocolAssignment). Version 3 is written; versions 0 to 3 have the same fields, and a newer one is read as far as they go.
/// </summary>
/// <param name="Partitions">The partitions, by topic.</param>
/// <param name="UserData">Bytes of the assignor; null for none.</param>
internal sealed record ConsumerAssignment(IReadOnlyList<TopicPartitions> Partitions, byte[]? UserData = null)
{
    private const short WrittenVersion = 3;

    public byte[] ToBytes()
    {
        var writer = new MessageWriter().Int16(WrittenVersion);
        TopicPartitions.Write(writer, Partitions);
        return writer.Bytes(UserData).ToArray();
    }

    /// <exception cref="CorruptGroupRecordException">Bytes end early, or the version is negative.</exception>
    public static ConsumerAssignment Parse(ReadOnlySpan<byte> bytes)
    {
        var reader = new MessageReader(bytes, nameof(ConsumerAssignment));
        reader.Version(highest: short.MaxValue);
        return new ConsumerAssignment(TopicPartitions.Read(ref reader, "assignedPartitions"), reader.NullableBytes("userData"));
    }
}
