using System.Collections;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using RestStream.Connect;
using RestStream.Connect.Data;

namespace RestStream.Connectors.Http.Requests;

/// <summary>Between JSON and the data model, without schemas: objects are maps, whole numbers int64, other numbers float64.</summary>
internal static class JsonValue
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string ToText(object? value) => Encoding.UTF8.GetString(ToBytes(value));

    public static byte[] ToBytes(object? value)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, s_options))
            Write(json, value);
        return bytes.ToArray();
    }

    public static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool b:
                json.WriteBooleanValue(b);
                break;
            case sbyte or short or int or long:
                json.WriteNumberValue(Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
                break;
            case float number when float.IsFinite(number):
                // Not as a double, which has more digits: 0.1 would be 0.10000000149011612.
                json.WriteNumberValue(number);
                break;
            case double number when double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case float or double:
                // JSON has no word for them; the converters write them as texts too.
                json.WriteStringValue(Values.ToText(value));
                break;
            case byte[] bytes:
                json.WriteBase64StringValue(bytes);
                break;
            case Instant instant:
                json.WriteNumberValue(instant.EpochMilliseconds);
                break;
            case BigDecimal or decimal:
                json.WriteRawValue(Values.ToText(value), skipInputValidation: true);
                break;
            case Struct s:
                json.WriteStartObject();
                foreach (var field in s.Schema.Fields)
                {
                    json.WritePropertyName(field.Name);
                    Write(json, s[field]);
                }

                json.WriteEndObject();
                break;
            case IDictionary map:
                json.WriteStartObject();
                foreach (DictionaryEntry entry in map)
                {
                    json.WritePropertyName(Values.ToText(entry.Key));
                    Write(json, entry.Value);
                }

                json.WriteEndObject();
                break;
            case IList list:
                json.WriteStartArray();
                foreach (var item in list)
                    Write(json, item);
                json.WriteEndArray();
                break;
            default:
                throw new ConnectException($"A value of type {value.GetType().Name} has no form in JSON.");
        }
    }

    public static object? From(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => ToMap(element),
        JsonValueKind.Array => element.EnumerateArray().Select(From).ToList(),
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt64(out var whole) ? (object)whole : element.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    private static Dictionary<string, object?> ToMap(JsonElement element)
    {
        var map = new Dictionary<string, object?>();
        foreach (var property in element.EnumerateObject())
            map[property.Name] = From(property.Value);
        return map;
    }
}
