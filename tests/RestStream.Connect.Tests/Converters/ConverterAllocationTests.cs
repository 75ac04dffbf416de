using System.Buffers;
using RestStream.Connect.Converters;
using RestStream.Connect.Data;

namespace RestStream.Connect.Tests.Converters;

/// <summary>What a record costs in the default converter besides the values that it makes. On this thread only, so other tests do not disturb.</summary>
public class ConverterAllocationTests
{
    private const int Records = 1000;

    private static readonly Schema s_schema = SchemaBuilder.Struct().Named("order")
        .Field("id", Schema.Int64).Field("user", Schema.String).Field("amount", Schema.Float64).Field("note", Schema.OptionalString).Field("at", Schema.Timestamp).Build();

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public void Writing_a_struct_allocates_nothing(string schemasEnable)
    {
        var converter = Json(schemasEnable);
        var order = new Struct(s_schema).Put("id", 1L).Put("user", "alice \"é\"").Put("amount", 19.99).Put("at", new Instant(1_700_000_000_123));

        Assert.Equal(0, AllocatedPerRecord(output => converter.Write("t", s_schema, order, output)));
    }

    [Fact]
    public void Writing_a_map_allocates_nothing()
    {
        var converter = Json("false");
        var order = new Dictionary<string, object?> { ["id"] = 1L, ["user"] = "alice", ["amount"] = 19.99, ["lines"] = new List<object?> { "a", 5L, null, true } };

        Assert.Equal(0, AllocatedPerRecord(output => converter.Write("t", null, order, output)));
    }

    [Fact]
    public void Reading_a_map_allocates_no_more_than_the_map_itself()
    {
        var converter = Json("false");
        var json = """{"id":1,"user":"alice","amount":19.99,"active":true}"""u8.ToArray();
        object? kept = null;

        var reading = AllocatedPerRecord(_ => kept = converter.Read("t", json, isNull: false).Value);
        var making = AllocatedPerRecord(_ =>
        {
            var map = new Dictionary<string, object?>();
            foreach (var name in (string[])["id", "user", "amount", "active"])
                map[name] = name switch { "id" => 1L, "user" => new string('a', 5), "amount" => 19.99, _ => null };
            kept = map;
        });

        Assert.NotNull(kept);
        Assert.True(reading <= making, $"reading: {reading} bytes a record, the same map by hand: {making}");
    }

    [Fact]
    public void Reading_envelopes_reads_their_schema_once()
    {
        var converter = Json("true");
        var output = new ArrayBufferWriter<byte>();
        converter.Write("t", s_schema, new Struct(s_schema).Put("id", 1L).Put("user", "alice").Put("amount", 19.99).Put("at", new Instant(5)), output);
        var json = output.WrittenSpan.ToArray();

        var first = converter.Read("t", json, isNull: false);
        var second = converter.Read("t", json, isNull: false);

        Assert.Same(first.Schema, second.Schema);
        Assert.Equal(first.Value, second.Value);
    }

    private static JsonConverter Json(string schemasEnable)
    {
        var converter = new JsonConverter();
        converter.Configure(converter.Config.Parse(new Dictionary<string, string?> { ["schemas.enable"] = schemasEnable, [ConverterConfig.Type] = ConverterConfig.Value }), isKey: false);
        return converter;
    }

    private static long AllocatedPerRecord(Action<ArrayBufferWriter<byte>> convert)
    {
        var output = new ArrayBufferWriter<byte>(4096);
        for (var i = 0; i < 10; i++)
            convert(output);
        output.ResetWrittenCount();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Records; i++)
        {
            output.ResetWrittenCount();
            convert(output);
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / Records;
    }
}
