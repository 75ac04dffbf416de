using System.Buffers;
using RestStream.Connect.Config;
using RestStream.Connect.Data;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Converters;

/// <summary>Text as its bytes; other values as their text (Java's <c>toString</c>, <see cref="Values.ToText"/>). Reads any bytes: what is no text of the encoding becomes U+FFFD.</summary>
[Plugin("org.apache.kafka.connect.storage.StringConverter")]
internal sealed class StringConverter : Converter
{
    private const string EncodingKey = "converter.encoding";

    private JavaEncoding _encoding = JavaEncoding.Utf8;

    public override ConfigDef Config { get; } = ConverterConfig.Define()
        .Optional(EncodingKey, ConfigType.String, "UTF-8", "The name of the Java character set to use for encoding strings as byte arrays.", importance: Importance.High);

    public override void Configure(ConfigValues config, bool isKey) => _encoding = JavaEncoding.Find(config.FindString(EncodingKey) ?? "UTF-8");

    public override bool Write(string topic, Schema? schema, object? value, IBufferWriter<byte> output)
    {
        if (value is null)
            return false;
        _encoding.Write(Values.ToText(value), output);
        return true;
    }

    public override SchemaAndValue Read(string topic, ReadOnlySpan<byte> bytes, bool isNull) =>
        new(Schema.OptionalString, isNull ? null : _encoding.Read(bytes));
}
