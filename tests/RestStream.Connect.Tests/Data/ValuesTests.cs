using RestStream.Connect.Data;
using RestStream.Connect.Tests.Golden;

namespace RestStream.Connect.Tests.Data;

/// <summary>Kafka's Values against ours, case by case.</summary>
public class ValuesTests
{
    private static readonly GoldenFile s_golden = GoldenFile.Open("values.json");

    public static TheoryData<string> Cases => s_golden.Ids();

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_value_converts_as_in_Kafka(string id)
    {
        var golden = s_golden[id];
        object? result = null;
        var failure = Record.Exception(() => result = Run(golden));

        Assert.Null(golden.Error is { } error ? error.Difference(failure) : failure?.ToString() ?? Difference(golden, result));
    }

    private static string? Difference(GoldenCase golden, object? result) => golden.Text("op") switch
    {
        "parseString" => GoldenDiff.Pairs(golden.SchemaAndValue("output") ?? default, (SchemaAndValue)result!),
        "inferSchema" => GoldenDiff.Schemas(golden.Schema("output"), (Schema?)result),
        _ => GoldenDiff.Values(golden.Value("output", null), result),
    };

    private static object? Run(GoldenCase golden)
    {
        var schema = golden.Schema();
        var value = golden.Value("value", schema);
        return golden.Text("op") switch
        {
            "parseString" => Values.ParseString((string?)value),
            "inferSchema" => Values.InferSchema(value),
            "convertToBoolean" => Values.ConvertToBoolean(schema, value),
            "convertToByte" => Values.ConvertToByte(schema, value),
            "convertToShort" => Values.ConvertToShort(schema, value),
            "convertToInteger" => Values.ConvertToInteger(schema, value),
            "convertToLong" => Values.ConvertToLong(schema, value),
            "convertToFloat" => Values.ConvertToFloat(schema, value),
            "convertToDouble" => Values.ConvertToDouble(schema, value),
            "convertToDecimal" => Values.ConvertToDecimal(schema, value, 2),
            "convertToDate" => Values.ConvertToDate(schema, value),
            "convertToTime" => Values.ConvertToTime(schema, value),
            "convertToTimestamp" => Values.ConvertToTimestamp(schema, value),
            "convertToList" => Values.ConvertToList(schema, value),
            "convertToMap" => Values.ConvertToMap(schema, value),
            "convertToString" => Values.ConvertToString(schema, value),
            var op => throw new ArgumentException($"unknown op {op}"),
        };
    }
}
