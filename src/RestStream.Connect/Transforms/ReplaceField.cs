using System.Collections;
using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>Keeps, drops and renames fields. Which are kept is decided by the names they came with.</summary>
internal abstract class ReplaceField : PartTransform
{
    private const string Purpose = "field replacement";

    private readonly SchemaCache _schemas;
    private readonly HashSet<string> _exclude = [];
    private readonly HashSet<string> _include = [];
    private readonly Dictionary<string, string> _renames = [];

    /// <summary>New name to old.</summary>
    private readonly Dictionary<string, string> _origins = [];
    private bool _replaceNull;

    protected ReplaceField(RecordPart part)
        : base(part) => _schemas = new SchemaCache(Replace);

    public override ConfigDef Config { get; } = new ConfigDef()
        .Optional("exclude", ConfigType.List, Array.Empty<string>(), "Fields to drop; they are dropped even if they are included.", ConfigValidator.ListOf(allowEmpty: true, allowNull: false))
        .Optional("include", ConfigType.List, Array.Empty<string>(), "Fields to keep. Default: all but the excluded ones.", ConfigValidator.ListOf(allowEmpty: true, allowNull: false))
        .Optional("renames", ConfigType.List, Array.Empty<string>(), "Fields to rename, as old:new,old2:new2.", new RenameList())
        .ReplaceNull();

    public override void Configure(ConfigValues config)
    {
        _exclude.UnionWith(config.GetList("exclude"));
        _include.UnionWith(config.GetList("include"));
        foreach (var (from, to) in RenameList.Parse(config.GetList("renames")))
        {
            _renames[from] = to;
            _origins[to] = from;
        }
        _replaceNull = config.GetBoolean(CommonKeys.ReplaceNullWithDefault);
    }

    public override ConnectRecord Apply(ConnectRecord record)
    {
        var value = ValueOf(record);
        if (value is null)
            return record;
        if (SchemaOf(record) is not { } schema)
            return With(record, null, Replace(Requirements.Map(value, Purpose)));

        var source = Requirements.Struct(value, Purpose);
        var replaced = new Struct(_schemas[schema]);
        foreach (var field in replaced.Schema.Fields)
            replaced[field] = source.Get(source.Schema.Field(_origins.GetValueOrDefault(field.Name, field.Name))!, _replaceNull);
        return With(record, replaced.Schema, replaced);
    }

    private bool Keeps(string name) => !_exclude.Contains(name) && (_include.Count == 0 || _include.Contains(name));

    private Dictionary<string, object?> Replace(IDictionary map)
    {
        var replaced = new Dictionary<string, object?>(map.Count);
        if (map is Dictionary<string, object?> usual)
        {
            foreach (var (name, value) in usual)
                Add(name, value);
        }
        else
        {
            foreach (DictionaryEntry entry in map)
                Add(Maps.Name(entry.Key, Purpose), entry.Value);
        }
        return replaced;

        void Add(string name, object? value)
        {
            if (Keeps(name))
                replaced[_renames.GetValueOrDefault(name, name)] = value;
        }
    }

    private Schema Replace(Schema schema)
    {
        var builder = Schemas.CopyBasics(schema, SchemaBuilder.Struct());
        foreach (var field in schema.Fields.Where(f => Keeps(f.Name)))
            builder.Field(_renames.GetValueOrDefault(field.Name, field.Name), field.Schema);
        return builder.Build();
    }

    /// <summary>Pairs of names with a colon between them.</summary>
    private sealed class RenameList : ConfigValidator
    {
        public override void EnsureValid(string name, object? value) => Parse(value as IReadOnlyList<string> ?? []);

        public override string ToString() => "list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>";

        public static IReadOnlyList<(string From, string To)> Parse(IReadOnlyList<string> pairs) => [.. pairs.Select(pair => pair.Split(':') switch
        {
            [var from, { Length: > 0 } to] => (from, to),
            _ => throw new ConfigException("renames", pairs, $"Invalid rename mapping: {pair}"),
        })];
    }
}

[Plugin("org.apache.kafka.connect.transforms.ReplaceField$Key")]
internal sealed class ReplaceFieldKey() : ReplaceField(RecordPart.Key);

[Plugin("org.apache.kafka.connect.transforms.ReplaceField$Value")]
internal sealed class ReplaceFieldValue() : ReplaceField(RecordPart.Value);
