using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>What transforms do with schemas again and again.</summary>
internal static class Schemas
{
    /// <summary>A builder with name, version, documentation and parameters of a schema; neither its fields nor whether it is optional, nor its default.</summary>
    public static SchemaBuilder CopyBasics(Schema source, SchemaBuilder builder)
    {
        if (source.Name is not null)
            builder.Named(source.Name);
        if (source.Version is { } version)
            builder.WithVersion(version);
        if (source.Doc is not null)
            builder.WithDoc(source.Doc);
        return builder.WithParameters(source.Parameters);
    }

    /// <summary>The schema, optional where it shall be, with a default where there is one.</summary>
    public static Schema Finish(this SchemaBuilder builder, bool optional, object? defaultValue)
    {
        if (optional)
            builder.Optional();
        return (defaultValue is null ? builder : builder.WithDefault(defaultValue)).Build();
    }

    /// <summary>The value of a field as a transform with <c>replace.null.with.default</c> sees it.</summary>
    public static object? Get(this Struct value, Field field, bool replaceNull) => replaceNull ? value[field] : value.GetWithoutDefault(field.Name);
}
