using System.Text.Json;
using RestStream.Http.Compat;
using RestStream.Http.Errors;

namespace RestStream.Http.Produce;

// The bodies of REST Proxy v2.
internal sealed partial class RecordParser
{
    private const string BodyForm = "The body is {\"records\":[…]} with at least one record.";

    /// <summary>Reads the body of v2 produce: <c>{"records":[…]}</c> with schema members beside it.</summary>
    /// <exception cref="HttpError">What is wrong, as <see cref="RecordRules.Family"/> answers it.</exception>
    public void ReadV2Body(ReadOnlySpan<byte> body, RecordSet into, in RecordRules rules)
    {
        var family = rules.Family!;
        body = WithoutMark(body);
        if (body.IndexOfAnyExcept(" \t\r\n"u8) < 0)
            throw family.Refuse(Fault.NoBody, BodyForm, new FieldError("records", BodyForm));
        var seen = false;
        try
        {
            CheckUtf8(body);
            var reader = new Utf8JsonReader(body, _options);
            ReadNext(ref reader);
            if (reader.TokenType != JsonTokenType.StartObject)
                throw family.Refuse(Fault.NotAnObject, BodyForm, new FieldError("records", BodyForm));
            while (ReadNext(ref reader) == JsonTokenType.PropertyName)
                ReadV2Member(ref reader, body, into, rules, ref seen);
            ExpectEnd(ref reader);
        }
        catch (JsonException e)
        {
            throw family.Refuse(Fault.BrokenJson, JsonText.Describe(e));
        }
        catch (HttpError broken) when (broken.Slug == "malformed-body")
        {
            // What is no JSON in a way that the reader does not find, such as half a character.
            throw family.Refuse(Fault.BrokenJson, broken.Message, broken.Errors);
        }

        if (!seen)
            throw family.Refuse(Fault.NoRecords, BodyForm, new FieldError("records", BodyForm));
        if (into.Count == 0 && !family.Produce.TakesNoRecords)
            throw family.Refuse(Fault.EmptyRecords, BodyForm, new FieldError("records", BodyForm));
    }

    private void ReadV2Member(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, RecordSet into, in RecordRules rules, ref bool seen)
    {
        var family = rules.Family!;
        if (!TextIs(ref reader, "records"u8))
        {
            if (family.RefusesUnknownMembers && !(IsSchemaMember(ref reader) && family.Produce.ShowsSchemaIds))
            {
                var name = Name(ref reader);
                throw family.Refuse(Fault.UnknownMember, $"There is no '{name}' beside records.", new FieldError(name, "Property is not known here."));
            }

            ReadNext(ref reader);
            SkipValue(ref reader);
            return;
        }

        if (seen)
            throw Duplicate("records", RecordPath.Whole);
        seen = true;
        ReadNext(ref reader);
        if (reader.TokenType != JsonTokenType.StartArray)
            throw family.Refuse(Fault.RecordsNotArray, "records is an array of records.", new FieldError("records", "Not an array."));
        ReadArray(ref reader, body, into, rules);
    }

    private static bool IsSchemaMember(ref Utf8JsonReader reader) =>
        TextIs(ref reader, "key_schema"u8) || TextIs(ref reader, "key_schema_id"u8) || TextIs(ref reader, "value_schema"u8) || TextIs(ref reader, "value_schema_id"u8);

    /// <summary>With the partition in the path, the bridge's schema has no partition and no timestamp.</summary>
    private static bool IsUnknown(Member member, in RecordRules rules) => rules.Family is not { } family
        ? member == Member.Unknown
        : family.RefusesUnknownMembers && (member == Member.Unknown || (family.Produce.HasBridgeSchema && rules.Partition >= 0 && member is Member.Partition or Member.Timestamp));

    private void CheckBridgeSchema(in RawRecord record, RecordPath path)
    {
        if (record.Key.Kind is not (JsonTokenType.None or JsonTokenType.String or JsonTokenType.StartObject or JsonTokenType.StartArray))
            WrongType("key", "A key is a string, an object or an array; leave it out to have none.");
        if (record.Value.Kind == JsonTokenType.None)
        {
            Note(Fault.MissingMember);
            _problems.Add(path.Error("value", "'value' is missing; null is a tombstone."));
        }
        else if (record.Value.Kind is not (JsonTokenType.Null or JsonTokenType.String or JsonTokenType.StartObject or JsonTokenType.StartArray))
        {
            WrongType("value", "A value is a string, an object, an array or null.");
        }

        if (record.Headers.Kind == JsonTokenType.Null)
            WrongType("headers", "headers is a list.");

        void WrongType(string field, string message)
        {
            Note(Fault.WrongType);
            _problems.Add(path.Error(field, message));
        }
    }
}
