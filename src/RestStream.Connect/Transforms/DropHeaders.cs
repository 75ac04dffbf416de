using RestStream.Connect.Config;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Transforms;

/// <summary>Removes headers by name.</summary>
[Plugin("org.apache.kafka.connect.transforms.DropHeaders")]
internal sealed class DropHeaders : Transform
{
    private readonly HashSet<string> _names = [];

    public override ConfigDef Config { get; } = new ConfigDef()
        .Require("headers", ConfigType.List, "Names of the headers to remove.", ConfigValidator.ListOf(allowEmpty: false, allowNull: false));

    public override void Configure(ConfigValues config) => _names.UnionWith(config.GetList("headers"));

    public override ConnectRecord Apply(ConnectRecord record) =>
        record.Headers.Any(h => _names.Contains(h.Key)) ? record with { Headers = [.. record.Headers.Where(h => !_names.Contains(h.Key))] } : record;
}
