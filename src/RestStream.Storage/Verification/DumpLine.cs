using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace RestStream.Storage.Verification;

/// <summary>One line of a dump, put together field by field: Kafka's text, or a JSON object with the same names.</summary>
internal abstract class DumpLine
{
    public abstract void Number(string name, long value);
    public abstract void Flag(string name, bool value);
    public abstract void Text(string name, string value);

    /// <summary>A number that may be missing.</summary>
    public abstract void Optional(string name, long? value);
    public abstract void List(string name, IEnumerable<string> values);

    /// <summary>Key or value, mostly text.</summary>
    public abstract void Bytes(string name, ReadOnlySpan<byte> value);

    /// <summary>A sentence, where there are no fields to tell.</summary>
    public abstract void Note(string sentence);

    /// <summary>A line that only people want to see.</summary>
    public abstract void Heading(string sentence);

    /// <summary>The line belongs to the one before (a record to its batch).</summary>
    public abstract void Indent();

    /// <summary>Writes the line and begins the next.</summary>
    public abstract void End();
}

/// <summary><c>name: value name: value</c>, as Kafka's dump-log prints.</summary>
internal sealed class TextDumpLine(TextWriter output) : DumpLine
{
    private readonly StringBuilder _line = new();

    public override void Number(string name, long value) => Add(name, value.ToString(CultureInfo.InvariantCulture));
    public override void Flag(string name, bool value) => Add(name, value ? "true" : "false");
    public override void Text(string name, string value) => Add(name, value);
    public override void Optional(string name, long? value) => Add(name, value is null ? "OptionalLong.empty" : string.Create(CultureInfo.InvariantCulture, $"OptionalLong[{value}]"));
    public override void List(string name, IEnumerable<string> values) => Add(name, $"[{string.Join(',', values)}]");
    public override void Bytes(string name, ReadOnlySpan<byte> value) => Add(name, Encoding.UTF8.GetString(value));
    public override void Note(string sentence) => _line.Append(_line.Length > 0 ? " " : "").Append(sentence);
    public override void Heading(string sentence) => Note(sentence);
    public override void Indent() => _line.Append('|');

    public override void End()
    {
        if (_line.Length > 0)
            output.WriteLine(_line);
        _line.Clear();
    }

    private void Add(string name, string value) => Note($"{name}: {value}");
}

/// <summary>One JSON object a line.</summary>
internal sealed class JsonDumpLine(TextWriter output) : DumpLine, IDisposable
{
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private Utf8JsonWriter? _json;

    private Utf8JsonWriter Json
    {
        get
        {
            if (_json is null)
            {
                _json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
                _json.WriteStartObject();
            }
            return _json;
        }
    }

    public override void Number(string name, long value) => Json.WriteNumber(name, value);
    public override void Flag(string name, bool value) => Json.WriteBoolean(name, value);
    public override void Text(string name, string value) => Json.WriteString(name, value);

    public override void Optional(string name, long? value)
    {
        if (value is { } number)
            Json.WriteNumber(name, number);
        else
            Json.WriteNull(name);
    }

    public override void List(string name, IEnumerable<string> values)
    {
        Json.WriteStartArray(name);
        foreach (var value in values)
            Json.WriteStringValue(value);
        Json.WriteEndArray();
    }

    /// <summary>Bytes that are no UTF-8 get the name with <c>Base64</c> behind it.</summary>
    public override void Bytes(string name, ReadOnlySpan<byte> value)
    {
        if (Utf8.IsValid(value))
            Json.WriteString(name, value);
        else
            Json.WriteBase64String(name + "Base64", value);
    }

    public override void Note(string sentence) => Json.WriteString("note", sentence);
    public override void Heading(string sentence) { }
    public override void Indent() { }

    public override void End()
    {
        if (_json is null)
            return;
        _json.WriteEndObject();
        _json.Dispose();
        _json = null;
        output.WriteLine(Encoding.UTF8.GetString(_buffer.WrittenSpan));
        _buffer.ResetWrittenCount();
    }

    public void Dispose() => _json?.Dispose();
}
