using RestStream.Connect.Config;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Transforms;

/// <summary>Drops every record it sees; a predicate says which ones it sees.</summary>
[Plugin("org.apache.kafka.connect.transforms.Filter")]
internal sealed class Filter : Transform
{
    public override ConfigDef Config { get; } = new();

    public override void Configure(ConfigValues config)
    {
    }

    public override ConnectRecord? Apply(ConnectRecord record) => null;
}
