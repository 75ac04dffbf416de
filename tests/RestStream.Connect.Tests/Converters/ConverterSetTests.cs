using System.Buffers;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Connect.Config;
using RestStream.Connect.Converters;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Tests.Converters;

public class ConverterSetTests
{
    private static readonly PluginCatalog s_plugins = PluginCatalog.Open([], NullLogger.Instance);

    [Fact]
    public void A_connector_that_names_no_converter_gets_plain_JSON()
    {
        using var converters = Create([]);

        Assert.Equal("""{"a":1}""", Text(converters.Key, new Dictionary<string, object?> { ["a"] = 1L }));
        Assert.Equal("""{"a":1}""", Text(converters.Value, new Dictionary<string, object?> { ["a"] = 1L }));
        Assert.IsType<SimpleHeaderConverter>(converters.Headers);
    }

    [Fact]
    public void A_connector_that_names_a_converter_gets_that_ones_own_defaults()
    {
        using var converters = Create(new() { ["value.converter"] = "org.apache.kafka.connect.json.JsonConverter" });

        Assert.Equal("""{"schema":null,"payload":5}""", Text(converters.Value, 5L));
        Assert.Equal("5", Text(converters.Key, 5L));
    }

    [Fact]
    public void Settings_count_for_the_converter_that_the_connector_names_and_for_no_other()
    {
        using var converters = Create(new()
        {
            ["key.converter"] = "JsonConverter",
            ["key.converter.schemas.enable"] = "false",
            ["value.converter.schemas.enable"] = "true",
            ["header.converter"] = "org.apache.kafka.connect.json.JsonConverter",
            ["header.converter.schemas.enable"] = "false",
        });

        Assert.Equal("5", Text(converters.Key, 5L));
        Assert.Equal("5", Text(converters.Value, 5L));
        var header = new ArrayBufferWriter<byte>();
        Assert.True(converters.Headers.Write("t", "h", null, 5L, header));
        Assert.Equal("5", Encoding.UTF8.GetString(header.WrittenSpan));
    }

    [Fact]
    public void A_version_of_a_plugin_may_be_asked_for()
    {
        using var converters = Create(new() { ["value.converter"] = "StringConverter", ["value.converter.plugin.version"] = "[4.0,)" });
        Assert.IsType<StringConverter>(converters.Value);

        Assert.Throws<ConfigException>(() => Create(new() { ["value.converter"] = "StringConverter", ["value.converter.plugin.version"] = "[99.0,)" }));
    }

    [Fact]
    public void An_unknown_converter_is_refused_by_its_key()
    {
        var refused = Assert.Throws<ConfigException>(() => Create(new() { ["value.converter"] = "io.confluent.connect.avro.AvroConverter" }));

        Assert.StartsWith("Invalid value io.confluent.connect.avro.AvroConverter for configuration value.converter: ", refused.Message);
    }

    [Fact]
    public void A_wrong_setting_is_refused_by_its_key()
    {
        var refused = Assert.Throws<ConfigException>(() => Create(new() { ["key.converter"] = "JsonConverter", ["key.converter.schemas.enable"] = "maybe" }));

        Assert.Equal("key.converter: Invalid value maybe for configuration schemas.enable: Expected value to be either true or false", refused.Message);
    }

    private static ConverterSet Create(Dictionary<string, string> config) => ConverterSet.Create(s_plugins, new ConnectOptions(), config);

    private static string Text(Converter converter, object value)
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.True(converter.Write("t", null, value, output));
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
