using Microsoft.Extensions.Options;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Compat;

/// <summary>
/// One product of the REST Proxy v2 family: everything in which the four differ and that their clients can see. What is not here is the same for all.
/// The profile of a request follows its path: below <c>/strimzi</c> and the other path bases that product's, elsewhere the one of the setting <c>RestStream:Compat:RootProfile</c>.
/// </summary>
internal sealed partial class Profile
{
    private readonly IReadOnlyDictionary<Fault, FaultAnswer> _answers;

    private Profile(ProfileName name, params IEnumerable<(Fault Fault, FaultAnswer Answer)> answers)
    {
        Name = name;
        PathBase = "/" + name.ToString().ToLowerInvariant();
        var own = new Dictionary<Fault, FaultAnswer>(s_common);
        foreach (var (fault, answer) in answers)
            own[fault] = answer;
        _answers = own;
    }

    public ProfileName Name { get; }

    /// <summary>Such as <c>/strimzi</c>.</summary>
    public string PathBase { get; }

    /// <summary><c>error_code</c> repeats the HTTP status; the others have numbers of five digits.</summary>
    public bool StatusIsErrorCode { get; private init; }

    /// <summary>A JSON member that nobody knows refuses the body. Confluent's proxy ignores it.</summary>
    public bool RefusesUnknownMembers { get; private init; } = true;

    /// <summary>Accept is not looked at, except for the format of polls.</summary>
    public bool IgnoresAccept { get; private init; }

    /// <summary>A body without Content-Type is refused, other than those that may be absent.</summary>
    public bool NeedsContentType { get; private init; }

    /// <summary>What <c>error_code</c> says of an unknown topic, by where it was found out.</summary>
    public (int Asked, int Produced) UnknownTopicCode { get; private init; } = (40403, 40401);

    /// <summary>What <c>error_code</c> says of a parameter that cannot be read.</summary>
    public int BadParameterCode { get; private init; } = 40001;

    /// <summary>The body of <c>GET /</c>, in UTF-8.</summary>
    public string Banner { get; private init; } = "{}";

    public required ProduceProfile Produce { get; init; }
    public required ConsumerProfile Consumers { get; init; }

    /// <summary>The type of an answer or error body for this request.</summary>
    public required Func<HttpRequest, string> AnswerType { get; init; }

    /// <summary>The profile whose path base the request's path begins with; null outside of them.</summary>
    public static Profile? ByPath(HttpRequest request)
    {
        var path = request.Path.Value.AsSpan();
        foreach (var profile in s_all)
        {
            if (path.StartsWith(profile.PathBase, StringComparison.OrdinalIgnoreCase) && (path.Length == profile.PathBase.Length || path[profile.PathBase.Length] == '/'))
                return profile;
        }

        return null;
    }

    public static Profile Of(HttpContext context) =>
        ByPath(context.Request) ?? Get(context.RequestServices.GetRequiredService<IOptions<CompatOptions>>().Value.RootProfile);

    public static Profile Get(ProfileName name) => s_all[(int)name];

    public static IReadOnlyList<Profile> All => s_all;

    /// <summary>The error with which this product answers a mistake.</summary>
    /// <param name="fault">What was done wrong.</param>
    /// <param name="detail">What exactly, where, and what to do.</param>
    /// <param name="fields">The single wrong fields, where there are such.</param>
    public HttpError Refuse(Fault fault, string detail, params IReadOnlyList<FieldError> fields)
    {
        var answer = _answers[fault];
        var (slug, title) = FaultKinds.Of(fault);
        var extra = new Dictionary<string, object?>();
        if (answer.IsSchemaError)
            extra["validation_errors"] = fields.Count == 0 ? [detail] : ValidationErrors(fields);
        return new HttpError(answer.Status, StatusIsErrorCode ? answer.Status : answer.Code, slug, title, detail)
        {
            Errors = fields,
            Extra = extra,
            FamilyMessage = answer.Message,
        };
    }

    /// <summary>An error of the native API or of the broker with the number that this product has for it.</summary>
    public HttpError Adapt(HttpError error, HttpRequest request)
    {
        var code = StatusIsErrorCode ? error.Status : error.Slug switch
        {
            "topic-not-found" => HttpMethods.IsPost(request.Method) ? UnknownTopicCode.Produced : UnknownTopicCode.Asked,
            "bad-parameter" when error.Status == 400 => BadParameterCode,
            _ => error.ErrorCode,
        };
        var adapted = code == error.ErrorCode ? error : error.WithCode(code);

        // A product that lists schema errors has the type of the path's partition in its schema.
        return _answers[Fault.WrongType].IsSchemaError && error is { Slug: "bad-parameter", Status: 400, Errors: [{ Field: "partition" }] }
            ? adapted.With("validation_errors", ValidationErrors(error.Errors))
            : adapted;
    }

    /// <summary>Refuses a request whose Accept no v2 answer fits.</summary>
    public void CheckAccept(HttpRequest request)
    {
        if (IgnoresAccept || V2Accept.IsTaken(request.Headers.Accept))
            return;
        var error = Refuse(Fault.NotAcceptable, $"The answer is {Dialect.V2Type}; Accept names other types only.");
        throw error.With("accepted_types", new[] { Dialect.V2Type, "application/json" });
    }

    /// <summary>Refuses a body of another type than JSON, except those of produce, which have a type of their own.</summary>
    public void CheckContentType(HttpRequest request)
    {
        var type = V2Accept.WithoutParameters(request.ContentType);
        var fits = type.IsEmpty ? !NeedsContentType
            : type.Equals("application/json", StringComparison.OrdinalIgnoreCase) || type.StartsWith("application/vnd.kafka", StringComparison.OrdinalIgnoreCase);
        if (!fits && Name != ProfileName.Karapace)
            throw Refuse(Fault.UnsupportedType, $"This call takes {Dialect.V2Type}.").With("accepted_types", new[] { Dialect.V2Type, "application/json" });
    }

    private static string[] ValidationErrors(IReadOnlyList<FieldError> fields) => [.. fields.Select(f => $"{f.Field}: {f.Message}")];
}
