namespace RestStream.Connect.Data;

/// <summary>
/// Builds a <see cref="Schema"/>. Each property may be set once; a second try, or one that the type does not have, is a <see cref="SchemaBuilderException"/>.
/// </summary>
/// <param name="type">The base type.</param>
public sealed class SchemaBuilder(SchemaType type)
{
    private readonly List<Field> _fields = [];
    private readonly HashSet<string> _fieldNames = [];
    private Dictionary<string, string>? _parameters;
    private bool? _optional;
    private object? _default;
    private string? _name;
    private int? _version;
    private string? _doc;
    private Schema? _keySchema;
    private Schema? _valueSchema;

    /// <summary>A struct without fields yet.</summary>
    public static SchemaBuilder Struct() => new(SchemaType.Struct);

    /// <summary>An array of such elements.</summary>
    public static SchemaBuilder Array(Schema elements) =>
        new(SchemaType.Array) { _valueSchema = elements ?? throw new SchemaBuilderException("valueSchema cannot be null.") };

    /// <summary>A map.</summary>
    public static SchemaBuilder Map(Schema keys, Schema values) => new(SchemaType.Map)
    {
        _keySchema = keys ?? throw new SchemaBuilderException("keySchema cannot be null."),
        _valueSchema = values ?? throw new SchemaBuilderException("valueSchema cannot be null."),
    };

    /// <summary>An array whose elements agree on no schema: what <c>Values.ParseString</c> makes of <c>[]</c> and <c>[null]</c>. Elements must be null.</summary>
    internal static SchemaBuilder ArrayOfNull() => new(SchemaType.Array);

    /// <summary>A map whose keys or values agree on no schema (null).</summary>
    internal static SchemaBuilder MapOfUnknown(Schema? keys, Schema? values) => new(SchemaType.Map) { _keySchema = keys, _valueSchema = values };

    /// <summary>A builder with all that the schema has, to be changed; fields of a struct included.</summary>
    public static SchemaBuilder From(Schema schema)
    {
        var builder = new SchemaBuilder(schema.Type)
        {
            _optional = schema.IsOptional ? true : null,
            _default = schema.Default,
            _name = schema.Name,
            _version = schema.Version,
            _doc = schema.Doc,
            _keySchema = schema.KeySchema,
            _valueSchema = schema.ValueSchema,
            _parameters = schema.Parameters.Count == 0 ? null : new(schema.Parameters),
        };
        foreach (var field in schema.Fields)
            builder.Field(field.Name, field.Schema);
        return builder;
    }

    /// <summary>Null is a value.</summary>
    public SchemaBuilder Optional() => Set(ref _optional, "optional", true);

    /// <summary>Null is no value (the default).</summary>
    public SchemaBuilder Required() => Set(ref _optional, "optional", false);

    /// <summary>What a field that is not set has. Call it after <see cref="Optional"/> when null shall be allowed too.</summary>
    public SchemaBuilder WithDefault(object? value)
    {
        if (_default is not null)
            throw new SchemaBuilderException("Invalid SchemaBuilder call: default has already been set.");
        try
        {
            Build().Validate(value);
        }
        catch (DataException e)
        {
            throw new SchemaBuilderException("Invalid default value", e);
        }

        _default = value;
        return this;
    }

    /// <summary>Names it.</summary>
    public SchemaBuilder Named(string name) => Set(ref _name, "name", name);

    /// <summary>The version of what is named.</summary>
    public SchemaBuilder WithVersion(int version) => Set(ref _version, "version", version);

    /// <summary>Documentation.</summary>
    public SchemaBuilder WithDoc(string doc) => Set(ref _doc, "doc", doc);

    /// <summary>A further property.</summary>
    public SchemaBuilder Parameter(string name, string value)
    {
        (_parameters ??= [])[name] = value;
        return this;
    }

    /// <summary>Further properties.</summary>
    public SchemaBuilder WithParameters(IReadOnlyDictionary<string, string> parameters)
    {
        foreach (var (name, value) in parameters)
            Parameter(name, value);
        return this;
    }

    /// <summary>Adds a field behind those that are there.</summary>
    public SchemaBuilder Field(string name, Schema schema)
    {
        if (type != SchemaType.Struct)
            throw new SchemaBuilderException($"Cannot create fields on type {type.ToString().ToUpperInvariant()}");
        if (string.IsNullOrEmpty(name))
            throw new SchemaBuilderException("fieldName cannot be null.");
        if (schema is null)
            throw new SchemaBuilderException($"fieldSchema for field {name} cannot be null.");
        if (!_fieldNames.Add(name))
            throw new SchemaBuilderException($"Cannot create field because of field name duplication {name}");
        _fields.Add(new Field(name, _fields.Count, schema));
        return this;
    }

    /// <summary>The schema so far.</summary>
    public Schema Build() => new(
        type, _optional ?? false, _default, _name, _version, _doc, _parameters is null ? null : new Dictionary<string, string>(_parameters), type == SchemaType.Struct ? [.. _fields] : null, _keySchema, _valueSchema);

    private SchemaBuilder Set<T>(ref T? place, string what, T value)
    {
        if (place is not null)
            throw new SchemaBuilderException($"Invalid SchemaBuilder call: {what} has already been set.");
        place = value;
        return this;
    }
}
