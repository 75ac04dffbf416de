using RestStream.Connect.Config;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Transforms.Predicates;

/// <summary>True for records with at least one header of that name.</summary>
[Plugin("org.apache.kafka.connect.transforms.predicates.HasHeaderKey")]
internal sealed class HasHeaderKey : Predicate
{
    private string _name = "";

    public override ConfigDef Config { get; } = new ConfigDef()
        .Require("name", ConfigType.String, "Name of the header.", ConfigValidator.NonEmpty(), Importance.Medium);

    public override void Configure(ConfigValues config) => _name = config.GetString("name");

    public override bool Test(ConnectRecord record)
    {
        for (var i = 0; i < record.Headers.Count; i++)
        {
            if (record.Headers[i].Key == _name)
                return true;
        }
        return false;
    }
}
