using System.Collections;
using RestStream.Connect.Data;

namespace RestStream.Connect.Tests.Golden;

/// <summary>Equality as the README of the golden data has it, with a sentence about the first difference; null when there is none.</summary>
internal static class GoldenDiff
{
    /// <summary>Schemas equal in every part; the order of fields counts, that of parameters does not.</summary>
    public static string? Schemas(Schema? expected, Schema? actual, string path = "schema")
    {
        if (expected is null || actual is null)
            return expected is null && actual is null ? null : $"{path}: expected {Show(expected)}, was {Show(actual)}";

        return Part("type", expected.Type, actual.Type)
            ?? Part("optional", expected.IsOptional, actual.IsOptional)
            ?? Part("name", expected.Name, actual.Name)
            ?? Part("version", expected.Version, actual.Version)
            ?? Part("doc", expected.Doc, actual.Doc)
            ?? Part("parameters", Parameters(expected), Parameters(actual))
            ?? Values(expected.Default, actual.Default, $"{path}.default")
            ?? Part("fields", string.Join(",", expected.Fields.Select(f => f.Name)), string.Join(",", actual.Fields.Select(f => f.Name)))
            ?? expected.Fields.Select((f, i) => Schemas(f.Schema, actual.Fields[i].Schema, $"{path}.{f.Name}")).FirstOrDefault(d => d is not null)
            ?? Schemas(expected.KeySchema, actual.KeySchema, $"{path}.keySchema")
            ?? Schemas(expected.ValueSchema, actual.ValueSchema, $"{path}.valueSchema");

        string? Part(string name, object? a, object? b) => Equals(a, b) ? null : $"{path}.{name}: expected {a ?? "none"}, was {b ?? "none"}";
    }

    /// <summary>Values equal with their types; maps without order, everything else in order; floating point numbers bit by bit, but that NaN equals NaN.</summary>
    public static string? Values(object? expected, object? actual, string path = "value")
    {
        switch (expected, actual)
        {
            case (null, null):
                return null;
            case (null, _) or (_, null):
                return Differ();
            case (double a, double b):
                return BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b) || (double.IsNaN(a) && double.IsNaN(b)) ? null : Differ();
            case (float a, float b):
                return BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b)) ? null : Differ();
            case (byte[] a, byte[] b):
                return a.AsSpan().SequenceEqual(b) ? null : Differ();
            case (Struct a, Struct b):
                return Schemas(a.Schema, b.Schema, $"{path}.schema")
                    ?? a.Schema.Fields.Select(f => Values(a.GetWithoutDefault(f.Name), b.GetWithoutDefault(f.Name), $"{path}.{f.Name}")).FirstOrDefault(d => d is not null);
            case (IDictionary a, IDictionary b):
                return Maps(a, b, path);
            case (byte[], _) or (_, byte[]):
                return Differ();
            case (IList a, IList b):
                return a.Count != b.Count ? Differ() : Enumerable.Range(0, a.Count).Select(i => Values(a[i], b[i], $"{path}[{i}]")).FirstOrDefault(d => d is not null);
            default:
                return expected.GetType() == actual.GetType() && expected.Equals(actual) ? null : Differ();
        }

        string Differ() => $"{path}: expected {Show(expected)}, was {Show(actual)}";
    }

    /// <summary>Schema and value together.</summary>
    public static string? Pairs(SchemaAndValue expected, SchemaAndValue actual) =>
        Schemas(expected.Schema, actual.Schema) ?? Values(expected.Value, actual.Value);

    /// <summary>Records equal in kind and all parts; null is a record that was dropped. Source partition and offset are no part of golden records.</summary>
    public static string? Records(ConnectRecord? expected, ConnectRecord? actual)
    {
        if (expected is null || actual is null)
            return expected is null && actual is null ? null : $"record: expected {(expected is null ? "none (dropped)" : "one")}, was {(actual is null ? "none (dropped)" : "one")}";

        return Values(expected.GetType().Name, actual.GetType().Name, "kind")
            ?? Values(expected.Topic, actual.Topic, "topic")
            ?? Values(expected.Partition, actual.Partition, "partition")
            ?? Values(expected.Timestamp, actual.Timestamp, "timestamp")
            ?? Values((expected as SinkRecord)?.Offset, (actual as SinkRecord)?.Offset, "offset")
            ?? Schemas(expected.KeySchema, actual.KeySchema, "keySchema")
            ?? Values(expected.Key, actual.Key, "key")
            ?? Schemas(expected.ValueSchema, actual.ValueSchema, "valueSchema")
            ?? Values(expected.Value, actual.Value)
            ?? Values(string.Join(",", expected.Headers.Select(h => h.Key)), string.Join(",", actual.Headers.Select(h => h.Key)), "headers")
            ?? expected.Headers.Select((h, i) =>
                Schemas(h.Schema, actual.Headers[i].Schema, $"headers[{i}].schema") ?? Values(h.Value, actual.Headers[i].Value, $"headers[{i}].value")).FirstOrDefault(d => d is not null);
    }

    private static string? Maps(IDictionary expected, IDictionary actual, string path)
    {
        // By hand, not by look-up: keys may be lists, bytes or structs, which need deep equality.
        var left = Entries(actual).ToList();
        foreach (DictionaryEntry entry in expected)
        {
            var at = left.FindIndex(e => Values(NullKey.ToValue(entry.Key), NullKey.ToValue(e.Key)) is null);
            if (at < 0)
                return $"{path}: expected the key {Show(entry.Key)}, was {Show(actual)}";
            if (Values(entry.Value, left[at].Value, $"{path}[{Show(entry.Key)}]") is { } difference)
                return difference;
            left.RemoveAt(at);
        }

        return left.Count == 0 ? null : $"{path}: unexpected key {Show(left[0].Key)}";
    }

    private static string Parameters(Schema schema) => string.Join(",", schema.Parameters.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"));

    // IDictionary's own enumerator: Cast<DictionaryEntry> asks IEnumerable, which gives KeyValuePairs.
    private static IEnumerable<DictionaryEntry> Entries(IDictionary map)
    {
        foreach (DictionaryEntry entry in map)
            yield return entry;
    }

    private static string Show(object? value) => value switch
    {
        null => "null",
        Schema schema => schema.ToString(),
        string text => $"string \"{text}\"",
        byte[] bytes => $"bytes {Convert.ToHexString(bytes)}",
        Struct s => $"struct {s}",
        IDictionary map => "map {" + string.Join(", ", Entries(map).Select(e => $"{Show(e.Key)}: {Show(e.Value)}")) + "}",
        IList list => "list [" + string.Join(", ", list.Cast<object?>().Select(Show)) + "]",
        Instant instant => $"instant {instant.EpochMilliseconds}",
        _ => $"{value.GetType().Name} {value}",
    };
}
