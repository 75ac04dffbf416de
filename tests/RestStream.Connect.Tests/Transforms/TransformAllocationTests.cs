using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Connect.Plugins;
using RestStream.Connect.Transforms;

namespace RestStream.Connect.Tests.Transforms;

public class TransformAllocationTests
{
    /// <summary>Three copies of the record and two of its value, made of six fields: 1008 and 680 bytes were measured. A schema, a regular expression's match or a list per record would be seen.</summary>
    [Theory]
    [InlineData(false, 1_100)]
    [InlineData(true, 800)]
    public void A_chain_of_three_allocates_copies_of_the_record_and_nothing_else(bool withSchema, long mostBytes)
    {
        using var chain = TransformChain.Create(PluginCatalog.Open([], NullLogger.Instance), new Dictionary<string, string>
        {
            ["transforms"] = "add,drop,route",
            ["transforms.add.type"] = "org.apache.kafka.connect.transforms.InsertField$Value",
            ["transforms.add.static.field"] = "source",
            ["transforms.add.static.value"] = "shop",
            ["transforms.drop.type"] = "org.apache.kafka.connect.transforms.ReplaceField$Value",
            ["transforms.drop.exclude"] = "note",
            ["transforms.route.type"] = "RegexRouter",
            ["transforms.route.regex"] = "shop\\.(.*)",
            ["transforms.route.replacement"] = "$1",
        });
        var record = withSchema ? Records.Struct() : Records.Map();
        Assert.Equal("orders", chain.Apply(record)!.Topic);

        // The least of some runs: the runtime may allocate for itself in one of them.
        var bytes = Enumerable.Range(0, 5).Min(_ => Allocated(1_000)) / 1_000;

        Assert.InRange(bytes, 1, mostBytes);

        long Allocated(int records)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < records; i++)
                chain.Apply(record);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
}
