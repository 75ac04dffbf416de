using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Connect;
using RestStream.Connect.Data;
using RestStream.Connect.Plugins;
using RestStream.Connect.Transforms;

namespace RestStream.Benchmarks.Engine;

/// <summary>A record of six fields through a chain as connectors have it: a field added, one dropped, the topic renamed. One operation is one record; at most 2 µs are wanted.</summary>
[Config(typeof(EngineConfig))]
public class Transforms
{
    private TransformChain _chain = null!;
    private ConnectRecord _map = null!;
    private ConnectRecord _struct = null!;

    [GlobalSetup]
    public void Open()
    {
        _chain = TransformChain.Create(PluginCatalog.Open([], NullLogger.Instance), new Dictionary<string, string>
        {
            ["transforms"] = "add,drop,route",
            ["transforms.add.type"] = "org.apache.kafka.connect.transforms.InsertField$Value",
            ["transforms.add.static.field"] = "source",
            ["transforms.add.static.value"] = "shop",
            ["transforms.drop.type"] = "org.apache.kafka.connect.transforms.ReplaceField$Value",
            ["transforms.drop.exclude"] = "note",
            ["transforms.route.type"] = "org.apache.kafka.connect.transforms.RegexRouter",
            ["transforms.route.regex"] = "shop\\.(.*)",
            ["transforms.route.replacement"] = "$1",
        });
        _map = Record(null, new Dictionary<string, object?> { ["id"] = 17L, ["customer"] = "c-1", ["amount"] = 9.5, ["paid"] = true, ["note"] = null, ["city"] = "Bern" });
        var schema = SchemaBuilder.Struct().Named("Order").Field("id", Schema.Int64).Field("customer", Schema.String).Field("amount", Schema.Float64)
            .Field("paid", Schema.Boolean).Field("note", Schema.OptionalString).Field("city", Schema.String).Build();
        _struct = Record(schema, new Struct(schema).Put("id", 17L).Put("customer", "c-1").Put("amount", 9.5).Put("paid", true).Put("city", "Bern"));
    }

    [GlobalCleanup]
    public void Close() => _chain.Dispose();

    [Benchmark]
    public ConnectRecord? MapThroughThree() => _chain.Apply(_map);

    [Benchmark]
    public ConnectRecord? StructThroughThree() => _chain.Apply(_struct);

    private static SinkRecord Record(Schema? schema, object value) =>
        new() { Topic = "shop.orders", Partition = 0, Timestamp = 1_700_000_000_123, ValueSchema = schema, Value = value, Offset = 1, OriginalTopic = "shop.orders", OriginalPartition = 0 };
}
