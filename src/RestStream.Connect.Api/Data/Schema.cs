namespace RestStream.Connect.Data;

/// <summary>
/// What a key, a value or a header is. Immutable; built with <see cref="SchemaBuilder"/> or taken from the constants here. Two schemas are equal when all their parts are.
/// </summary>
/// <remarks>
/// Logical types are a base type and a name, as in Kafka: <see cref="Date"/>, <see cref="Time"/> and <see cref="Timestamp"/> have values of type <see cref="Instant"/>, <see cref="Decimal"/> has <see cref="BigDecimal"/>.
/// </remarks>
public sealed class Schema : IEquatable<Schema>
{
    /// <summary>Name of days without a time; int32 days since 1970-01-01 on the wire.</summary>
    public const string DateName = "org.apache.kafka.connect.data.Date";

    /// <summary>Name of a time of day; int32 milliseconds since midnight on the wire.</summary>
    public const string TimeName = "org.apache.kafka.connect.data.Time";

    /// <summary>Name of a point in time; int64 milliseconds since the epoch on the wire.</summary>
    public const string TimestampName = "org.apache.kafka.connect.data.Timestamp";

    /// <summary>Name of a decimal number; bytes of the unscaled two's complement number, most significant first, on the wire.</summary>
    public const string DecimalName = "org.apache.kafka.connect.data.Decimal";

    /// <summary>The parameter of a decimal that holds its number of digits after the point.</summary>
    public const string DecimalScale = "scale";

    private static readonly IReadOnlyDictionary<string, string> s_noParameters = new Dictionary<string, string>();
    private readonly Dictionary<string, Field>? _fieldsByName;
    private int _hash;

    internal Schema(
        SchemaType type, bool optional, object? defaultValue, string? name, int? version, string? doc, IReadOnlyDictionary<string, string>? parameters,
        IReadOnlyList<Field>? fields, Schema? keySchema, Schema? valueSchema)
    {
        (Type, IsOptional, Default, Name, Version, Doc) = (type, optional, defaultValue, name, version, doc);
        Parameters = parameters ?? s_noParameters;
        (Fields, KeySchema, ValueSchema) = (fields ?? [], keySchema, valueSchema);
        if (type == SchemaType.Struct)
            _fieldsByName = Fields.ToDictionary(f => f.Name);
    }

    /// <summary>An 8-bit integer.</summary>
    public static Schema Int8 { get; } = new SchemaBuilder(SchemaType.Int8).Build();

    /// <summary>A 16-bit integer.</summary>
    public static Schema Int16 { get; } = new SchemaBuilder(SchemaType.Int16).Build();

    /// <summary>A 32-bit integer.</summary>
    public static Schema Int32 { get; } = new SchemaBuilder(SchemaType.Int32).Build();

    /// <summary>A 64-bit integer.</summary>
    public static Schema Int64 { get; } = new SchemaBuilder(SchemaType.Int64).Build();

    /// <summary>A 32-bit floating point number.</summary>
    public static Schema Float32 { get; } = new SchemaBuilder(SchemaType.Float32).Build();

    /// <summary>A 64-bit floating point number.</summary>
    public static Schema Float64 { get; } = new SchemaBuilder(SchemaType.Float64).Build();

    /// <summary>True or false.</summary>
    public static Schema Boolean { get; } = new SchemaBuilder(SchemaType.Boolean).Build();

    /// <summary>Text.</summary>
    public static Schema String { get; } = new SchemaBuilder(SchemaType.String).Build();

    /// <summary>Bytes.</summary>
    public static Schema Bytes { get; } = new SchemaBuilder(SchemaType.Bytes).Build();

    /// <summary>An 8-bit integer or null.</summary>
    public static Schema OptionalInt8 { get; } = new SchemaBuilder(SchemaType.Int8).Optional().Build();

    /// <summary>A 16-bit integer or null.</summary>
    public static Schema OptionalInt16 { get; } = new SchemaBuilder(SchemaType.Int16).Optional().Build();

    /// <summary>A 32-bit integer or null.</summary>
    public static Schema OptionalInt32 { get; } = new SchemaBuilder(SchemaType.Int32).Optional().Build();

    /// <summary>A 64-bit integer or null.</summary>
    public static Schema OptionalInt64 { get; } = new SchemaBuilder(SchemaType.Int64).Optional().Build();

    /// <summary>A 32-bit floating point number or null.</summary>
    public static Schema OptionalFloat32 { get; } = new SchemaBuilder(SchemaType.Float32).Optional().Build();

    /// <summary>A 64-bit floating point number or null.</summary>
    public static Schema OptionalFloat64 { get; } = new SchemaBuilder(SchemaType.Float64).Optional().Build();

