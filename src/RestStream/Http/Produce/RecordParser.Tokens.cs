using System.Text;
using System.Text.Json;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Produce;

// Tokens of the JSON text, and the bytes that they stand for.
internal sealed partial class RecordParser
{
    /// <summary>Where the bytes are that a token stands for: a slice of the body, or text made in <see cref="_text"/>. Notes a problem when the format does not fit.</summary>
    private Slice Decode(ReadOnlySpan<byte> json, Token token, DataFormat format, bool onlyStrings, RecordPath path, string field)
    {
        if (onlyStrings && token.Kind is not (JsonTokenType.None or JsonTokenType.Null or JsonTokenType.String))
        {
            _problems.Add(path.Error(field, $"In text format the {field} is a string."));
            return default;
        }

        switch (token.Kind)
        {
            case JsonTokenType.None or JsonTokenType.Null:
                return new Slice(Made: false, 0, -1);
            case JsonTokenType.String when format == DataFormat.Text:
                return token.Escaped ? Unescape(json, token) : new Slice(Made: false, token.Start + 1, token.Length - 2);
            case JsonTokenType.String when format == DataFormat.Base64:
                var text = token.Escaped ? Unescape(json, token) : new Slice(Made: false, token.Start + 1, token.Length - 2);
                return DecodeBase64(json, text, path, field);
            default:
                if (format != DataFormat.Base64)
                    return new Slice(Made: false, token.Start, token.Length);
                Note(Fault.BadBase64);
                _problems.Add(path.Error(field, "In base64 format this is a string or null."));
                return default;
        }
    }

    private Slice Unescape(ReadOnlySpan<byte> json, Token token)
    {
        var start = _text.Length;
        return new Slice(Made: true, start, JsonText.Unescape(json.Slice(token.Start, token.Length), _text));
    }

    private Slice DecodeBase64(ReadOnlySpan<byte> json, Slice text, RecordPath path, string field)
    {
        // The room is made before the source span is taken, because growing moves the text.
        _text.GetSpan(text.Length);
        var start = _text.Length;
        var length = JsonText.DecodeBase64(Bytes(json, text), _text);
        if (length >= 0)
            return new Slice(Made: true, start, length);
        Note(Fault.BadBase64);
        _problems.Add(path.Error(field, "This is not base64."));
        return default;
    }

    private ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> json, Slice slice) =>
        slice.IsNull ? default : slice.Made ? _text.Span.Slice(slice.Start, slice.Length) : json.Slice(slice.Start, slice.Length);

    /// <exception cref="JsonException">Something follows the body's value.</exception>
    private static void ExpectEnd(ref Utf8JsonReader reader) => reader.Read();

    private static JsonTokenType ReadNext(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType;
    }

    /// <summary>The token that the reader stands on, as a slice of the JSON; the reader is at its end then.</summary>
    private Token ReadToken(ref Utf8JsonReader reader)
    {
        var (kind, start, escaped) = (reader.TokenType, (int)reader.TokenStartIndex, false);
        if (kind is JsonTokenType.String or JsonTokenType.PropertyName)
        {
            escaped = reader.ValueIsEscaped;

            // A name's token includes what stands between it and its value.
            var length = reader.ValueSpan.Length + 2;
            SkipValue(ref reader);
            return new Token(kind == JsonTokenType.PropertyName ? JsonTokenType.String : kind, start, length, escaped);
        }

        SkipValue(ref reader);
        return new Token(kind, start, (int)reader.BytesConsumed - start, escaped);
    }

    /// <summary>Walks to the end of the value that the reader stands on, checking what the reader does not: depth, and whole characters.</summary>
    private void SkipValue(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
        {
            CheckCharacters(ref reader);
            return;
        }

        var outside = reader.CurrentDepth;
        var deepest = outside + limits.MaxJsonDepth;
        while (true)
        {
            reader.Read();
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject or JsonTokenType.StartArray when reader.CurrentDepth >= deepest:
                    throw HttpError.BadJson($"The JSON is nested deeper than {limits.MaxJsonDepth} (setting {LimitOptions.Section}:{nameof(LimitOptions.MaxJsonDepth)}).");
                case JsonTokenType.EndObject or JsonTokenType.EndArray when reader.CurrentDepth == outside:
                    return;
                case JsonTokenType.String or JsonTokenType.PropertyName:
                    CheckCharacters(ref reader);
                    break;
            }
        }
    }

    private static void CheckCharacters(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is (JsonTokenType.String or JsonTokenType.PropertyName) && reader.ValueIsEscaped && !JsonText.HasOnlyWholeCharacters(reader.ValueSpan))
            throw HttpError.BadJson("A string has half of a surrogate pair (\\uD800 to \\uDFFF alone), which is no character.");
    }

    private static bool TextIs(ref Utf8JsonReader reader, ReadOnlySpan<byte> text)
    {
        CheckCharacters(ref reader);
        return reader.ValueTextEquals(text);
    }

    private static string Name(ref Utf8JsonReader reader)
    {
        CheckCharacters(ref reader);
        return reader.ValueIsEscaped ? JsonText.Show(Encoding.UTF8.GetBytes(reader.GetString()!)) : JsonText.Show(reader.ValueSpan);
    }
}
