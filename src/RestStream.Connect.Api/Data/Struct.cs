namespace RestStream.Connect.Data;

/// <summary>A value of type <see cref="SchemaType.Struct"/>: fields by name, each checked against its schema when it is set.</summary>
public sealed class Struct : IEquatable<Struct>
{
    private readonly object?[] _values;

    /// <exception cref="DataException">The schema is no struct's.</exception>
    public Struct(Schema schema)
    {
        if (schema.Type != SchemaType.Struct)
            throw new DataException($"Not a struct schema: {schema}");
        Schema = schema;
        _values = new object?[schema.Fields.Count];
    }

    /// <summary>What the fields are.</summary>
    public Schema Schema { get; }

    /// <summary>The value of a field: what was set, else the default of its schema, else null. Set: checks the value against the field's schema.</summary>
    /// <exception cref="DataException">There is no such field, or the value does not fit.</exception>
    public object? this[string name]
    {
        get => this[Lookup(name)];
        set => this[Lookup(name)] = value;
    }

    /// <summary>As by name. The field is one of <see cref="Schema"/>.</summary>
    public object? this[Field field]
    {
        get => _values[field.Index] ?? field.Schema.Default;
        set
        {
            SchemaCheck.Validate(field.Name, field.Schema, value);
            _values[field.Index] = value;
        }
    }

    /// <summary>Sets a field and answers this struct.</summary>
    public Struct Put(string name, object? value)
    {
        this[name] = value;
        return this;
    }

    /// <summary>What was set, without defaults.</summary>
    public object? GetWithoutDefault(string name) => _values[Lookup(name).Index];

    /// <summary>As by name. The field is one of <see cref="Schema"/>.</summary>
    public object? GetWithoutDefault(Field field) => _values[field.Index];

    /// <summary>Checks that every field that is neither optional nor has a default is set.</summary>
    /// <exception cref="DataException">One is not.</exception>
    public void Validate()
    {
        for (var i = 0; i < _values.Length; i++)
        {
            var field = Schema.Fields[i];
            var value = _values[field.Index];
            if (value is null && (field.Schema.IsOptional || field.Schema.Default is not null))
                continue;
            SchemaCheck.Validate(field.Name, field.Schema, value);
        }
    }

    /// <inheritdoc/>
    public bool Equals(Struct? other) => other is not null && Schema.Equals(other.Schema) && Schema.Fields.All(f => DeepValue.Equal(_values[f.Index], other._values[f.Index]));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Struct);

    /// <inheritdoc/>
    public override int GetHashCode() => _values.Aggregate(Schema.GetHashCode(), (hash, value) => HashCode.Combine(hash, DeepValue.Hash(value)));

    /// <summary>As Kafka prints it: <c>Struct{id=1,name=a}</c>, fields that are not set left out.</summary>
    public override string ToString() => Values.ToText(this);

    private Field Lookup(string name) => Schema.Field(name) ?? throw new DataException($"{name} is not a valid field name");
}
