using System.Globalization;

using RestStream.Connect;
using RestStream.Connect.Data;
using RestStream.Connectors.Shared;

namespace RestStream.Connectors.Folders;

/// <summary>What a record has beside its value: key, time and headers, taken from the value and the file.</summary>
internal sealed class RecordShape(DirectorySettings settings, TimeProvider time)
{
    /// <summary>The headers that all records of a file share.</summary>
    public IReadOnlyList<Header> HeadersOf(string path, FileFacts facts) => !settings.WithHeaders ? [] :
    [
        new("file.name", Schema.String, Path.GetFileName(path)),
        new("file.path", Schema.String, path),
        new("file.length", Schema.Int64, facts.Size),
        new("file.last.modified", Schema.Timestamp, new Instant(facts.ModifiedMilliseconds)),
    ];

    /// <summary>Those and the number of the record, from 1.</summary>
    public IReadOnlyList<Header> Headers(IReadOnlyList<Header> ofFile, long number) => settings.WithHeaders ? [.. ofFile, new("file.offset", Schema.Int64, number)] : ofFile;

    /// <exception cref="InvalidDataException">The value has no such field.</exception>
    public SchemaAndValue Key(SchemaAndValue value)
    {
        if (settings.KeyFields.Count == 0)
            return SchemaAndValue.Null;
        if (settings.KeyFields.Count == 1)
            return Field(value, settings.KeyFields[0]);
        if (value.Schema is null)
            return new(null, settings.KeyFields.ToDictionary(name => name, name => Field(value, name).Value));

        var builder = SchemaBuilder.Struct();
        if (settings.KeySchemaNameOrNull is { } schemaName)
            builder.Named(schemaName);
        foreach (var name in settings.KeyFields)
            builder.Field(name, Field(value, name).Schema!);
        var key = new Struct(builder.Build());
        foreach (var name in settings.KeyFields)
            key[name] = Field(value, name).Value;
        return new(key.Schema, key);
    }

    /// <summary>Milliseconds since the epoch.</summary>
    /// <exception cref="InvalidDataException">The field is no time.</exception>
    public long Timestamp(SchemaAndValue value, FileFacts file)
    {
        if (settings.TimestampFromFile)
            return file.ModifiedMilliseconds;
        if (settings.TimestampField is not { } name)
            return time.GetUtcNow().ToUnixTimeMilliseconds();
        return Field(value, name).Value switch
        {
            long milliseconds => milliseconds,
            string text when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var milliseconds) => milliseconds,
            string text when DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed) => parsed.ToUnixTimeMilliseconds(),
            _ => throw new InvalidDataException($"The field '{name}' is no time: ISO 8601 or milliseconds since 1970 are"),
        };
    }

    private static SchemaAndValue Field(SchemaAndValue value, string name) => value.Value switch
    {
        Struct made when made.Schema.Field(name) is { } field => new(field.Schema, made[field]),
        Dictionary<string, object?> map when map.TryGetValue(name, out var found) => new(null, found),
        _ => throw new InvalidDataException($"There is no field '{name}'"),
    };
}
