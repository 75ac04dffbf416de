using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace RestStream.Connect.Stores;

/// <summary>
/// Keys and values of the offset topic as Kafka's worker writes them, through its JsonConverter without schemas: <c>["connector",{"filename":"/f"}]</c> and <c>{"position":6}</c>.
/// Fields keep the order of the map; a number with a fraction or an exponent is floating point, others are <see cref="long"/>.
/// </summary>
internal static class OffsetJson
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] WriteKey(string connector, IReadOnlyDictionary<string, object?> partition)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, s_options))
        {
            json.WriteStartArray();
            json.WriteStringValue(connector);
            WriteMap(json, partition);
            json.WriteEndArray();
        }

        return bytes.WrittenSpan.ToArray();
    }

    public static byte[] WriteValue(IReadOnlyDictionary<string, object?> offset)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, s_options))
            WriteMap(json, offset);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Null when it is no key of an offset: another program's record, which is left alone.</summary>
    public static (string Connector, IReadOnlyDictionary<string, object?> Partition)? ReadKey(ReadOnlySpan<byte> key)
    {
        try
        {
            var reader = new Utf8JsonReader(key);
            using var json = JsonDocument.ParseValue(ref reader);
            return json.RootElement is { ValueKind: JsonValueKind.Array } array && array.GetArrayLength() == 2
                && array[0].ValueKind == JsonValueKind.String && array[1].ValueKind == JsonValueKind.Object
                ? (array[0].GetString()!, ReadMap(array[1]))
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter is what the parser says, late, of "\ud800".
            return null;
        }
    }

    /// <summary>Null when it is no offset.</summary>
    public static IReadOnlyDictionary<string, object?>? ReadValue(ReadOnlySpan<byte> value)
    {
        try
        {
            var reader = new Utf8JsonReader(value);
            using var json = JsonDocument.ParseValue(ref reader);
            return json.RootElement.ValueKind == JsonValueKind.Object ? ReadMap(json.RootElement) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter is what the parser says, late, of "\ud800".
            return null;
        }
    }

    private static Dictionary<string, object?> ReadMap(JsonElement json)
    {
        var map = new Dictionary<string, object?>();
        foreach (var field in json.EnumerateObject())
            map[field.Name] = ReadAny(field.Value);
        return map;
    }

    private static object? ReadAny(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => json.TryGetInt64(out var number) ? number : (object)json.GetDouble(),
        JsonValueKind.Object => ReadMap(json),
        _ => json.EnumerateArray().Select(ReadAny).ToList(),
    };

    private static void WriteMap(Utf8JsonWriter json, IReadOnlyDictionary<string, object?> map)
    {
        json.WriteStartObject();
        foreach (var (name, value) in map)
        {
            json.WritePropertyName(name);
            WriteAny(json, name, value);
        }

        json.WriteEndObject();
    }

    private static void WriteAny(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool truth:
                json.WriteBooleanValue(truth);
                break;
            case sbyte or short or int or long or byte or ushort or uint:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case float or double:
                WriteDouble(json, name, Convert.ToDouble(value, CultureInfo.InvariantCulture));
                break;
            case byte[] bytes:
                json.WriteBase64StringValue(bytes);
                break;
            case IReadOnlyDictionary<string, object?> map:
                WriteMap(json, map);
                break;
            case IEnumerable<object?> list:
                json.WriteStartArray();
                foreach (var element in list)
                    WriteAny(json, name, element);
                json.WriteEndArray();
                break;
            default:
                throw new ConnectException($"A source partition or offset holds strings, numbers and booleans; its field '{name}' holds a {value.GetType()}.");
        }
    }

    private static void WriteDouble(Utf8JsonWriter json, string name, double value)
    {
        if (!double.IsFinite(value))
            throw new ConnectException($"The field '{name}' of a source partition or offset is {value.ToString(CultureInfo.InvariantCulture)}, which JSON cannot say.");
        var text = value.ToString("R", CultureInfo.InvariantCulture);

        // Without a point it would come back as an integer.
        json.WriteRawValue(text.AsSpan().IndexOfAny(".eE") >= 0 ? text : text + ".0");
    }
}
