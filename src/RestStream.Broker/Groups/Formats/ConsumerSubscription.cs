namespace RestStream.Broker.Groups.Formats;

/// <summary>
/// What a consumer tells the leader of its group (Kafka's ConsumerProtocolSubscription). Version 3 is written; 0 to 3 are read, and of a newer version as much as 3 has,
/// because versions only ever add fields at the end.
/// </summary>
/// <param name="Topics">Topics it wants.</param>
/// <param name="UserData">Bytes of its assignor; null for none.</param>
/// <param name="OwnedPartitions">What it still owns, for assignors that keep assignments.</param>
/// <param name="Generation">The generation in which it got <paramref name="OwnedPartitions"/>; -1 when it never had any.</param>
/// <param name="RackId">Where it runs; null when it does not say.</param>
internal sealed record ConsumerSubscription(
    IReadOnlyList<string> Topics, byte[]? UserData, IReadOnlyList<TopicPartitions> OwnedPartitions, int Generation = -1, string? RackId = null)
{
    private const short WrittenVersion = 3;

    public byte[] ToBytes()
    {
        var writer = new MessageWriter().Int16(WrittenVersion).Int32(Topics.Count);
        foreach (var topic in Topics)
            writer.String(topic);
        writer.Bytes(UserData);
        TopicPartitions.Write(writer, OwnedPartitions);
        return writer.Int32(Generation).String(RackId).ToArray();
    }

    /// <exception cref="CorruptGroupRecordException">Bytes end early, or the version is negative.</exception>
    public static ConsumerSubscription Parse(ReadOnlySpan<byte> bytes)
    {
        var reader = new MessageReader(bytes, nameof(ConsumerSubscription));
        var version = reader.Version(highest: short.MaxValue);
        var topics = new string[reader.Count(sizeof(short), "topics")];
        for (var i = 0; i < topics.Length; i++)
            topics[i] = reader.String("topic");
        var userData = reader.NullableBytes("userData");
        var owned = version >= 1 ? TopicPartitions.Read(ref reader, "ownedPartitions") : [];
        var generation = version >= 2 ? reader.Int32("generationId") : -1;
        return new ConsumerSubscription(topics, userData, owned, generation, version >= 3 ? reader.NullableString("rackId") : null);
    }
}
