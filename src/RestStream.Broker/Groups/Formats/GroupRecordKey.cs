using System.Diagnostics.CodeAnalysis;

namespace RestStream.Broker.Groups.Formats;

/// <summary>The key of a record of <c>__consumer_offsets</c>: an int16 that says what the record is about, then who.</summary>
internal abstract record GroupRecordKey(string Group)
{
    private const string Message = "key of a group record";

    /// <summary>
    /// False: a type that this program does not know (groups of the newer protocol, share and streams groups); such records are to be passed over, as Kafka does.
    /// </summary>
    /// <exception cref="CorruptGroupRecordException">A known type whose fields are cut or too long.</exception>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out GroupRecordKey? key)
    {
        var reader = new MessageReader(bytes, Message);
        switch (reader.Int16("type"))
        {
            case OffsetCommitKey.LegacyType or OffsetCommitKey.Type:
                key = new OffsetCommitKey(reader.String("group"), reader.String("topic"), reader.Int32("partition"));
                break;
            case GroupMetadataKey.Type:
                key = new GroupMetadataKey(reader.String("group"));
                break;
            default:
                key = null;
                return false;
        }

        reader.End();
        return true;
    }

    public abstract byte[] ToBytes();
}

/// <summary>A committed offset; the value is an <see cref="OffsetCommitValue"/>, or null once the offset is deleted.</summary>
internal sealed record OffsetCommitKey(string Group, string Topic, int Partition) : GroupRecordKey(Group)
{
    public const short Type = 1;

    /// <summary>The same fields, written by Kafka before 0.9; read only.</summary>
    public const short LegacyType = 0;

    public override byte[] ToBytes() => new MessageWriter().Int16(Type).String(Group).String(Topic).Int32(Partition).ToArray();
}

/// <summary>A group and its members; the value is a <see cref="GroupMetadataValue"/>, or null once the group is deleted.</summary>
internal sealed record GroupMetadataKey(string Group) : GroupRecordKey(Group)
{
    public const short Type = 2;

    public override byte[] ToBytes() => new MessageWriter().Int16(Type).String(Group).ToArray();
}
