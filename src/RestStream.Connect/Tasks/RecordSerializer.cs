using System.Buffers;
using System.Text;
using RestStream.Connect.Converters;
using RestStream.Connect.Errors;
using RestStream.Connect.Transforms;
using RestStream.Storage.Records;

namespace RestStream.Connect.Tasks;

/// <summary>
/// A record through the transforms and the converters, to bytes. The bytes of the last record stand in buffers that are used again; where it was when something threw is told by <see cref="Stage"/> and
/// <see cref="ClassName"/>. Not thread safe.
/// </summary>
internal sealed class RecordSerializer(ConverterSet converters, TransformChain transforms)
{
    private const int FirstCapacity = 1024;

    private readonly string _keyClass = ErrorTrace.PluginName(converters.Key.GetType());
    private readonly string _valueClass = ErrorTrace.PluginName(converters.Value.GetType());
    private readonly string _headerClass = ErrorTrace.PluginName(converters.Headers.GetType());
    private readonly ArrayBufferWriter<byte> _key = new(FirstCapacity);
    private readonly ArrayBufferWriter<byte> _value = new(FirstCapacity);
    private readonly ArrayBufferWriter<byte> _header = new(FirstCapacity);
    private byte[] _headers = new byte[FirstCapacity];
    private int _headersLength;

    /// <summary>Where the record is, by Kafka's name.</summary>
    public string Stage { get; private set; } = Errors.Stage.Transformation;

    /// <summary>The plugin at work there.</summary>
    public string? ClassName { get; private set; }

    public bool KeyIsNull { get; private set; }
    public ReadOnlySpan<byte> Key => _key.WrittenSpan;
    public bool ValueIsNull { get; private set; }
    public ReadOnlySpan<byte> Value => _value.WrittenSpan;
    public int HeaderCount { get; private set; }
    public ReadOnlySpan<byte> Headers => _headers.AsSpan(0, _headersLength);

    /// <summary>The record after all transforms; null when one dropped it.</summary>
    public ConnectRecord? Transform(ConnectRecord record)
    {
        Stage = Errors.Stage.Transformation;
        ConnectRecord? current = record;
        foreach (var step in transforms.Steps)
        {
            ClassName = step.ClassName;
            current = step.Apply(current);
            if (current is null)
                return null;
        }

        return current;
    }

    /// <summary>Headers, key and value to bytes, in Kafka's order.</summary>
    public void Serialize(ConnectRecord record)
    {
        (Stage, ClassName) = (Errors.Stage.HeaderConverter, _headerClass);
        (_headersLength, HeaderCount) = (0, 0);
        foreach (var header in record.Headers)
        {
            _header.ResetWrittenCount();
            var isNull = !converters.Headers.Write(record.Topic, header.Key, header.Schema, header.Value, _header);
            AppendHeader(header.Key, isNull, _header.WrittenSpan);
        }

        (Stage, ClassName) = (Errors.Stage.KeyConverter, _keyClass);
        _key.ResetWrittenCount();
        KeyIsNull = !converters.Key.Write(record.Topic, record.KeySchema, record.Key, _key);

        (Stage, ClassName) = (Errors.Stage.ValueConverter, _valueClass);
        _value.ResetWrittenCount();
        ValueIsNull = !converters.Value.Write(record.Topic, record.ValueSchema, record.Value, _value);
        (Stage, ClassName) = (Errors.Stage.KafkaProduce, null);
    }

    private void AppendHeader(string name, bool isNull, ReadOnlySpan<byte> value)
    {
        var keyBytes = Encoding.UTF8.GetByteCount(name);
        var needed = _headersLength + HeaderEncoder.MaxBytes(keyBytes, value.Length);
        if (needed > _headers.Length)
            Array.Resize(ref _headers, Math.Max(needed, _headers.Length * 2));
        var key = keyBytes <= 256 ? stackalloc byte[keyBytes] : new byte[keyBytes];
        Encoding.UTF8.GetBytes(name, key);
        _headersLength += HeaderEncoder.Write(_headers.AsSpan(_headersLength), key, isNull, value);
        HeaderCount++;
    }
}
