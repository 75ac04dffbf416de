using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;

namespace RestStream.Http.Records;

/// <summary>Server-sent events as text: every event's id is the cursor behind it. Writes into the connection's pipe; flushing is the caller's.</summary>
internal sealed class EventWriter(PipeWriter writer)
{
    private static ReadOnlySpan<byte> Id => "id: "u8;
    private static ReadOnlySpan<byte> Data => "\ndata: "u8;
    private static ReadOnlySpan<byte> Behind => "\n\n"u8;

    /// <summary>Records up to this size are written in one piece; a block of Kestrel's pipe has 4 KiB.</summary>
    private const int OnePieceBytes = 2048;

    /// <summary>A comment, so that the headers of a quiet stream are sent, and how soon to come back.</summary>
    public void WriteStart() => writer.Write(": ok\nretry: 2000\n\n"u8);

    public void WriteHeartbeat() => writer.Write(":\n\n"u8);

    /// <summary>An unnamed event with a record.</summary>
    public void WriteRecord(CursorWriter cursor, ReadOnlySpan<long> next, ReadOnlySpan<byte> record, bool hasLineBreaks)
    {
        var idBytes = Id.Length + cursor.MaxBytes;
        if (record.Length + idBytes > OnePieceBytes || hasLineBreaks)
        {
            WriteLongRecord(cursor, next, record, hasLineBreaks);
            return;
        }

        var room = writer.GetSpan(record.Length + idBytes + Data.Length + Behind.Length);
        Id.CopyTo(room);
        var length = Id.Length;
        length += cursor.Write(room[length..], next);
        Data.CopyTo(room[length..]);
        length += Data.Length;
        record.CopyTo(room[length..]);
        length += record.Length;
        Behind.CopyTo(room[length..]);
        writer.Advance(length + Behind.Length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WriteLongRecord(CursorWriter cursor, ReadOnlySpan<long> next, ReadOnlySpan<byte> record, bool hasLineBreaks)
    {
        WriteId(cursor, next);

        // A raw line break would end the line of the event. Each line gets a data field of its own, which the client joins with line feeds again.
        while (hasLineBreaks && record.IndexOfAny((byte)'\r', (byte)'\n') is >= 0 and var at)
        {
            writer.Write(Data);
            writer.Write(record[..at]);
            record = record[(at + (record[at..].StartsWith("\r\n"u8) ? 2 : 1))..];
        }

        writer.Write(Data);
        writer.Write(record);
        writer.Write(Behind);
    }

    /// <summary>A named event; its data has no line breaks.</summary>
    public void WriteEvent(CursorWriter cursor, ReadOnlySpan<long> next, string name, string data)
    {
        WriteId(cursor, next);
        writer.Write(Encoding.UTF8.GetBytes($"\nevent: {name}\ndata: {data}\n\n"));
    }

    /// <summary>A named event without an id, which leaves the client's last one as it is.</summary>
    public void WriteEvent(string name, string data) => writer.Write(Encoding.UTF8.GetBytes($"event: {name}\ndata: {data}\n\n"));

    private void WriteId(CursorWriter cursor, ReadOnlySpan<long> next)
    {
        writer.Write(Id);
        writer.Advance(cursor.Write(writer.GetSpan(cursor.MaxBytes), next));
    }
}
