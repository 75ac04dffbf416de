using RestStream.Connect.Data;

namespace RestStream.Connectors.Datagen;

/// <summary>A kind of records: its schema, the field that is the key by default, and how to make each field.</summary>
internal sealed class Quickstart
{
    private readonly List<Func<Pools, Func<Draw, object?>>> _makers = [];
    private readonly SchemaBuilder _builder = SchemaBuilder.Struct();
    private Schema? _schema;

    public Quickstart(string name, string keyField, string? schemaName = null)
    {
        (Name, KeyField) = (name, keyField);
        _builder.Named(schemaName ?? $"ksql.{name}");
    }

    /// <summary>What stands in <c>quickstart</c>.</summary>
    public string Name { get; }

    public string KeyField { get; }

    public Schema Schema => _schema ??= _builder.Build();

    /// <summary>A field that picks from pools.</summary>
    public Quickstart With(string field, Schema schema, Func<Pools, Func<Draw, object?>> maker)
    {
        _builder.Field(field, schema);
        _makers.Add(maker);
        return this;
    }

    /// <summary>A field that needs none.</summary>
    public Quickstart With(string field, Schema schema, Func<Draw, object?> maker) => With(field, schema, _ => maker);

    /// <summary>One of these texts.</summary>
    public Quickstart WithOneOf(string field, params string[] texts) => With(field, Schema.String, draw => draw.Of(texts));

    public Quickstart WithInt(string field, int min, int max) => With(field, Schema.Int32, draw => draw.Between(min, max));

    public Quickstart WithLong(string field, long min, long max) => With(field, Schema.Int64, draw => draw.Between(min, max));

    /// <summary>The number of the record, from <paramref name="start"/>.</summary>
    public Quickstart WithNumber(string field, long start = 0, long step = 1) => With(field, Schema.Int64, draw => start + (draw.Iteration * step));

    /// <summary>As <see cref="WithNumber"/> in 32 bits; begins again after 2^31 records.</summary>
    public Quickstart WithIntNumber(string field, int start = 0) => With(field, Schema.Int32, draw => (int)((start + draw.Iteration) & int.MaxValue));

    /// <summary>What makes the records, with pools of that seed.</summary>
    public Func<Draw, Struct> Maker(Pools pools)
    {
        var schema = Schema;
        var makers = _makers.ConvertAll(m => m(pools)).ToArray();
        return draw =>
        {
            var made = new Struct(schema);
            for (var i = 0; i < makers.Length; i++)
                made[schema.Fields[i]] = makers[i](draw);
            return made;
        };
    }
}
