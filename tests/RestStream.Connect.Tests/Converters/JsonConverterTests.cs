using System.Buffers;
using System.Text;
using RestStream.Connect.Converters;
using RestStream.Connect.Data;

namespace RestStream.Connect.Tests.Converters;

/// <summary>What the golden cases do not show.</summary>
public class JsonConverterTests
{
    [Fact]
    public void A_value_that_cannot_be_written_leaves_nothing_behind()
    {
        var converter = Create();
        var output = new ArrayBufferWriter<byte>();

        Assert.Throws<DataException>(() => converter.Write("t", null, new List<object?> { 1L, Guid.Empty }, output));
        Assert.Equal(0, output.WrittenCount);

        Assert.True(converter.Write("t", null, 5L, output));
        Assert.Equal("5", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void A_list_that_holds_itself_is_refused()
    {
        var list = new List<object?>();
        list.Add(list);

        Assert.Contains("1000 levels", Assert.Throws<DataException>(() => Create().Write("t", null, list, new ArrayBufferWriter<byte>())).Message);
    }

    [Theory]
    [InlineData(1000, true)]
    [InlineData(1001, false)]
    [InlineData(100_000, false)]
    public void JSON_may_be_nested_a_thousand_levels_deep(int depth, bool isRead)
    {
        var json = Encoding.UTF8.GetBytes(new string('[', depth) + new string(']', depth));

        if (isRead)
            Assert.IsType<List<object?>>(Create().Read("t", json, isNull: false).Value);
        else
            Assert.Throws<DataException>(() => Create().Read("t", json, isNull: false));
    }

    [Fact]
    public void Half_a_pair_of_surrogates_is_read_and_written_as_an_escape()
    {
        var read = Create().Read("t", "\"a\\ud83d\\n\\\"\""u8, isNull: false);
        Assert.Equal("a\ud83d\n\"", read.Value);

        var output = new ArrayBufferWriter<byte>();
        Create().Write("t", null, read.Value, output);
        Assert.Equal("\"a\\uD83D\\n\\\"\"", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void The_key_null_of_a_map_is_read_and_written()
    {
        const string envelope = """{"schema":{"type":"map","keys":{"type":"int32","optional":true},"values":{"type":"int32","optional":false},"optional":false},"payload":[[1,2],[null,3]]}""";
        var converter = Create(("schemas.enable", "true"));
        var read = converter.Read("t", Encoding.UTF8.GetBytes(envelope), isNull: false);
        Assert.Equal(3, ((System.Collections.IDictionary)read.Value!)[NullKey.Instance]);

        var output = new ArrayBufferWriter<byte>();
        converter.Write("t", read.Schema, read.Value, output);
        Assert.Equal(envelope, Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void A_number_with_an_endless_exponent_is_read_without_its_digits()
    {
        Assert.Equal(double.PositiveInfinity, Create().Read("t", "1e999999999999"u8, isNull: false).Value);
        var withSchemas = Create(("schemas.enable", "true"));

        Assert.Equal(0L, withSchemas.Read("t", """{"schema":{"type":"int64"},"payload":1e2147483648}"""u8, isNull: false).Value);
        Assert.Throws<DataException>(() => withSchemas.Read("t", """{"schema":{"type":"int64"},"payload":1e999999999999}"""u8, isNull: false));
    }

    [Theory]
    [InlineData("[007,-00,0.50,1e007,\"007\\\"00\"]", "[7,0,0.5,1.0E7,\"007\\\"00\"]")]
    [InlineData("-0.0", "0.0")]
    public void Leading_zeros_and_minus_zero_are_read_as_Kafka_reads_them(string json, string rewritten)
    {
        var read = Create().Read("t", Encoding.UTF8.GetBytes(json), isNull: false);
        var output = new ArrayBufferWriter<byte>();
        Create().Write("t", null, read.Value, output);

        Assert.Equal(rewritten, Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("AQI=", "0102")]
    [InlineData("AQJ=", "0102")]
    [InlineData(" AQID \\nBA== ", "01020304")]
    [InlineData("A QI=", null)]
    [InlineData("AQI", null)]
    [InlineData("AQ=A", null)]
    [InlineData("-_8=", null)]
    public void Bytes_are_read_from_Base64_as_strictly_as_by_Kafka(string base64, string? hex)
    {
        var json = Encoding.UTF8.GetBytes($$"""{"schema":{"type":"bytes"},"payload":"{{base64}}"}""");
        var converter = Create(("schemas.enable", "true"));

        if (hex is null)
            Assert.Equal("Invalid bytes field", Assert.Throws<DataException>(() => converter.Read("t", json, isNull: false)).Message);
        else
            Assert.Equal(hex, Convert.ToHexString((byte[])converter.Read("t", json, isNull: false).Value!));
    }

    [Fact]
    public void The_payload_may_stand_before_its_schema()
    {
        var read = Create(("schemas.enable", "true")).Read("t", """{"payload":{"b":"x","a":1},"schema":{"type":"struct","fields":[{"field":"a","type":"int8"},{"field":"b","type":"string"}]}}"""u8, isNull: false);

        Assert.Equal((sbyte)1, ((Struct)read.Value!)["a"]);
        Assert.Equal("x", ((Struct)read.Value!)["b"]);
    }

    [Theory]
    [InlineData(""","payload":{"a":2}}""", true)]
    [InlineData(""","payload":{"a":2} } {}""", true)]
    [InlineData(""" , "payload" : {"a":2}}""", true)]
    [InlineData(""","payload":{"a":2},"x":{}}""", false)]
    [InlineData(""","payload":{"a":2}""", false)]
    [InlineData(""","payload":{"a":2}]""", false)]
    [InlineData(""","payload":[]}""", false)]
    [InlineData(""","payload":}""", false)]
    public void An_envelope_with_the_schema_of_the_one_before_is_read_as_strictly_as_the_first(string rest, bool isRead)
    {
        const string Schema = """{"schema":{"type":"struct","fields":[{"field":"a","type":"int8"}]}""";
        var fresh = Create(("schemas.enable", "true"));
        var used = Create(("schemas.enable", "true"));
        used.Read("t", Encoding.UTF8.GetBytes(Schema + ",\"payload\":{\"a\":1}}"), isNull: false);
        var json = Encoding.UTF8.GetBytes(Schema + rest);

        SchemaAndValue first = default, next = default;
        var firstError = Record.Exception(() => first = fresh.Read("t", json, isNull: false));
        var nextError = Record.Exception(() => next = used.Read("t", json, isNull: false));

        Assert.Equal(isRead, firstError is null);
        Assert.Equal(firstError?.Message, nextError?.Message);
        Assert.Equal(first, next);
    }

    [Fact]
    public void More_schemas_than_the_cache_holds_are_read_and_written_all_the_same()
    {
        var converter = Create(("schemas.enable", "true"), ("schemas.cache.size", "2"));
        for (var round = 0; round < 2; round++)
        {
            for (var version = 1; version <= 5; version++)
            {
                var schema = new SchemaBuilder(SchemaType.Int32).WithVersion(version).Build();
                var output = new ArrayBufferWriter<byte>();
                converter.Write("t", schema, version, output);

                Assert.Equal(new SchemaAndValue(schema, version), converter.Read("t", output.WrittenSpan, isNull: false));
            }
        }
    }

    private static JsonConverter Create(params (string Name, string Value)[] settings)
    {
        var config = new Dictionary<string, string?> { ["schemas.enable"] = "false", [ConverterConfig.Type] = ConverterConfig.Value };
        foreach (var (name, value) in settings)
            config[name] = value;
        var converter = new JsonConverter();
        converter.Configure(converter.Config.Parse(config), isKey: false);
        return converter;
    }
}
