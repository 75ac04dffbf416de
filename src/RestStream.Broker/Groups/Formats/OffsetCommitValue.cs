namespace RestStream.Broker.Groups.Formats;

/// <summary>A committed offset as <c>__consumer_offsets</c> keeps it. Versions 0 to 4 are read, 4 is written.</summary>
/// <param name="Offset">Next offset to be consumed.</param>
/// <param name="LeaderEpoch">Epoch of the last consumed record's leader; -1 when not known (and in versions below 3).</param>
/// <param name="Metadata">What the client wanted to be kept with it; may be empty.</param>
/// <param name="CommitTimestamp">When it was committed, in milliseconds since 1970.</param>
/// <param name="TopicId">The topic's id at the commit; empty when not known: in versions below 4 and in transactional commits.</param>
internal sealed record OffsetCommitValue(long Offset, int LeaderEpoch, string Metadata, long CommitTimestamp, Guid TopicId)
{
    private const short WrittenVersion = 4;
    private const int TopicIdTag = 0;
    private const int TopicIdBytes = 16;

    public byte[] ToBytes()
    {
        var writer = new MessageWriter().Int16(WrittenVersion).Int64(Offset).Int32(LeaderEpoch).CompactString(Metadata).Int64(CommitTimestamp);
        return TopicId == Guid.Empty
            ? writer.UnsignedVarint(0).ToArray()
            : writer.UnsignedVarint(1).UnsignedVarint(TopicIdTag).UnsignedVarint(TopicIdBytes).Uuid(TopicId).ToArray();
    }

    /// <exception cref="CorruptGroupRecordException">Not the bytes of a version that is known.</exception>
    public static OffsetCommitValue Parse(ReadOnlySpan<byte> bytes)
    {
        var reader = new MessageReader(bytes, nameof(OffsetCommitValue));
        var version = reader.Version(highest: WrittenVersion);
        var offset = reader.Int64("offset");
        var leaderEpoch = version >= 3 ? reader.Int32("leaderEpoch") : -1;
        var metadata = version >= 4 ? reader.CompactString("metadata") : reader.String("metadata");
        var commitTimestamp = reader.Int64("commitTimestamp");

        // Version 1 had an expiry of its own; since then the group's retention alone decides, in Kafka too.
        if (version == 1)
            reader.Int64("expireTimestamp");
        var topicId = version >= 4 ? ParseTags(ref reader) : Guid.Empty;
        reader.End();
        return new OffsetCommitValue(offset, leaderEpoch, metadata, commitTimestamp, topicId);
    }

    /// <summary>Tags may be added without a new version: those that are not known are passed over.</summary>
    private static Guid ParseTags(ref MessageReader reader)
    {
        var topicId = Guid.Empty;
        for (var left = reader.TagCount(); left > 0; left--)
        {
            var (tag, bytes) = reader.TagHeader();
            if (tag != TopicIdTag)
                reader.Skip(bytes, "tag");
            else if (bytes == TopicIdBytes)
                topicId = reader.Uuid("topicId");
            else
                throw reader.Corrupt("topicId", $"has {bytes} bytes instead of {TopicIdBytes}");
        }
        return topicId;
    }
}
