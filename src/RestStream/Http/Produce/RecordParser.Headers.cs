using System.Text.Json;
using RestStream.Http.Compat;
using RestStream.Settings;
using RestStream.Storage.Records;

namespace RestStream.Http.Produce;

// The headers of a record.
internal sealed partial class RecordParser
{
    /// <summary>Headers as a list of <c>{"key","value"}</c>, or as an object. Encodes them into <see cref="_headers"/>.</summary>
    private void ReadHeaders(ReadOnlySpan<byte> json, Profile? family, RecordPath path)
    {
        var v2 = family is not null;
        var reader = new Utf8JsonReader(json, _options);
        ReadNext(ref reader);
        if (reader.TokenType == JsonTokenType.StartObject && !v2)
        {
            while (ReadNext(ref reader) == JsonTokenType.PropertyName)
            {
                var name = ReadToken(ref reader);
                ReadNext(ref reader);
                AddHeader(json, name, ReadToken(ref reader), DataFormat.Text, path);
            }
        }
        else if (reader.TokenType == JsonTokenType.StartArray)
        {
            while (ReadNext(ref reader) != JsonTokenType.EndArray)
                ReadListedHeader(ref reader, json, family, path);
        }
        else
        {
            Note(Fault.WrongType);
            _problems.Add(path.Error("headers", "headers is a list, [{\"key\":\"trace\",\"value\":\"abc\"}], or an object, {\"trace\":\"abc\"}."));
        }

        if (_headerCount > limits.MaxHeadersPerRecord)
        {
            _problems.Add(path.Error("headers",
                $"The record has {_headerCount} headers, {limits.MaxHeadersPerRecord} are taken (setting {LimitOptions.Section}:{nameof(LimitOptions.MaxHeadersPerRecord)})."));
        }
    }

    private void ReadListedHeader(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, Profile? family, RecordPath path)
    {
        var v2 = family is not null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            SkipValue(ref reader);
            Note(Fault.WrongType);
            _problems.Add(path.Error($"headers[{_headerCount}]", "A header is {\"key\":\"…\",\"value\":\"…\"}."));
            return;
        }

        var format = v2 ? DataFormat.Base64 : DataFormat.Text;
        Token key = default, value = default;
        while (ReadNext(ref reader) == JsonTokenType.PropertyName)
        {
            if (TextIs(ref reader, "key"u8) && key.Kind == JsonTokenType.None)
            {
                ReadNext(ref reader);
                key = ReadToken(ref reader);
            }
            else if (TextIs(ref reader, "value"u8) && value.Kind == JsonTokenType.None)
            {
                ReadNext(ref reader);
                value = ReadToken(ref reader);
            }
            else if (TextIs(ref reader, "value_format"u8) && !v2)
            {
                ReadNext(ref reader);
                format = ReadFormat(ref reader, format, path.InHeader(_headerCount), "value_format");
            }
            else
            {
                // Unknown, or one of the two a second time.
                var name = Name(ref reader);
                Note(Fault.UnknownMember);
                if (family is not { RefusesUnknownMembers: false } || name is "key" or "value")
                    _problems.Add(path.Error($"headers[{_headerCount}].{name}", "A header has a key, a value and a value_format, each once."));
                ReadNext(ref reader);
                SkipValue(ref reader);
            }
        }

        if (key.Kind != JsonTokenType.String)
        {
            Note(Fault.WrongType);
            _problems.Add(path.Error($"headers[{_headerCount}].key", "A header's key is a string."));
        }
        else if (family is { Produce.HasBridgeSchema: true } && (value.Kind != JsonTokenType.String || value.Length == 2))
        {
            Note(Fault.WrongType);
            _problems.Add(path.Error($"headers[{_headerCount}].value", "A header's value is base64 of at least one byte."));
        }
        else
        {
            AddHeader(json, key, value, format, path);
        }
    }

    private void AddHeader(ReadOnlySpan<byte> json, Token key, Token value, DataFormat format, RecordPath path)
    {
        // The text of one header at a time, behind that of the record's key and value.
        var mark = _text.Length;
        if (value.Kind == JsonTokenType.StartObject && format == DataFormat.Text)
            (value, format) = Unwrap(json, value);
        var name = Decode(json, key, DataFormat.Text, onlyStrings: false, path, "headers");
        var bytes = Decode(json, value, format, onlyStrings: false, path.InHeader(_headerCount), "value");
        var nameBytes = Bytes(json, name);
        var valueBytes = Bytes(json, bytes);
        _headers.Advance(HeaderEncoder.Write(_headers.GetSpan(HeaderEncoder.MaxBytes(nameBytes.Length, valueBytes.Length)), nameBytes, bytes.IsNull, valueBytes));
        _headerCount++;
        _text.Truncate(mark);
    }

    /// <summary>A header value written as <c>{"value":"…","value_format":"base64"}</c>; any other object is JSON text.</summary>
    private (Token Value, DataFormat Format) Unwrap(ReadOnlySpan<byte> json, Token wrapped)
    {
        var reader = new Utf8JsonReader(json.Slice(wrapped.Start, wrapped.Length), _options);
        ReadNext(ref reader);
        Token value = default;
        DataFormat? format = null;
        while (ReadNext(ref reader) == JsonTokenType.PropertyName)
        {
            var (isValue, isFormat) = (TextIs(ref reader, "value"u8), TextIs(ref reader, "value_format"u8));
            ReadNext(ref reader);
            if (isFormat && FormatOf(ref reader) is { } named)
                format = named;
            else if (isValue && value.Kind == JsonTokenType.None)
                value = ReadToken(ref reader);
            else
                return (wrapped, DataFormat.Text);
        }

        return format is { } found && value.Kind != JsonTokenType.None
            ? (value with { Start = value.Start + wrapped.Start }, found)
            : (wrapped, DataFormat.Text);
    }
}
