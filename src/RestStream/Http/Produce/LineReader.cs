using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Produce;

/// <summary>Walks whole lines of NDJSON into a record set.</summary>
internal sealed class LineReader(ReadOnlyMemory<byte> text, long firstLine, LimitOptions limits)
{
    private bool? _isUtf8;

    /// <summary>Bytes read so far.</summary>
    public int Position { get; private set; }

    /// <summary>Lines read so far, from the start of the body.</summary>
    public long Line { get; private set; } = firstLine;

    public bool AtEnd => Position == text.Length;

    /// <summary>
    /// Reads lines until the end or until the set holds <paramref name="maxRecords"/>. Empty lines are skipped. A line that is no JSON is refused in its place,
    /// because the next one begins for certain behind the line break.
    /// </summary>
    /// <param name="work">Whose parser and records are used.</param>
    /// <param name="rules">How the records are read.</param>
    /// <param name="maxRecords">Where to stop.</param>
    /// <param name="lines">Gets the line number, from 1, of every record.</param>
    /// <param name="throwOnBadLine">A line that is no JSON refuses everything.</param>
    public void Read(ProduceWork work, in RecordRules rules, int maxRecords, List<long>? lines, bool throwOnBadLine)
    {
        var span = text.Span;
        var isUtf8 = _isUtf8 ??= RecordParser.IsUtf8(span);
        while (Position < span.Length && work.Records.Count < maxRecords)
        {
            var rest = span[Position..];
            var end = rest.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..end];
            Position += end < 0 ? line.Length : line.Length + 1;
            Line++;
            var isTooLong = line.Length > limits.MaxRequestBytes;
            if (!isTooLong && line.IndexOfAnyExcept(" \t\r"u8) < 0)
                continue;

            lines?.Add(Line);
            try
            {
                if (isTooLong)
                    throw TooLong();
                if (!isUtf8 && !RecordParser.IsUtf8(line))
                    throw HttpError.BadJson("The line is not valid UTF-8.");
                work.Parser.ReadLine(line, work.Records, rules, Line - 1);
            }
            catch (HttpError error) when (!throwOnBadLine)
            {
                work.Records.Refuse(error);
            }
        }
    }

    private HttpError TooLong() => new(413, 41305, "line-too-long", "Line too long",
        $"A line is longer than {limits.MaxRequestBytes} bytes, each line being a record of its own (setting {LimitOptions.Section}:{nameof(LimitOptions.MaxRequestBytes)}).");

    /// <summary>Goes back to read the same lines again.</summary>
    public void Rewind(int position, long line) => (Position, Line) = (position, line);
}
