using RestStream.Connect.Config;
using RestStream.Connect.Data;
using RestStream.Connect.Transforms.Dates;

namespace RestStream.Connect.Transforms;

/// <summary>Changes a field, or the whole value, between the forms of a point in time: text, a number, and the logical types. Null stays null.</summary>
internal abstract class TimestampConverter : PartTransform
{
    private const string Purpose = "converting timestamp formats";

    private readonly SchemaCache _schemas;
    private TimestampForms _forms = null!;
    private TimestampForm _target;
    private string _field = "";
    private bool _replaceNull;

    protected TimestampConverter(RecordPart part)
        : base(part) => _schemas = new SchemaCache(ConvertSchema);

    public override ConfigDef Config { get; } = new ConfigDef()
        .Optional("field", ConfigType.String, "", "The field to convert. Default: the whole value.", importance: Importance.High)
        .Require("target.type", ConfigType.String, "What it becomes: string, unix (a number), Date, Time or Timestamp.", ConfigValidator.In("string", "unix", "Date", "Time", "Timestamp"))
        .Optional("format", ConfigType.String, "", "The form of text (Java's SimpleDateFormat), of texts that come and of those that are made; in UTC.")
        .Optional(
            "unix.precision", ConfigType.String, "milliseconds", "What numbers count: seconds, milliseconds, microseconds or nanoseconds. Points in time have milliseconds, so finer parts are lost.",
            ConfigValidator.In("nanoseconds", "microseconds", "milliseconds", "seconds"), Importance.Low)
        .ReplaceNull();

    public override void Configure(ConfigValues config)
    {
        _field = config.GetString("field");
        _target = Enum.Parse<TimestampForm>(config.GetString("target.type"), ignoreCase: true);
        _replaceNull = config.GetBoolean(CommonKeys.ReplaceNullWithDefault);

        var pattern = config.FindString("format");
        if (_target == TimestampForm.String && string.IsNullOrWhiteSpace(pattern))
            throw new ConfigException("TimestampConverter requires format option to be specified when using string timestamps");
        JavaDateFormat? format = null;
        try
        {
            if (!string.IsNullOrWhiteSpace(pattern))
                format = new JavaDateFormat(pattern, TimeProvider.System);
        }
        catch (FormatException e)
        {
            throw new ConfigException($"TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: {pattern} ({e.Message})");
        }
        _forms = new TimestampForms(format, config.GetString("unix.precision"));
    }

    public override ConnectRecord Apply(ConnectRecord record)
    {
        var value = ValueOf(record);
        if (SchemaOf(record) is not { } schema)
        {
            if (value is null || _field.Length == 0)
                return With(record, null, Convert(value, null));
            var map = Maps.Copy(Requirements.Map(value, Purpose));
            map[_field] = Convert(map[_field], null);
            return With(record, null, map);
        }

        if (_field.Length == 0)
            return With(record, TimestampForms.SchemaOf(_target, schema.IsOptional), Convert(value, schema));
        var source = Requirements.StructOrNull(value, Purpose);
        var converted = _schemas[schema];
        return With(record, converted, source is null ? null : Convert(source, converted));
    }

    private object? Convert(object? value, Schema? schema) => value is null ? null : _forms.Write(_target, _forms.Read(value, schema));

    private Struct Convert(Struct source, Schema schema)
    {
        var converted = new Struct(schema);
        foreach (var field in source.Schema.Fields)
        {
            var value = source.Get(field, _replaceNull);
            converted[field.Name] = field.Name == _field ? Convert(value, field.Schema) : value;
        }
        return converted;
    }

    private Schema ConvertSchema(Schema schema)
    {
        var builder = Schemas.CopyBasics(schema, SchemaBuilder.Struct());
        foreach (var field in schema.Fields)
            builder.Field(field.Name, field.Name == _field ? TimestampForms.SchemaOf(_target, field.Schema.IsOptional) : field.Schema);
        var withoutDefault = builder.Build();
        return builder.Finish(schema.IsOptional, schema.Default is Struct value ? Convert(value, withoutDefault) : null);
    }
}

[Plugin("org.apache.kafka.connect.transforms.TimestampConverter$Key")]
internal sealed class TimestampConverterKey() : TimestampConverter(RecordPart.Key);

[Plugin("org.apache.kafka.connect.transforms.TimestampConverter$Value")]
internal sealed class TimestampConverterValue() : TimestampConverter(RecordPart.Value);
