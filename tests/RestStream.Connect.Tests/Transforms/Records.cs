using RestStream.Connect.Data;

namespace RestStream.Connect.Tests.Transforms;

/// <summary>Records for transforms.</summary>
internal static class Records
{
    public static SourceRecord Source(string topic, object? value = null, Schema? schema = null) => new()
    {
        Topic = topic,
        ValueSchema = schema,
        Value = value,
        Timestamp = 1_700_000_000_123,
        SourcePartition = new Dictionary<string, object?>(),
        SourceOffset = new Dictionary<string, object?>(),
    };

    /// <summary>A map of six fields, as a converter makes it of JSON.</summary>
    public static SourceRecord Map() => Source("shop.orders", new Dictionary<string, object?>
    {
        ["id"] = 17L,
        ["customer"] = "c-1",
        ["amount"] = 9.5,
        ["paid"] = true,
        ["note"] = null,
        ["city"] = "Bern",
    });

    /// <summary>The same as a struct.</summary>
    public static SourceRecord Struct()
    {
        var schema = SchemaBuilder.Struct().Named("Order").Field("id", Schema.Int64).Field("customer", Schema.String).Field("amount", Schema.Float64)
            .Field("paid", Schema.Boolean).Field("note", Schema.OptionalString).Field("city", Schema.String).Build();
        return Source("shop.orders", new Struct(schema).Put("id", 17L).Put("customer", "c-1").Put("amount", 9.5).Put("paid", true).Put("city", "Bern"), schema);
    }
}
