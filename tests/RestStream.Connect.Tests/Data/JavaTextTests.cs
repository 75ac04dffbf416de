using System.Numerics;
using RestStream.Connect.Data;

namespace RestStream.Connect.Tests.Data;

/// <summary>Texts as a JVM with zone UTC prints them.</summary>
public class JavaTextTests
{
    [Theory]
    [InlineData(0.0, "0.0")]
    [InlineData(-0.0, "-0.0")]
    [InlineData(1, "1.0")]
    [InlineData(100, "100.0")]
    [InlineData(9999999, "9999999.0")]
    [InlineData(1e7, "1.0E7")]
    [InlineData(12345678.9, "1.23456789E7")]
    [InlineData(0.001, "0.001")]
    [InlineData(9.99e-4, "9.99E-4")]
    [InlineData(123456.789, "123456.789")]
    [InlineData(-5e-5, "-5.0E-5")]
    [InlineData(1e20, "1.0E20")]
    [InlineData(double.MaxValue, "1.7976931348623157E308")]
    [InlineData(double.Epsilon, "4.9E-324")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.NegativeInfinity, "-Infinity")]
    public void A_double_has_Javas_text(double value, string text) => Assert.Equal(text, Values.ToText(value));

    [Theory]
    [InlineData(0.1f, "0.1")]
    [InlineData(16777216f, "1.6777216E7")]
    [InlineData(float.MaxValue, "3.4028235E38")]
    [InlineData(float.Epsilon, "1.4E-45")]
    public void A_float_has_Javas_text(float value, string text) => Assert.Equal(text, Values.ToText(value));

    [Theory]
    [InlineData(0, "Thu Jan 01 00:00:00 UTC 1970")]
    [InlineData(1_700_000_000_123, "Tue Nov 14 22:13:20 UTC 2023")]
    [InlineData(-12_219_292_800_000, "Fri Oct 15 00:00:00 UTC 1582")]
    [InlineData(-12_219_292_800_001, "Thu Oct 04 23:59:59 UTC 1582")]
    [InlineData(-62_135_769_600_000, "Sat Jan 01 00:00:00 UTC 1")]
    [InlineData(long.MaxValue, "Sun Aug 17 07:12:55 UTC 292278994")]
    [InlineData(long.MinValue, "Sun Dec 02 16:47:04 UTC 292269055")]
    public void A_date_has_Javas_text_in_the_calendar_of_its_time(long milliseconds, string text) => Assert.Equal(text, Values.ToText(new Instant(milliseconds)));

    [Theory]
    [InlineData("1.50", 150, 2)]
    [InlineData("-1E+3", -1, -3)]
    [InlineData("0E-10", 0, 10)]
    [InlineData("1.5E-9", 15, 10)]
    [InlineData("123", 123, 0)]
    [InlineData("0.000001", 1, 6)]
    public void A_decimal_number_keeps_its_scale_in_its_text_and_back(string text, int unscaled, int scale)
    {
        Assert.Equal(text, new BigDecimal(unscaled, scale).ToString());
        Assert.True(BigDecimal.TryParse(text, out var read));
        Assert.Equal(new BigDecimal(unscaled, scale), read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("1e")]
    [InlineData(" 1")]
    [InlineData("1.2.3")]
    [InlineData("1e99999999999")]
    [InlineData("1e-2147483648")]
    public void What_is_no_decimal_number_is_not_read_as_one(string text) => Assert.False(BigDecimal.TryParse(text, out _));

    [Fact]
    public void A_decimal_number_with_an_endless_exponent_is_never_written_out()
    {
        var huge = new BigDecimal(BigInteger.One, int.MinValue);

        Assert.Equal(0L, Values.ConvertToLong(null, huge));
        Assert.Equal(double.PositiveInfinity, Values.ConvertToDouble(null, huge));
        Assert.Equal(0L, Values.ConvertToLong(null, new BigDecimal(BigInteger.One, int.MaxValue)));
    }

    [Fact]
    public void Lists_nested_deeper_than_a_stack_is_are_text()
    {
        var text = new string('[', 100_000) + new string(']', 100_000);

        Assert.Equal(new SchemaAndValue(Schema.String, text), Values.ParseString(text));
    }

    [Fact]
    public void Maps_lists_and_structs_have_both_texts()
    {
        var schema = SchemaBuilder.Struct().Field("id", Schema.Int32).Field("at", Schema.OptionalString).Build();
        var value = new Dictionary<string, object?> { ["a"] = new List<object?> { 1, "x\"", null, new Struct(schema).Put("id", 1) }, ["b"] = new byte[] { 1 } };

        Assert.Equal("{a=[1, x\", null, Struct{id=1}], b=AQ==}", Values.ToText(value));
        Assert.Equal("""{"a":[1,"x\"",null,{"id":1,"at":null}],"b":"AQ=="}""", Values.ConvertToString(null, value));
    }
}