    /// <summary>True, false or null.</summary>
    public static Schema OptionalBoolean { get; } = new SchemaBuilder(SchemaType.Boolean).Optional().Build();

    /// <summary>Text or null.</summary>
    public static Schema OptionalString { get; } = new SchemaBuilder(SchemaType.String).Optional().Build();

    /// <summary>Bytes or null.</summary>
    public static Schema OptionalBytes { get; } = new SchemaBuilder(SchemaType.Bytes).Optional().Build();

    /// <summary>A day without a time; values are an <see cref="Instant"/> at midnight UTC.</summary>
    public static Schema Date { get; } = new SchemaBuilder(SchemaType.Int32).Named(DateName).WithVersion(1).Build();

    /// <summary>A time of day; values are an <see cref="Instant"/> on 1970-01-01.</summary>
    public static Schema Time { get; } = new SchemaBuilder(SchemaType.Int32).Named(TimeName).WithVersion(1).Build();

    /// <summary>A point in time; values are an <see cref="Instant"/>.</summary>
    public static Schema Timestamp { get; } = new SchemaBuilder(SchemaType.Int64).Named(TimestampName).WithVersion(1).Build();

    /// <summary>A decimal number with that many digits after the point; values are a <see cref="BigDecimal"/> of that scale.</summary>
    public static Schema Decimal(int scale) =>
        new SchemaBuilder(SchemaType.Bytes).Named(DecimalName).WithVersion(1).Parameter(DecimalScale, scale.ToString(System.Globalization.CultureInfo.InvariantCulture)).Build();

    /// <summary>The base type.</summary>
    public SchemaType Type { get; }

    /// <summary>Whether null is a value.</summary>
    public bool IsOptional { get; }

    /// <summary>What a field that is not set has; null when there is none.</summary>
    public object? Default { get; }

    /// <summary>The name, of a logical type or of a struct; null without one.</summary>
    public string? Name { get; }

    /// <summary>The version of what <see cref="Name"/> names; null without one.</summary>
    public int? Version { get; }

    /// <summary>Documentation; null without one.</summary>
    public string? Doc { get; }

    /// <summary>Further properties, in no order that counts.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; }

    /// <summary>The fields of a struct, in order; empty for other types.</summary>
    public IReadOnlyList<Field> Fields { get; }

    /// <summary>The schema of a map's keys; null for other types.</summary>
    public Schema? KeySchema { get; }

    /// <summary>The schema of a map's values or an array's elements; null for other types.</summary>
    public Schema? ValueSchema { get; }

    /// <summary>The field of that name; null when there is none.</summary>
    /// <exception cref="DataException">This is no struct.</exception>
    public Field? Field(string name)
    {
        if (_fieldsByName is null)
            throw new DataException("Cannot look up fields on non-struct type");
        return _fieldsByName.GetValueOrDefault(name);
    }

    /// <summary>Checks a value against this schema, members of arrays, maps and structs too.</summary>
    /// <exception cref="DataException">It does not fit; the message says what was expected and what was found.</exception>
    public void Validate(object? value) => SchemaCheck.Validate(null, this, value);

    /// <inheritdoc/>
    public bool Equals(Schema? other)
    {
        if (ReferenceEquals(this, other))
            return true;
        return other is not null && GetHashCode() == other.GetHashCode() && Type == other.Type && IsOptional == other.IsOptional && Name == other.Name && Version == other.Version && Doc == other.Doc
            && DeepValue.Equal(Default, other.Default) && Equals(KeySchema, other.KeySchema) && Equals(ValueSchema, other.ValueSchema) && Fields.SequenceEqual(other.Fields)
            && Parameters.Count == other.Parameters.Count && Parameters.All(p => other.Parameters.TryGetValue(p.Key, out var value) && value == p.Value);
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Schema);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        // Schemas are keys of caches: computed once. Parameters, whose order is free, and the default are left to Equals.
        if (_hash != 0)
            return _hash;
        var hash = new HashCode();
        hash.Add(Type);
        hash.Add(IsOptional);
        hash.Add(Name);
        hash.Add(Version);
        hash.Add(Doc);
        hash.Add(KeySchema);
        hash.Add(ValueSchema);
        foreach (var field in Fields)
            hash.Add(field);
        return _hash = hash.ToHashCode() | 1;
    }

    /// <summary>As Kafka prints it: <c>Schema{name:TYPE}</c>.</summary>
    public override string ToString() => Name is null ? $"Schema{{{Type.ToString().ToUpperInvariant()}}}" : $"Schema{{{Name}:{Type.ToString().ToUpperInvariant()}}}";
}
