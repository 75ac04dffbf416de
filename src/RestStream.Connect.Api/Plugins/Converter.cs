using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Plugins;

/// <summary>
/// Between the bytes of keys and values in topics and the data model. Has a public constructor without parameters. One instance per task and per key or value; never called by two threads at once.
/// </summary>
public abstract class Converter : IDisposable
{
    /// <summary>What may be configured (under <c>key.converter.</c> or <c>value.converter.</c>).</summary>
    public abstract ConfigDef Config { get; }

    /// <summary>Called once, first.</summary>
    /// <param name="config">What is configured.</param>
    /// <param name="isKey">Whether it converts keys.</param>
    public abstract void Configure(ConfigValues config, bool isKey);

    /// <summary>Appends the bytes of a value; answers false for a null (a tombstone).</summary>
    /// <exception cref="ConnectException">The value has no form in this format.</exception>
    public abstract bool Write(string topic, Schema? schema, object? value, System.Buffers.IBufferWriter<byte> output);

    /// <summary>Reads a value.</summary>
    /// <param name="topic">Where it comes from.</param>
    /// <param name="bytes">The bytes; they are not kept.</param>
    /// <param name="isNull">There are no bytes: a null key or a tombstone.</param>
    /// <exception cref="ConnectException">The bytes are not of this format.</exception>
    public abstract SchemaAndValue Read(string topic, ReadOnlySpan<byte> bytes, bool isNull);

    /// <summary>Releases what it holds.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>Between the bytes of headers and the data model. As <see cref="Converter"/> otherwise; a class may be both, listed twice.</summary>
public abstract class HeaderConverter : IDisposable
{
    /// <summary>What may be configured (under <c>header.converter.</c>).</summary>
    public abstract ConfigDef Config { get; }

    /// <summary>Called once, first.</summary>
    public abstract void Configure(ConfigValues config);

    /// <summary>Appends the bytes of a header; answers false for a null.</summary>
    public abstract bool Write(string topic, string header, Schema? schema, object? value, System.Buffers.IBufferWriter<byte> output);

    /// <summary>Reads a header.</summary>
    public abstract SchemaAndValue Read(string topic, string header, ReadOnlySpan<byte> bytes, bool isNull);

    /// <summary>Releases what it holds.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}
