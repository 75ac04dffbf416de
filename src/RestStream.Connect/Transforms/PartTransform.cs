using RestStream.Connect.Data;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Transforms;

/// <summary>Where a transform works.</summary>
internal enum RecordPart
{
    Key,
    Value,
}

/// <summary>A transform that comes in two kinds, one for keys (<c>$Key</c>) and one for values (<c>$Value</c>).</summary>
internal abstract class PartTransform(RecordPart part) : Transform
{
    protected Schema? SchemaOf(ConnectRecord record) => part == RecordPart.Key ? record.KeySchema : record.ValueSchema;

    protected object? ValueOf(ConnectRecord record) => part == RecordPart.Key ? record.Key : record.Value;

    /// <summary>The record with another schema and value in this part.</summary>
    protected ConnectRecord With(ConnectRecord record, Schema? schema, object? value) =>
        part == RecordPart.Key ? record with { KeySchema = schema, Key = value } : record with { ValueSchema = schema, Value = value };
}
