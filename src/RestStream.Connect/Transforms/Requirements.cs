using System.Collections;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>What transforms demand of values; the messages are Kafka's, with the names of Connect's types where it names Java's classes.</summary>
internal static class Requirements
{
    public static IDictionary Map(object? value, string purpose) =>
        value as IDictionary ?? throw new DataException($"Only Map objects supported in absence of schema for [{purpose}], found: {TypeName(value)}");

    public static IDictionary? MapOrNull(object? value, string purpose) => value is null ? null : Map(value, purpose);

    public static Struct Struct(object? value, string purpose) =>
        value as Struct ?? throw new DataException($"Only Struct objects supported for [{purpose}], found: {TypeName(value)}");

    public static Struct? StructOrNull(object? value, string purpose) => value is null ? null : Struct(value, purpose);

    public static SinkRecord SinkRecord(ConnectRecord record, string purpose) =>
        record as SinkRecord ?? throw new DataException($"Only SinkRecord supported for [{purpose}], found: {TypeName(record)}");

    public static Schema Schema(Schema? schema, string purpose) => schema ?? throw new DataException($"Schema required for [{purpose}]");

    public static string TypeName(object? value) => SchemaCheck.TypeName(value);
}
