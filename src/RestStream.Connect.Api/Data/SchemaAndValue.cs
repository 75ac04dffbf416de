namespace RestStream.Connect.Data;

/// <summary>A value and what it is; without a schema a graph of <c>Dictionary</c>, <c>List</c>, numbers, text, booleans and bytes.</summary>
public readonly record struct SchemaAndValue(Schema? Schema, object? Value)
{
    /// <summary>Null without a schema.</summary>
    public static SchemaAndValue Null => default;
}
