using System.Buffers;
using RestStream.Connect.Config;
using RestStream.Connect.Data;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Converters;

/// <summary>Values of headers as text that says what they are (<see cref="Values.ConvertToString"/>), so that numbers, dates, lists and maps come back as such. Kafka's default.</summary>
[Plugin("org.apache.kafka.connect.storage.SimpleHeaderConverter")]
internal sealed class SimpleHeaderConverter : HeaderConverter
{
    public override ConfigDef Config { get; } = new();

    public override void Configure(ConfigValues config)
    {
    }

    public override bool Write(string topic, string header, Schema? schema, object? value, IBufferWriter<byte> output)
    {
        if (value is null)
            return false;
        JavaEncoding.Utf8.Write(Values.ConvertToString(schema, value)!, output);
        return true;
    }

    public override SchemaAndValue Read(string topic, string header, ReadOnlySpan<byte> bytes, bool isNull) =>
        isNull ? SchemaAndValue.Null : Values.ParseString(JavaEncoding.Utf8.Read(bytes));
}

/// <summary>A converter used for headers: in Kafka these classes are both.</summary>
internal abstract class ConvertedHeaders(Converter converter) : HeaderConverter
{
    public override ConfigDef Config => converter.Config;

    public override void Configure(ConfigValues config) => converter.Configure(config, isKey: false);

    public override bool Write(string topic, string header, Schema? schema, object? value, IBufferWriter<byte> output) => converter.Write(topic, schema, value, output);

    public override SchemaAndValue Read(string topic, string header, ReadOnlySpan<byte> bytes, bool isNull) => converter.Read(topic, bytes, isNull);

    public override void Dispose()
    {
        converter.Dispose();
        base.Dispose();
    }
}

[Plugin("org.apache.kafka.connect.json.JsonConverter")]
internal sealed class JsonHeaderConverter() : ConvertedHeaders(new JsonConverter());

[Plugin("org.apache.kafka.connect.storage.StringConverter")]
internal sealed class StringHeaderConverter() : ConvertedHeaders(new StringConverter());

[Plugin("org.apache.kafka.connect.converters.ByteArrayConverter")]
internal sealed class ByteArrayHeaderConverter() : ConvertedHeaders(new ByteArrayConverter());

[Plugin("org.apache.kafka.connect.converters.BooleanConverter")]
internal sealed class BooleanHeaderConverter() : ConvertedHeaders(new BooleanConverter());

[Plugin("org.apache.kafka.connect.converters.ShortConverter")]
internal sealed class ShortHeaderConverter() : ConvertedHeaders(new ShortConverter());

[Plugin("org.apache.kafka.connect.converters.IntegerConverter")]
internal sealed class IntegerHeaderConverter() : ConvertedHeaders(new IntegerConverter());

[Plugin("org.apache.kafka.connect.converters.LongConverter")]
internal sealed class LongHeaderConverter() : ConvertedHeaders(new LongConverter());

[Plugin("org.apache.kafka.connect.converters.FloatConverter")]
internal sealed class FloatHeaderConverter() : ConvertedHeaders(new FloatConverter());

[Plugin("org.apache.kafka.connect.converters.DoubleConverter")]
internal sealed class DoubleHeaderConverter() : ConvertedHeaders(new DoubleConverter());
