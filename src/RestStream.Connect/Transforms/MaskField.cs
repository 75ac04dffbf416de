using System.Collections;
using System.Numerics;
using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>Replaces the values of fields by nothing of their type (0, false, empty), or by a text or number. A null stays null, a missing field of a map is added as null.</summary>
internal abstract class MaskField(RecordPart part) : PartTransform(part)
{
    private const string Purpose = "mask fields";

    private readonly HashSet<string> _fields = [];
    private string? _replacement;
    private bool _replaceNull;

    public override ConfigDef Config { get; } = new ConfigDef()
        .Require("fields", ConfigType.List, "Names of the fields to mask.", ConfigValidator.ListOf(allowEmpty: false, allowNull: false))
        .Optional("replacement", ConfigType.String, null, "Text or number to put in their place; it must fit the type of each field.", ConfigValidator.NonEmpty(), Importance.Low)
        .ReplaceNull();

    public override void Configure(ConfigValues config)
    {
        _fields.UnionWith(config.GetList("fields"));
        _replacement = config.FindString("replacement");
        _replaceNull = config.GetBoolean(CommonKeys.ReplaceNullWithDefault);
    }

    public override ConnectRecord Apply(ConnectRecord record)
    {
        if (SchemaOf(record) is null)
        {
            var map = Maps.Copy(Requirements.Map(ValueOf(record), Purpose));
            foreach (var field in _fields)
                map[field] = Masked(map[field]);
            return With(record, null, map);
        }

        var value = Requirements.Struct(ValueOf(record), Purpose);
        var masked = new Struct(value.Schema);
        foreach (var field in value.Schema.Fields)
        {
            var fieldValue = value.Get(field, _replaceNull);
            masked[field] = _fields.Contains(field.Name) ? Masked(fieldValue) : fieldValue;
        }
        return With(record, value.Schema, masked);
    }

    private object? Masked(object? value) => value is null ? null : _replacement is null ? Nothing(value) : Replacement(value, _replacement);

    private static object Nothing(object value) => value switch
    {
        bool => false,
        sbyte => (sbyte)0,
        short => (short)0,
        int => 0,
        long => 0L,
        float => 0f,
        double => 0d,
        BigInteger => BigInteger.Zero,
        BigDecimal or decimal => new BigDecimal(BigInteger.Zero, 0),
        Instant => new Instant(0),
        string => "",
        byte[] => throw new DataException($"Cannot mask value of type: {Requirements.TypeName(value)}"),
        IDictionary => new Dictionary<string, object?>(),
        IList => new List<object?>(),
        _ => throw new DataException($"Cannot mask value of type: {Requirements.TypeName(value)}"),
    };

    private static object Replacement(object value, string replacement) => value switch
    {
        string => replacement,
        sbyte => Values.ConvertToByte(null, replacement)!,
        short => Values.ConvertToShort(null, replacement)!,
        int => Values.ConvertToInteger(null, replacement)!,
        long => Values.ConvertToLong(null, replacement)!,
        float => Values.ConvertToFloat(null, replacement)!,
        double => Values.ConvertToDouble(null, replacement)!,
        BigInteger => JavaNumbers.TryParseInteger(replacement, out var integer) ? integer : throw NoNumber(replacement),
        BigDecimal or decimal => BigDecimal.TryParse(replacement, out var number) ? number : throw NoNumber(replacement),
        _ => throw new DataException($"Cannot mask value of type {Requirements.TypeName(value)} with custom replacement."),
    };

    private static DataException NoNumber(string replacement) => new($"Unable to convert {replacement} ({Requirements.TypeName(replacement)}) to number");
}

[Plugin("org.apache.kafka.connect.transforms.MaskField$Key")]
internal sealed class MaskFieldKey() : MaskField(RecordPart.Key);

[Plugin("org.apache.kafka.connect.transforms.MaskField$Value")]
internal sealed class MaskFieldValue() : MaskField(RecordPart.Value);
