namespace RestStream.Connect.Tests.Golden;

public class GoldenReaderTests
{
    [Theory]
    [InlineData("transforms.json", "input")]
    [InlineData("transforms.json", "output")]
    [InlineData("predicates.json", "input")]
    public void Every_record_reads_equal_to_itself(string file, string property)
    {
        foreach (var golden in GoldenFile.Open(file).Cases.Where(c => c.Has(property)))
            Assert.Null(GoldenDiff.Records(golden.Record(property), golden.Record(property)));
    }

    [Theory]
    [InlineData("converters.json")]
    [InlineData("header-converters.json")]
    public void Every_schema_and_value_reads_equal_to_itself(string file)
    {
        foreach (var golden in GoldenFile.Open(file).Cases)
        {
            foreach (var property in new[] { "write", "output" }.Where(golden.Has))
            {
                if (golden.SchemaAndValue(property) is { } pair)
                    Assert.Null(GoldenDiff.Pairs(pair, golden.SchemaAndValue(property)!.Value));
            }
        }
    }

    [Fact]
    public void Every_value_reads_equal_to_itself()
    {
        foreach (var golden in GoldenFile.Open("values.json").Cases)
            Assert.Null(GoldenDiff.Values(golden.Value("value", golden.Schema()), golden.Value("value", golden.Schema())));
    }

    [Fact]
    public void A_number_of_another_type_is_a_difference() =>
        Assert.Equal("value[1]: expected Int32 2, was Int64 2", GoldenDiff.Values(new List<object?> { 1, 2 }, new List<object?> { 1, 2L }));

    [Fact]
    public void Zero_and_minus_zero_differ_but_no_number_is_like_another()
    {
        Assert.NotNull(GoldenDiff.Values(0.0, -0.0));
        Assert.Null(GoldenDiff.Values(double.NaN, -double.NaN));
    }
}
