using RestStream.Connect.Config;
using RestStream.Connect.Plugins;
using RestStream.Connect.Transforms;

namespace RestStream.Connect.Tests.Tasks;

/// <summary>Refuses values that begin with "poison".</summary>
internal sealed class PoisonTransform : Transform
{
    public static IReadOnlyList<TransformStep> Alone => [new TransformStep("poison", new PluginDescription("PoisonTransform", PluginKind.Transformation, null, []), new PoisonTransform(), null, null, negate: false)];

    public override ConfigDef Config => new();

    public override void Configure(ConfigValues config)
    {
    }

    public override ConnectRecord? Apply(ConnectRecord record) =>
        record.Value is string text && text.StartsWith("poison", StringComparison.Ordinal) ? throw new ConnectException("indigestible") : record;
}
