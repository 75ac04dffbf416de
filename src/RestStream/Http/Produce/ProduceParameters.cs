using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;
using RestStream.Http.Errors;

namespace RestStream.Http.Produce;

/// <summary>The query of a produce request, and the headers that say how often and when it may be done.</summary>
internal struct ProduceParameters
{
    /// <summary>False: answered before the records are durable (<c>acks=0</c>). <c>1</c> is the same as <c>all</c>: there is one copy.</summary>
    public bool WaitForAppend = true;

    /// <summary>All records or none.</summary>
    public bool Strict;

    /// <summary>All records or none, said of a request that may go to several topics: also what makes that impossible is refused.</summary>
    public bool Atomic;
    public DataFormat KeyFormat = DataFormat.Text;
    public DataFormat ValueFormat = DataFormat.Json;

    /// <summary>The offset that the first record must get (<c>If-Match</c>), or nothing is written; -1 = any.</summary>
    public long ExpectedOffset = -1;

    /// <summary>The idempotent producer that sends; null = none.</summary>
    public ProducerStamp? Producer;

    /// <summary>The request is done once and its answer remembered under this key; null = none.</summary>
    public string? IdempotencyKey;

    /// <summary>For raw bodies; -1 = not given.</summary>
    public int Partition = -1;

    /// <summary>For raw bodies: epoch ms; -1 = now.</summary>
    public long Timestamp = -1;

    /// <summary>For raw bodies; null = no key.</summary>
    public string? Key;

    /// <summary>The query names something that only a raw body can have.</summary>
    private string? _rawOnly;
    private bool _valueFormatGiven;
    private bool _notStrict;

    public ProduceParameters() { }

    /// <exception cref="HttpError">400, naming the parameter.</exception>
    public static ProduceParameters Read(HttpRequest request)
    {
        var parameters = new ProduceParameters();
        if (request.QueryString.HasValue)
        {
            foreach (var pair in new QueryStringEnumerable(request.QueryString.Value.AsMemory()))
                parameters.Set(pair);
        }

        if (request.Headers.IfMatch is { Count: > 0 } condition)
            parameters.SetCondition(condition.ToString());
        if (parameters.Atomic)
            parameters.CheckAtomic();
        parameters.Producer = ProducerStamp.Read(request.Headers);

        parameters.IdempotencyKey = Produce.IdempotencyKey.Read(request.Headers);
        if (parameters.IdempotencyKey is not null)
            parameters.CheckOnce();

        // The sequence counts every record of the request, and a key remembers one answer for all.
        parameters.Strict |= parameters.Producer is not null || parameters.IdempotencyKey is not null;
        return parameters;
    }

    /// <exception cref="HttpError">400: a parameter that this form of body cannot have. 415: a form that cannot do what is asked.</exception>
    public readonly void CheckFor(BodyForm form)
    {
        var rawBody = form == BodyForm.Raw;
        if (form == BodyForm.NdJson && (Atomic ? "atomic=true" : Producer is not null ? ProducerStamp.IdHeader : IdempotencyKey is not null ? Produce.IdempotencyKey.Header : null) is { } whole)
            throw MediaType.NotAsLines(whole);
        if (!rawBody && _rawOnly is { } name)
            throw HttpError.BadParameter(name, $"'{name}' in the query is for raw bodies. A JSON record carries its own \"{name}\".");
        if (rawBody && _valueFormatGiven)
            throw HttpError.BadParameter("value_format", "The bytes of a raw body are the value; value_format is for JSON bodies.");
    }

    private void CheckAtomic()
    {
        if (!WaitForAppend)
            throw HttpError.Invalid("acks", "With acks=0 nobody would learn whether all was written or nothing; leave atomic=true or acks=0 out.");
        if (ExpectedOffset >= 0)
            throw HttpError.Invalid("If-Match", "If-Match is for one batch of one partition, which is all or nothing by itself; leave atomic=true or If-Match out.");
        if (_notStrict)
            throw HttpError.Invalid("strict", "atomic=true is all or nothing, strict=false is not; leave one of the two out.");
        Strict = true;
    }

    private readonly void CheckOnce()
    {
        if (!WaitForAppend)
            throw HttpError.Invalid("acks", "With acks=0 there is no answer that a repeat could get; leave Idempotency-Key or acks=0 out.");
        if (ExpectedOffset >= 0)
            throw HttpError.Invalid("If-Match", "If-Match and Idempotency-Key both make a repeat harmless; leave one of the two out.");
        Produce.IdempotencyKey.CheckAlone(Producer);
    }

    private void SetCondition(string condition)
    {
        var text = condition is ['"', .. var quoted, '"'] ? quoted : condition;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ExpectedOffset))
            throw HttpError.BadParameter("If-Match", "If-Match is the offset that the first record shall get, such as \"43\".");
        if (!WaitForAppend)
            throw HttpError.BadParameter("If-Match", "With acks=0 nobody would learn whether the offset matched; leave one of the two out.");
        Strict = true;
    }

    private void Set(QueryStringEnumerable.EncodedNameValuePair pair)
    {
        switch (pair.EncodedName.Span)
        {
            case "acks":
                WaitForAppend = pair.DecodeValue().Span switch
                {
                    "all" or "-1" or "1" => true,
                    "0" => false,
                    _ => throw HttpError.BadParameter("acks", "acks is all, 1 or 0."),
                };
                break;
            case "strict":
                Strict = Flag("strict", pair.DecodeValue().Span);
                _notStrict = !Strict;
                break;
            case "atomic":
                Atomic = Flag("atomic", pair.DecodeValue().Span);
                break;
            case "key_format":
                KeyFormat = Format("key_format", pair.DecodeValue().Span);
                break;
            case "value_format":
                ValueFormat = Format("value_format", pair.DecodeValue().Span);
                _valueFormatGiven = true;
                break;
            case "key":
                Key = pair.DecodeValue().ToString();
                _rawOnly = "key";
                break;
            case "partition":
                if (!int.TryParse(pair.DecodeValue().Span, NumberStyles.None, CultureInfo.InvariantCulture, out Partition))
                    throw HttpError.BadParameter("partition", "partition is a number from 0 on.");
                _rawOnly = "partition";
                break;
            case "timestamp":
                if (!long.TryParse(pair.DecodeValue().Span, NumberStyles.None, CultureInfo.InvariantCulture, out Timestamp))
                    throw HttpError.BadParameter("timestamp", "timestamp is milliseconds since 1970-01-01 UTC, such as 1790000000000.");
                _rawOnly = "timestamp";
                break;
        }
    }

    private static bool Flag(string name, ReadOnlySpan<char> value) => value switch
    {
        "true" or "" => true,
        "false" => false,
        _ => throw HttpError.BadParameter(name, $"{name} is true or false."),
    };

    private static DataFormat Format(string name, ReadOnlySpan<char> value) => value switch
    {
        "json" => DataFormat.Json,
        "text" => DataFormat.Text,
        "base64" => DataFormat.Base64,
        _ => throw HttpError.BadParameter(name, $"{name} is json, text or base64."),
    };
}
