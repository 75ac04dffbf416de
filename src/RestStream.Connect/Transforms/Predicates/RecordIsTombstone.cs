using RestStream.Connect.Config;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Transforms.Predicates;

/// <summary>True for records whose value is null.</summary>
[Plugin("org.apache.kafka.connect.transforms.predicates.RecordIsTombstone")]
internal sealed class RecordIsTombstone : Predicate
{
    public override ConfigDef Config { get; } = new();

    public override void Configure(ConfigValues config)
    {
    }

    public override bool Test(ConnectRecord record) => record.Value is null;
}
