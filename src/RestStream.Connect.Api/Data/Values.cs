using System.Collections;
using System.Globalization;
using System.Text;

namespace RestStream.Connect.Data;

/// <summary>Values as text, as Kafka's classes say them (Java's <c>toString</c>).</summary>
public static class Values
{
    /// <summary>The text of a value: <c>{a=1}</c> for a map, <c>[1, 2]</c> for a list, <c>Struct{a=1}</c>, numbers as Java writes them; "null" for null.</summary>
    public static string ToText(object? value)
    {
        var text = new StringBuilder();
        Append(text, value);
        return text.ToString();
    }

    private static void Append(StringBuilder text, object? value)
    {
        switch (value)
        {
            case null:
                text.Append("null");
                break;
            case string s:
                text.Append(s);
                break;
            case bool b:
                text.Append(b ? "true" : "false");
                break;
            case Struct s:
                text.Append("Struct{");
                text.AppendJoin(',', s.Schema.Fields.Where(f => s.GetWithoutDefault(f.Name) is not null).Select(f => $"{f.Name}={ToText(s.GetWithoutDefault(f.Name))}"));
                text.Append('}');
                break;
            case IDictionary map:
                text.Append('{');
                text.AppendJoin(", ", DeepValue.Entries(map).Select(e => $"{ToText(e.Key)}={ToText(e.Value)}"));
                text.Append('}');
                break;
            case IList list and not byte[]:
                text.Append('[');
                text.AppendJoin(", ", list.Cast<object?>().Select(ToText));
                text.Append(']');
                break;
            default:
                text.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }
}
