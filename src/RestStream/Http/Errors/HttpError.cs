namespace RestStream.Http.Errors;

/// <summary>
/// A request that is refused by the host itself (the broker's refusals are BrokerExceptions). Becomes the one error body of the contract's section 8.
/// </summary>
/// <param name="status">HTTP status.</param>
/// <param name="errorCode">Five-digit number of the REST Proxy family: the status followed by two digits of its own.</param>
/// <param name="slug">Last part of the problem type's URL, such as <c>topic-not-found</c>.</param>
/// <param name="title">The kind of problem in a few words, the same for every occurrence.</param>
/// <param name="detail">What was wrong here, where, and what to do.</param>
internal sealed class HttpError(int status, int errorCode, string slug, string title, string detail) : Exception(detail)
{
    public int Status { get; } = status;
    public int ErrorCode { get; } = errorCode;
    public string Slug { get; } = slug;
    public string Title { get; } = title;

    /// <summary>Single broken fields, such as <c>records[3].partition</c>.</summary>
    public IReadOnlyList<FieldError> Errors { get; init; } = [];

    /// <summary>Seconds for Retry-After; null = no such header.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>Headers of the answer, such as <c>Producer-Expected-Seq</c>.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Further members of the body, such as <c>earliest</c>.</summary>
    public IReadOnlyDictionary<string, object?> Extra { get; init; } = new Dictionary<string, object?>();

    /// <summary>What <c>message</c> says where a product of the REST Proxy family has words of its own; null: the same as <c>detail</c>.</summary>
    public string? FamilyMessage { get; init; }

    /// <summary>The same error with another number.</summary>
    public HttpError WithCode(int errorCode) => Copy(errorCode, Headers, Extra);

    /// <summary>The same error with a further member.</summary>
    public HttpError With(string member, object? value) => Copy(ErrorCode, Headers, new Dictionary<string, object?>(Extra) { [member] = value });

    /// <summary>The same with one more header, which is a member of the body too.</summary>
    public HttpError With((string Name, string Value) header, (string Name, object Value) member) =>
        Copy(ErrorCode, [.. Headers, header], new Dictionary<string, object?>(Extra) { [member.Name] = member.Value });

    public static HttpError BadJson(string detail) => new(400, 40000, "malformed-body", "Malformed body", detail);
    public static HttpError BadParameter(string name, string detail) =>
        new(400, 40001, "bad-parameter", "Bad parameter", detail) { Errors = [new FieldError(name, detail)] };
    public static HttpError Invalid(string field, string detail) =>
        new(422, 42200, "invalid-request", "Invalid request", detail) { Errors = [new FieldError(field, detail)] };

    private HttpError Copy(int errorCode, IReadOnlyList<(string Name, string Value)> headers, IReadOnlyDictionary<string, object?> extra) =>
        new(Status, errorCode, Slug, Title, Message) { Errors = Errors, RetryAfter = RetryAfter, Headers = headers, Extra = extra, FamilyMessage = FamilyMessage };
}

/// <summary>One broken field of a request and what is wrong with it.</summary>
internal sealed record FieldError(string Field, string Message);
