using System.Text;

using Microsoft.Win32.SafeHandles;

using RestStream.Connect.Data;

namespace RestStream.Connectors.Folders.Formats;

/// <summary>The records of one file, one after the other. The file does not change while it is read, or what is read does not count.</summary>
internal abstract class RecordReader : IDisposable
{
    private const string Mark = "\uFEFF";

    /// <summary>Bytes before the next record: a reader that begins there goes on with it.</summary>
    public abstract long Position { get; }

    /// <summary>The next record; false at the end of the file.</summary>
    /// <exception cref="InvalidDataException">It is none of the format; the message says what and where, without its content. The reader cannot go on.</exception>
    public abstract bool TryRead(out SchemaAndValue value);

    public virtual void Dispose()
    {
    }

    /// <summary>Opens at a position that an earlier reader of this file had, or at 0.</summary>
    public static RecordReader Open(SafeFileHandle file, long position, DirectorySettings settings)
    {
        var begin = ByteOrderMark(file, settings.FileFormat is FileFormat.Json or FileFormat.Ndjson ? Encoding.UTF8 : settings.Encoding);
        return settings.FileFormat switch
        {
            FileFormat.Lines => new LineRecords(file, Math.Max(begin, position), settings),
            FileFormat.Ndjson => new NdjsonRecords(file, Math.Max(begin, position), settings),
            FileFormat.Json => new JsonRecords(file, begin, position, settings),
            FileFormat.Csv => new CsvRecords(file, begin, position, settings),
            _ => new WholeFile(file, position, settings),
        };
    }

    /// <summary>How many bytes of a byte order mark stand before the first record.</summary>
    private static long ByteOrderMark(SafeFileHandle file, Encoding encoding)
    {
        var mark = encoding.GetBytes(Mark);

        // A character set that does not have it writes something else in its place.
        if (encoding.GetString(mark) != Mark)
            return 0;
        var begin = new byte[mark.Length];
        return RandomAccess.Read(file, begin, 0) == mark.Length && begin.AsSpan().SequenceEqual(mark) ? mark.Length : 0;
    }
}
