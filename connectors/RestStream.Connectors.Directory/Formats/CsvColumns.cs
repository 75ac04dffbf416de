using System.Globalization;

using CsvHelper;

using RestStream.Connect.Data;

namespace RestStream.Connectors.Folders.Formats;

/// <summary>Names and types of the columns of one file, and how a row becomes a value.</summary>
internal sealed class CsvColumns
{
    private readonly DirectorySettings _settings;
    private readonly string[] _names;
    private readonly SchemaType[] _types;
    private readonly Schema? _schema;

    /// <exception cref="InvalidDataException">The header names a column twice.</exception>
    public CsvColumns(string[]? header, List<string[]> rows, DirectorySettings settings)
    {
        _settings = settings;
        _names = header ?? [.. settings.CsvFields];
        if (_names.Length == 0 && rows.Count > 0)
            _names = new string[rows[0].Length];
        for (var i = 0; i < _names.Length; i++)
            _names[i] = _names[i]?.Trim() is { Length: > 0 } name ? name : string.Create(CultureInfo.InvariantCulture, $"column{i + 1:00}");
        if (_names.GroupBy(n => n).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InvalidDataException($"Two columns are called '{twice.Key}'");

        _types = [.. Enumerable.Range(0, _names.Length).Select(i => settings.InferTypes ? TypeOf(rows.Where(r => i < r.Length && r[i].Length > 0).Select(r => r[i])) : SchemaType.String)];
        if (settings.WithSchema)
        {
            var builder = SchemaBuilder.Struct().Optional();
            if (settings.ValueSchemaName is { } name)
                builder.Named(name);
            for (var i = 0; i < _names.Length; i++)
                builder.Field(_names[i], new SchemaBuilder(_types[i]).Optional().Build());
            _schema = builder.Build();
        }
    }

    /// <exception cref="InvalidDataException">The row does not fit the columns.</exception>
    public SchemaAndValue Convert(CsvParser row, long position)
    {
        if (row.Count != _names.Length)
        {
            // A quote that stands where none may be shows when the fields are taken, and tells more than their number.
            _ = row.Record;
            throw new InvalidDataException($"The row at byte {position} has {row.Count} fields; there are {_names.Length} columns");
        }

        if (_schema is null)
        {
            var map = new Dictionary<string, object?>(_names.Length);
            for (var i = 0; i < _names.Length; i++)
                map[_names[i]] = Field(row, i, position);
            return new(null, map);
        }

        var made = new Struct(_schema);
        for (var i = 0; i < _names.Length; i++)
            made[_schema.Fields[i]] = Field(row, i, position);
        return new(_schema, made);
    }

    private object? Field(CsvParser row, int index, long position)
    {
        var text = row[index];
        if (text.Length == 0)
            return _types[index] != SchemaType.String || EmptyIsNull(row, index) ? null : "";
        return Parse(text, _types[index])
            ?? throw new InvalidDataException($"In the row at byte {position} the field '{_names[index]}' is no {_types[index].ToString().ToUpperInvariant()}, which the rows before it are");
    }

    private bool EmptyIsNull(CsvParser row, int index) => _settings.EmptyIsNull == _settings.EmptyQuotesAreNull ? _settings.EmptyIsNull : IsQuoted(row.RawRecord, index) ? _settings.EmptyQuotesAreNull : _settings.EmptyIsNull;

    /// <summary>Whether the field of that index, which is empty, is written with quotes.</summary>
    private bool IsQuoted(string row, int index)
    {
        var inQuotes = false;
        for (var i = 0; i < row.Length; i++)
        {
            if (index == 0 && row[i] != ' ')
                return row[i] == _settings.Quote;
            if (row[i] == _settings.Quote)
                inQuotes = !inQuotes;
            else if (!inQuotes && row[i] == _settings.Separator)
                index--;
            else if (inQuotes && row[i] == _settings.Escape)
                i++;
        }

        return false;
    }

    private static SchemaType TypeOf(IEnumerable<string> fields)
    {
        SchemaType[] candidates = [SchemaType.Int64, SchemaType.Float64, SchemaType.Boolean];
        var any = false;
        foreach (var field in fields)
        {
            any = true;
            candidates = Array.FindAll(candidates, type => Parse(field, type) is not null);
            if (candidates.Length == 0)
                return SchemaType.String;
        }

        return any ? candidates[0] : SchemaType.String;
    }

    /// <summary>The value of a text that is not empty; null when it is none of the type. Numbers with leading zeros are texts: they are codes, not amounts.</summary>
    private static object? Parse(string text, SchemaType type) => type switch
    {
        SchemaType.String => text,
        SchemaType.Boolean => bool.TryParse(text, out var flag) ? flag : null,
        _ when HasLeadingZero(text) => null,
        SchemaType.Int64 => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && text[0] != '+' ? number : null,
        _ => double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) && text[0] != '+'
            ? number : null,
    };

    private static bool HasLeadingZero(string text)
    {
        var digits = text.AsSpan().TrimStart('-');
        return digits.Length > 1 && digits[0] == '0' && char.IsAsciiDigit(digits[1]);
    }
}
