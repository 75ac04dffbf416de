using RestStream.Connect.Plugins;
using RestStream.Connect.Tests.Golden;
using RestStream.Connect.Transforms;

namespace RestStream.Connect.Tests.Transforms;

public class GoldenTransformTests
{
    public static TheoryData<string> Transforms => GoldenFile.Open("transforms.json").Ids();

    public static TheoryData<string> Predicates => GoldenFile.Open("predicates.json").Ids();

    [Theory]
    [MemberData(nameof(Transforms))]
    public void A_transform_makes_of_a_record_what_Kafkas_makes_of_it(string id)
    {
        var golden = GoldenFile.Open("transforms.json")[id];

        var (at, error, output) = Run(() =>
        {
            var transform = Configured(golden);
            return transform.Apply;
        }, golden);

        Assert.Null(golden.Error is { } expected ? expected.Difference(error, at) : error?.ToString() ?? GoldenDiff.Records(golden.Record("output"), output));
    }

    [Theory]
    [MemberData(nameof(Predicates))]
    public void A_predicate_decides_as_Kafkas_does(string id)
    {
        var golden = GoldenFile.Open("predicates.json")[id];
        var result = false;

        var (at, error, output) = Run(() =>
        {
            var predicate = Built.New<Predicate>(golden.Text("predicate"));
            predicate.Configure(predicate.Config.Parse(golden.Config("predicateConfig")));
            if (golden.Has("transform"))
                return new TransformStep("a", new PluginDescription(golden.Text("transform"), PluginKind.Transformation, null, []), Configured(golden), null, predicate, golden.Json.GetProperty("negate").GetBoolean()).Apply;
            return record =>
            {
                result = predicate.Test(record);
                return null;
            };
        }, golden);

        if (golden.Error is { } expected)
            Assert.Null(expected.Difference(error, at));
        else if (golden.Has("result"))
            Assert.Equal((null, golden.Json.GetProperty("result").GetBoolean()), (error, result));
        else
            Assert.Null(error?.ToString() ?? GoldenDiff.Records(golden.Record("output"), output));
    }

    [Fact]
    public void Every_transform_and_predicate_of_Kafka_is_there() => Assert.Equal(
        GoldenFile.Open("transforms.json").Cases.Select(c => c.Text("transform")).Concat(GoldenFile.Open("predicates.json").Cases.Select(c => c.Text("predicate"))).Distinct().Order(StringComparer.Ordinal),
        Built.Names.Order(StringComparer.Ordinal));

    private static Transform Configured(GoldenCase golden)
    {
        var transform = Built.New<Transform>(golden.Text("transform"));
        transform.Configure(transform.Config.Parse(golden.Config()));
        return transform;
    }

    /// <summary>Where it failed, how, and else what came out.</summary>
    private static (string? At, Exception? Error, ConnectRecord? Output) Run(Func<Func<ConnectRecord, ConnectRecord?>> configure, GoldenCase golden)
    {
        Func<ConnectRecord, ConnectRecord?> apply;
        try
        {
            apply = configure();
        }
        catch (Exception e)
        {
            return ("configure", e, null);
        }

        try
        {
            return (null, null, apply(golden.Record("input")!));
        }
        catch (Exception e)
        {
            return ("apply", e, null);
        }
    }
}
