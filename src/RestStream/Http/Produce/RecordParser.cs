using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Produce;

/// <summary>
/// Reads JSON records straight into the batches of a <see cref="RecordSet"/>: values are slices of the body, copied once. No object per record.
/// What is no JSON at all, or ambiguous, refuses the body; what is wrong with one record refuses that record, naming every wrong field of it.
/// </summary>
internal sealed partial class RecordParser(LimitOptions limits) : IDisposable
{
    private const string RecordForm = "A record is {\"value\": …}, with key, headers, partition and timestamp beside it";

    /// <summary>Objects and arrays around a record's value, and some to spare: depth is checked per value, with a better message.</summary>
    private const int OuterDepth = 8;

    private readonly JsonReaderOptions _options = new() { MaxDepth = limits.MaxJsonDepth + OuterDepth };

    /// <summary>Unescaped and decoded text of the record in work.</summary>
    private readonly PooledBytes _text = new();
    private readonly PooledBytes _headers = new();
    private readonly List<FieldError> _problems = [];
    private int _headerCount;

    /// <summary>The gravest mistake in the record, which decides what a v2 client is answered.</summary>
    private Fault _fault;

    /// <summary>Reads a body: one record, an array of records, or <c>{"records":[…]}</c>.</summary>
    /// <exception cref="HttpError">400 not JSON; 413 too many records.</exception>
    public void ReadBody(ReadOnlySpan<byte> body, RecordSet into, in RecordRules rules)
    {
        body = WithoutMark(body);
        CheckUtf8(body);
        var reader = new Utf8JsonReader(body, _options);
        try
        {
            ReadNext(ref reader);
            switch (reader.TokenType)
            {
                case JsonTokenType.StartArray:
                    ReadArray(ref reader, body, into, rules);
                    break;
                case JsonTokenType.StartObject when IsEnvelope(reader):
                    ReadEnvelope(ref reader, body, into, rules);
                    break;
                default:
                    ReadRecord(ref reader, body, into, rules, RecordPath.Whole, last: true);
                    break;
            }

            ExpectEnd(ref reader);
        }
        catch (JsonException e)
        {
            throw HttpError.BadJson(JsonText.Describe(e));
        }
    }

    /// <summary>Reads one line of NDJSON: one record.</summary>
    /// <exception cref="HttpError">400 not JSON.</exception>
    public void ReadLine(ReadOnlySpan<byte> line, RecordSet into, in RecordRules rules, long index)
    {
        var reader = new Utf8JsonReader(line, _options);
        try
        {
            ReadNext(ref reader);
            ReadRecord(ref reader, line, into, rules, new RecordPath(index), last: true);
        }
        catch (JsonException e)
        {
            throw HttpError.BadJson(JsonText.Describe(e, linesBefore: index));
        }
    }

    public static bool IsUtf8(ReadOnlySpan<byte> text) => Utf8.IsValid(text);

    public void Dispose()
    {
        _text.Dispose();
        _headers.Dispose();
    }

    private static void CheckUtf8(ReadOnlySpan<byte> body)
    {
        if (!IsUtf8(body))
            throw HttpError.BadJson("The body is not valid UTF-8. Send other bytes as base64 with \"value_format\":\"base64\", or as a raw body.");
    }

