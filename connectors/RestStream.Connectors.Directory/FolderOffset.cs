using RestStream.Connect;

namespace RestStream.Connectors.Folders;

/// <summary>How far a file is read. Spooldir's <c>{"offset":n}</c> alone is an offset too: its records are counted again from the beginning of the file.</summary>
/// <param name="Records">Records before the next one.</param>
/// <param name="Position">Bytes before the next record; null: not known.</param>
/// <param name="File">Identity of the file: another file of the same name begins at its beginning.</param>
/// <param name="DoneSize">The size of the file when its last record was read; null while it is not finished. A finished file is only cleaned up, unless it grew.</param>
internal sealed record FolderOffset(long Records, long? Position, string? File, long? DoneSize)
{
    public const string NameField = "fileName", RecordsField = "offset";

    private const string PositionField = "position", FileField = "file", DoneField = "size";

    public static FolderOffset? Parse(IReadOnlyDictionary<string, object?>? stored) => stored is null
        ? null
        : new(stored.GetValueOrDefault(RecordsField) as long? ?? 0, stored.GetValueOrDefault(PositionField) as long?, stored.GetValueOrDefault(FileField) as string, stored.GetValueOrDefault(DoneField) as long?);

    public Dictionary<string, object?> ToSourceOffset()
    {
        var fields = new Dictionary<string, object?>(4) { [RecordsField] = Records, [PositionField] = Position, [FileField] = File };
        if (DoneSize is not null)
            fields[DoneField] = DoneSize;
        return fields;
    }

    /// <exception cref="ConnectException">It is no offset of a file.</exception>
    public static void Check(IReadOnlyDictionary<string, object?>? partition, IReadOnlyDictionary<string, object?> offset)
    {
        if (partition is null)
            throw new ConnectException("Partition objects cannot be null");
        if (partition.GetValueOrDefault(NameField) is not string)
            throw new ConnectException($"Partition objects should contain the key '{NameField}' with the name of a file");
        if (offset.GetValueOrDefault(RecordsField) is not long and not null || offset.GetValueOrDefault(PositionField) is not long and not null)
            throw new ConnectException($"The values for the keys '{RecordsField}' and '{PositionField}' in the offset are expected to be numbers");
        if (offset.GetValueOrDefault(RecordsField) is not >= 0L || offset.GetValueOrDefault(PositionField) is < 0L)
            throw new ConnectException($"Offset objects should either be null or contain the key '{RecordsField}' (records that are read) with a non-negative value");
    }
}
