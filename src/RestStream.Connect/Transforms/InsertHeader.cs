using RestStream.Connect.Config;
using RestStream.Connect.Data;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Transforms;

/// <summary>
/// Adds a header with a fixed value behind those that are there. The value is read as header converters read text: <c>1</c> is an int8, <c>true</c> a boolean, <c>2023-11-14</c> a date.
/// </summary>
[Plugin("org.apache.kafka.connect.transforms.InsertHeader")]
internal sealed class InsertHeader : Transform
{
    private Header _header = null!;

    public override ConfigDef Config { get; } = new ConfigDef()
        .Require("header", ConfigType.String, "Name of the header.", ConfigValidator.NonNull())
        .Require("value.literal", ConfigType.String, "Its value. What it is (number, text, ..) is told by its form.", ConfigValidator.NonNull());

    public override void Configure(ConfigValues config)
    {
        var (schema, value) = Values.ParseString(config.GetString("value.literal"));
        _header = new Header(config.GetString("header"), schema, value);
    }

    public override ConnectRecord Apply(ConnectRecord record) => record with { Headers = [.. record.Headers, _header] };
}