    /// <summary>Some editors and shells put a byte order mark in front of UTF-8.</summary>
    private static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> body) => body.StartsWith("\uFEFF"u8) ? body[3..] : body;

    private static bool IsEnvelope(Utf8JsonReader copy) => copy.Read() && copy.TokenType == JsonTokenType.PropertyName && TextIs(ref copy, "records"u8);

    private void ReadEnvelope(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, RecordSet into, in RecordRules rules)
    {
        ReadNext(ref reader);
        if (ReadNext(ref reader) != JsonTokenType.StartArray)
            throw HttpError.Invalid("records", "records is an array of records.");
        ReadArray(ref reader, body, into, rules);
        while (ReadNext(ref reader) == JsonTokenType.PropertyName)
        {
            var name = Name(ref reader);
            throw name is "records"
                ? Duplicate(name, RecordPath.Whole)
                : HttpError.Invalid(name, $"Unknown field '{name}' beside records. To send this object as one record, wrap it: {{\"value\": …}}.");
        }
    }

    private void ReadArray(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, RecordSet into, in RecordRules rules)
    {
        while (ReadNext(ref reader) != JsonTokenType.EndArray)
            ReadRecord(ref reader, body, into, rules, new RecordPath(into.Count), last: false);
    }

    // With last, nothing may follow; that is checked before the record counts.
    private void ReadRecord(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, RecordSet into, in RecordRules rules, RecordPath path, bool last)
    {
        _problems.Clear();
        _fault = Fault.BadValue;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            if (rules.Family is { } family)
                throw family.Refuse(Fault.RecordNotObject, "A record is an object: {\"key\":…,\"value\":…}.", new FieldError(path.Record, "Not an object."));
            SkipValue(ref reader);
            if (last)
                ExpectEnd(ref reader);
            var field = path.Record.Length > 0 ? path.Record : "value";
            Refuse(into, rules, HttpError.Invalid(field, $"Not a record. {RecordForm}: wrap this as {{\"value\": …}}."));
            return;
        }

        var record = new RawRecord { KeyFormat = rules.KeyFormat, ValueFormat = rules.ValueFormat, Partition = -1, Timestamp = -1 };
        while (ReadNext(ref reader) == JsonTokenType.PropertyName)
        {
            var member = Identify(ref reader, rules.V2);
            if (IsUnknown(member, rules))
                UnknownField(Name(ref reader), path);
            else if (member != Member.Unknown && (record.Seen & member) != 0)
                throw Duplicate(NameOf(member), path);
            record.Seen |= member;
            ReadNext(ref reader);
            ReadMember(ref reader, member, ref record, rules, path);
        }

        if (rules.Family is { Produce.HasBridgeSchema: true })
            CheckBridgeSchema(record, path);

        // An object with unknown members is most likely meant to be the value; the message about them says how.
        if ((record.Seen & Member.Value) == 0 && !rules.V2 && _problems.Count == 0)
            _problems.Add(path.Error("value", $"'value' is missing. {RecordForm}; null is a tombstone."));
        if (last)
            ExpectEnd(ref reader);
        Finish(body, record, into, rules, path);
    }

    private void ReadMember(ref Utf8JsonReader reader, Member member, ref RawRecord record, in RecordRules rules, RecordPath path)
    {
        switch (member)
        {
            case Member.Key:
                record.Key = ReadToken(ref reader);
                break;
            case Member.Value:
                record.Value = ReadToken(ref reader);
                break;
            case Member.Headers:
                record.Headers = ReadToken(ref reader);
                break;
            case Member.Topic:
                record.Topic = ReadToken(ref reader);
                break;
            case Member.KeyFormat:
                record.KeyFormat = ReadFormat(ref reader, record.KeyFormat, path, "key_format");
                break;
            case Member.ValueFormat:
                record.ValueFormat = ReadFormat(ref reader, record.ValueFormat, path, "value_format");
                break;
            case Member.Partition when reader.TokenType != JsonTokenType.Null || rules.Family is { Produce.HasBridgeSchema: true }:
                var isNumber = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out record.Partition);
                if (!isNumber || record.Partition < 0)
                {
                    Note(isNumber ? Fault.BadValue : Fault.WrongType);
                    record.Partition = -1;
                    SkipValue(ref reader);
                    _problems.Add(path.Error("partition", "partition is a whole number from 0 on."));
                }

                break;
            case Member.Timestamp when reader.TokenType != JsonTokenType.Null || rules.Family is { Produce.HasBridgeSchema: true }:
                var isTime = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out record.Timestamp);
                if (!isTime || record.Timestamp < 0)
                {
                    Note(isTime ? Fault.BadValue : Fault.WrongType);
                    SkipValue(ref reader);
                    _problems.Add(path.Error("timestamp", "timestamp is milliseconds since 1970-01-01 UTC as a whole number, such as 1790000000000."));
                }

                break;
            default:
                SkipValue(ref reader);
                break;
        }
    }

    /// <summary>The record is syntactically whole: decodes its parts and hands it over, or refuses it.</summary>
    private void Finish(ReadOnlySpan<byte> body, in RawRecord record, RecordSet into, in RecordRules rules, RecordPath path)
    {
        _text.Clear();
        _headers.Clear();
        _headerCount = 0;
        var key = Decode(body, record.Key, record.KeyFormat, rules.OnlyStrings, path, "key");
        var value = Decode(body, record.Value, record.ValueFormat, rules.OnlyStrings, path, "value");
        if (record.Headers.Kind is not (JsonTokenType.None or JsonTokenType.Null))
            ReadHeaders(body.Slice(record.Headers.Start, record.Headers.Length), rules.Family, path);
        if (!key.IsNull && key.Length > limits.MaxKeyBytes)
            _problems.Add(path.Error("key", $"The key has {key.Length} bytes, {limits.MaxKeyBytes} are taken (setting {LimitOptions.Section}:{nameof(LimitOptions.MaxKeyBytes)})."));

        var partition = record.Partition;
        if (rules.Partition >= 0)
        {
            if (partition >= 0 && partition != rules.Partition && !rules.V2)
                _problems.Add(path.Error("partition", $"The path says partition {rules.Partition}, the record {partition}. Leave it out of the record."));
            partition = rules.Partition;
        }

        var target = _problems.Count == 0 && rules.RefuseAll is null ? FindTarget(body, record.Topic, into, rules, path) : null;
        if (_problems.Count > 0)
        {
            Refuse(into, rules, Refusal(rules.Family));
        }
        else if (rules.RefuseAll is { } refusal)
        {
            into.Refuse(refusal);
        }
        else if (target is not null)
        {
            into.Add(
                target, partition, record.Timestamp >= 0 ? record.Timestamp : rules.Now, rules.Now,
                key.IsNull, Bytes(body, key), value.IsNull, Bytes(body, value), _headers.Span, _headerCount, path);
        }
    }

    /// <summary>The topic that the record goes to; null when there is none, and then the record is refused or a problem is noted.</summary>
    private TopicTarget? FindTarget(ReadOnlySpan<byte> body, Token topic, RecordSet into, in RecordRules rules, RecordPath path)
    {
        if (topic.Kind == JsonTokenType.None && rules.Target is not null)
            return rules.Target;
        if (topic.Kind != JsonTokenType.String || topic.Length - 2 > TopicNames.MaxLength || topic.Escaped)
        {
            _problems.Add(path.Error("topic", rules.Target is null ? "'topic' names the topic of each record here." : "The topic is in the path; leave it out of the record."));
            return null;
        }

        Span<char> name = stackalloc char[TopicNames.MaxLength];
        name = name[..Encoding.UTF8.GetChars(body.Slice(topic.Start + 1, topic.Length - 2), name)];
        if (rules.Target is { } target)
        {
            if (name.SequenceEqual(target.Topic))
                return target;
            _problems.Add(path.Error("topic", $"The path says topic '{target.Topic}', the record another one. Records for several topics go to POST /records."));
            return null;
        }

        try
        {
            return into.Target(name);
        }
        catch (Exception e) when (e is BrokerException or HttpError)
        {
            var error = ErrorResponses.TryFrom(e)!;
            into.Refuse(new HttpError(error.Status, error.ErrorCode, error.Slug, error.Title, error.Message) { Errors = [path.Error("topic", error.Message)] });
            return null;
        }
    }

    private static Member Identify(ref Utf8JsonReader reader, bool v2)
    {
        if (reader.ValueIsEscaped)
        {
            CheckCharacters(ref reader);
            return Identify(Encoding.UTF8.GetBytes(reader.GetString()!), v2);
        }

        return Identify(reader.ValueSpan, v2);
    }

    private static Member Identify(ReadOnlySpan<byte> name, bool v2) => name.Length switch
    {
        3 when name.SequenceEqual("key"u8) => Member.Key,
        5 when name.SequenceEqual("value"u8) => Member.Value,
        5 when !v2 && name.SequenceEqual("topic"u8) => Member.Topic,
        7 when name.SequenceEqual("headers"u8) => Member.Headers,
        9 when name.SequenceEqual("partition"u8) => Member.Partition,
        9 when name.SequenceEqual("timestamp"u8) => Member.Timestamp,
        10 when !v2 && name.SequenceEqual("key_format"u8) => Member.KeyFormat,
        12 when !v2 && name.SequenceEqual("value_format"u8) => Member.ValueFormat,
        _ => Member.Unknown,
    };

    private static string NameOf(Member member) => member switch
    {
        Member.KeyFormat => "key_format",
        Member.ValueFormat => "value_format",
        _ => member.ToString().ToLowerInvariant(),
    };

    private DataFormat ReadFormat(ref Utf8JsonReader reader, DataFormat current, RecordPath path, string field)
    {
        if (FormatOf(ref reader) is { } format)
            return format;
        SkipValue(ref reader);
        _problems.Add(path.Error(field, "The format is \"json\", \"text\" or \"base64\"."));
        return current;
    }

    private static DataFormat? FormatOf(ref Utf8JsonReader reader) => reader.TokenType != JsonTokenType.String ? null
        : TextIs(ref reader, "json"u8) ? DataFormat.Json
        : TextIs(ref reader, "text"u8) ? DataFormat.Text
        : TextIs(ref reader, "base64"u8) ? DataFormat.Base64
        : null;

    private void UnknownField(string name, RecordPath path)
    {
        Note(Fault.UnknownMember);
        _problems.Add(path.Error(name, $"Unknown field '{name}'. {RecordForm}. To store this object itself, wrap it: {{\"value\": …}}."));
    }

    private void Note(Fault fault) => _fault = fault > _fault ? fault : _fault;

    private static HttpError Duplicate(string name, RecordPath path) =>
        new(400, 40000, "malformed-body", "Malformed body", $"'{name}' stands twice in one object, so it is not clear which one is meant.")
        {
            Errors = [path.Error(name, "Stands twice.")],
        };

    private HttpError Refusal(Profile? family)
    {
        var first = _problems[0].Message;
        var detail = _problems.Count == 1 ? first : $"{first} ({_problems.Count} fields are wrong.)";
        return family?.Refuse(_fault, detail, [.. _problems]) ?? new HttpError(422, 42200, "invalid-request", "Invalid request", detail) { Errors = [.. _problems] };
    }

    /// <summary>v2 refuses the request for what native produce refuses one record for.</summary>
    private static void Refuse(RecordSet into, in RecordRules rules, HttpError error)
    {
        if (rules.V2)
            throw error;
        into.Refuse(error);
    }

    [Flags]
    private enum Member
    {
        Unknown = 0,
        Key = 1,
        Value = 2,
        Headers = 4,
        Partition = 8,
        Timestamp = 16,
        KeyFormat = 32,
        ValueFormat = 64,
        Topic = 128,
    }

    /// <summary>A value in the JSON; kind None = it is not there.</summary>
    private readonly record struct Token(JsonTokenType Kind, int Start, int Length, bool Escaped);

    /// <summary>Bytes of the JSON, or of <see cref="_text"/> when they had to be <paramref name="Made"/>; length -1 = null.</summary>
    private readonly record struct Slice(bool Made, int Start, int Length)
    {
        public bool IsNull => Length < 0;
    }

    private struct RawRecord
    {
        public Member Seen;
        public Token Key, Value, Headers, Topic;
        public DataFormat KeyFormat, ValueFormat;
        public int Partition;
        public long Timestamp;
    }
}
