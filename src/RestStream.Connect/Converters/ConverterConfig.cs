using RestStream.Connect.Config;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Converters;

/// <summary>What every converter is configured with (Kafka's ConverterConfig).</summary>
internal static class ConverterConfig
{
    /// <summary>What a converter is used for; never configured by hand: <see cref="ConverterSet"/> sets it.</summary>
    public const string Type = "converter.type";

    public const string Key = "key";
    public const string Value = "value";
    public const string Header = "header";

    /// <summary>The settings of a converter without any of its own.</summary>
    public static ConfigDef Define() =>
        new ConfigDef().Require(Type, ConfigType.String, "How this converter will be used.", ConfigValidator.In(Key, Value, Header), Importance.Low);
}

/// <summary>A converter that nothing can be configured of.</summary>
internal abstract class PlainConverter : Converter
{
    public sealed override ConfigDef Config { get; } = ConverterConfig.Define();

    public sealed override void Configure(ConfigValues config, bool isKey)
    {
    }
}
