using System.Buffers;
using System.Reflection;
using System.Text;
using System.Text.Json;
using RestStream.Connect.Converters;
using RestStream.Connect.Data;
using RestStream.Connect.Plugins;
using RestStream.Connect.Tests.Golden;

namespace RestStream.Connect.Tests.Converters;

/// <summary>Kafka's converters against ours, case by case and byte by byte.</summary>
public class GoldenConverterTests
{
    private static readonly GoldenFile s_values = GoldenFile.Open("converters.json");
    private static readonly GoldenFile s_headers = GoldenFile.Open("header-converters.json");

    public static TheoryData<string> ValueCases => s_values.Ids();

    public static TheoryData<string> HeaderCases => s_headers.Ids();

    [Theory]
    [MemberData(nameof(ValueCases))]
    public void A_converter_answers_as_in_Kafka(string id)
    {
        var golden = s_values[id];
        var isKey = golden.Has("key") && golden.Json.GetProperty("key").GetBoolean();
        var converter = Create<Converter>(golden);

        Check(
            golden,
            settings => converter.Configure(converter.Config.Parse(settings), isKey),
            (pair, output) => converter.Write("topic", pair.Schema, pair.Value, output),
            bytes => converter.Read("topic", bytes, bytes is null));
    }

    [Theory]
    [MemberData(nameof(HeaderCases))]
    public void A_header_converter_answers_as_in_Kafka(string id)
    {
        var golden = s_headers[id];
        var converter = Create<HeaderConverter>(golden);

        Check(
            golden,
            settings => converter.Configure(converter.Config.Parse(settings)),
            (pair, output) => converter.Write("topic", "header", pair.Schema, pair.Value, output),
            bytes => converter.Read("topic", "header", bytes, bytes is null));
    }

    private static void Check(GoldenCase golden, Action<Dictionary<string, string?>> configure, Func<SchemaAndValue, ArrayBufferWriter<byte>, bool> write, Func<byte[]?, SchemaAndValue> read)
    {
        var settings = golden.Config();
        settings[ConverterConfig.Type] = "value";
        var at = "configure";
        string? difference = null;
        var failure = Record.Exception(() =>
        {
            configure(settings);
            at = "apply";
            if (golden.Has("read"))
            {
                var result = read(golden.Bytes("read"));
                difference = golden.Has("output") ? GoldenDiff.Pairs(golden.SchemaAndValue("output") ?? default, result) : null;
                return;
            }

            var output = new ArrayBufferWriter<byte>();
            var isThere = write(golden.SchemaAndValue("write")!.Value, output);
            difference = golden.Has("bytes") ? Difference(golden, isThere ? output.WrittenSpan.ToArray() : null) : null;
        });

        Assert.Null(golden.Error is { } error ? error.Difference(failure, at) : failure?.ToString() ?? difference);
    }

    private static string? Difference(GoldenCase golden, byte[]? found)
    {
        var expected = golden.Bytes("bytes");
        if (expected is null || found is null)
            return expected is null && found is null ? null : $"expected {Show(expected)}, was {Show(found)}";
        if (expected.AsSpan().SequenceEqual(found))
            return null;

        // Entries of a map are in no order.
        var isMap = golden.SchemaAndValue("write")!.Value is { Schema: null or { Type: SchemaType.Map }, Value: System.Collections.IDictionary };
        return isMap && JsonElement.DeepEquals(JsonDocument.Parse(expected).RootElement, JsonDocument.Parse(found).RootElement) ? null : $"expected {Show(expected)},\n was     {Show(found)}";
    }

    private static string Show(byte[]? bytes) => bytes is null ? "null" : $"{Encoding.UTF8.GetString(bytes)} ({Convert.ToHexString(bytes)})";

    private static T Create<T>(GoldenCase golden)
        where T : class
    {
        var type = typeof(ConverterSet).Assembly.GetTypes().Single(t => t.IsSubclassOf(typeof(T)) && t.GetCustomAttribute<PluginAttribute>()?.Name == golden.Text("converter"));
        return (T)Activator.CreateInstance(type)!;
    }
}
