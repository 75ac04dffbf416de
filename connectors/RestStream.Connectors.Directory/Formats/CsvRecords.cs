using System.Globalization;

using CsvHelper;
using CsvHelper.Configuration;

using Microsoft.Win32.SafeHandles;

using RestStream.Connect.Data;

namespace RestStream.Connectors.Folders.Formats;

/// <summary>
/// Rows of CSV; blank lines are passed over. A row with another number of fields than there are columns is a bad record. Names and types of the columns are always taken from the beginning of the file,
/// so that they are the same after a resume.
/// </summary>
internal sealed class CsvRecords : RecordReader
{
    // So many rows decide what a column is.
    private const int RowsToInfer = 1000;

    private readonly SafeFileHandle _file;
    private readonly DirectorySettings _settings;
    private readonly CsvConfiguration _configuration;
    private readonly CsvColumns _columns;
    private DecodedText _text = null!;
    private CsvParser _parser = null!;
    private long _charactersDone;
    private long _row;

    public CsvRecords(SafeFileHandle file, long firstByte, long position, DirectorySettings settings)
    {
        (_file, _settings) = (file, settings);
        _configuration = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = settings.Separator.ToString(),
            Quote = settings.Quote,
            Escape = settings.Escape,
            TrimOptions = settings.TrimSpaces ? TrimOptions.Trim : TrimOptions.None,
            MaxFieldSize = settings.MaxRecordBytes,
            ExceptionMessagesContainRawData = false,
            BadDataFound = _ => throw new InvalidDataException($"A quote stands where none may be, in the row at byte {_row}"),
        };

        Begin(firstByte);
        SkipLines(settings.SkipLines);
        var header = settings.FirstRowIsHeader && ReadRow() ? _parser.Record! : null;
        var begin = Position;
        var rows = new List<string[]>();
        if (settings.InferTypes || header is null)
        {
            while (rows.Count < (settings.InferTypes ? RowsToInfer : 1) && TryReadRow() is { } row)
                rows.Add(row);
        }

        _columns = new CsvColumns(header, rows, settings);
        Begin(Math.Max(begin, position));
    }

    public override long Position => _text.Position;

    public override bool TryRead(out SchemaAndValue value)
    {
        value = default;
        var begin = Position;
        if (!ReadRow())
            return false;
        value = _columns.Convert(_parser, begin);
        return true;
    }

    public override void Dispose() => _parser.Dispose();

    private void Begin(long position)
    {
        _parser?.Dispose();
        _text = new DecodedText(_file, position, _settings.Encoding);
        _parser = new CsvParser(_text, _configuration);
        _charactersDone = 0;
    }

    /// <summary>The next row, for a look ahead; null when there is none, or when it is bad: then it is met again when its turn comes.</summary>
    private string[]? TryReadRow()
    {
        try
        {
            return ReadRow() ? _parser.Record : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private bool ReadRow()
    {
        // Quotes are looked at when the fields are taken, which is after the position went on.
        var begin = _row = Position;
        try
        {
            var found = _parser.Read();
            _text.Advance((int)(_parser.CharCount - _charactersDone));
            _charactersDone = _parser.CharCount;
            if (found && Position - begin > _settings.MaxRecordBytes)
                throw new InvalidDataException($"The row at byte {begin} is longer than {_settings.MaxRecordBytes} bytes ({DirectorySettings.MaxRecordBytesKey})");
            return found;
        }
        catch (CsvHelperException e)
        {
            throw new InvalidDataException($"The row at byte {begin} is no CSV: {e.GetType().Name}", e);
        }
    }

    private void SkipLines(int lines)
    {
        if (lines == 0)
            return;
        Span<char> next = stackalloc char[1];
        for (var previous = '\0'; lines > 0 && _text.Read(next) == 1; previous = next[0])
        {
            _text.Advance(1);
            if (next[0] == '\r' || (next[0] == '\n' && previous != '\r'))
                lines--;
        }

        // The parser begins behind them; a \n of a pair that is left is an empty line to it.
        Begin(Position);
    }
}
