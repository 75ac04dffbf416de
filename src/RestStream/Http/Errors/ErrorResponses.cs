using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.WebUtilities;
using RestStream.Broker;
using RestStream.Connect;
using RestStream.Hosting;
using RestStream.Http.Connect;
using RestStream.Http.Produce;

namespace RestStream.Http.Errors;

/// <summary>
/// The one place where a refusal becomes an HTTP answer: the host's own, the broker's, Kestrel's, and the bare status codes of routing.
/// Anything else that escapes a handler is a bug and becomes a 500 that says nothing about the inside; the log has it.
/// </summary>
internal sealed class ErrorResponses(ILogger<ErrorResponses> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
    {
        // The client went away in the middle: there is nobody to tell, and nothing is wrong here.
        if (context.RequestAborted.IsCancellationRequested && exception is OperationCanceledException or IOException)
            return true;

        var error = TryFrom(exception);
        if (error is null)
        {
            logger.HandlerFailed(context.Request.Method, context.Request.Path.Value ?? "", exception);
            error = new HttpError(500, 50000, "internal-error", "Internal error",
                $"Something went wrong in the server; nothing you sent explains it. The server's log has the details under {context.TraceIdentifier}.");
        }

        await ErrorBody.SendAsync(context, error);
        return true;
    }

    /// <summary>The answer to an exception that is a refusal; null when it is a bug.</summary>
    public static HttpError? TryFrom(Exception exception) => exception switch
    {
        HttpError error => error,
        BrokerException refusal => From(refusal),
        ConnectRequestException refusal => new HttpError(refusal.Status, refusal.Status * 100, "connect-refusal", "Refused by Connect", refusal.Message),

        // As in Kafka: what a plugin says to the caller is what it says.
        ConnectException failure => new HttpError(500, 50000, "connect-failure", "Connect failed", failure.Message),
        BadHttpRequestException bad => From(bad),

        // Kestrel's exception for the length of a chunk that no number holds; for every other bad chunk it is a BadHttpRequestException.
        IOException { InnerException: OverflowException } => Generic(StatusCodes.Status400BadRequest, "Bad chunk size data."),
        _ => null,
    };

    public static HttpError From(BrokerException refusal)
    {
        var unknownPartition = refusal.Subject == "partition";
        var (status, code, slug, title) = refusal.Code switch
        {
            ErrorCode.OffsetOutOfRange when refusal.Earliest >= 0 && refusal.Latest < 0 => (410, 41001, "offset-gone", "Offset gone"),
            ErrorCode.OffsetOutOfRange => (416, 41601, "offset-out-of-range", "Offset out of range"),
            ErrorCode.CorruptMessage => (500, 50004, "damaged-records", "Damaged records"),
            ErrorCode.UnknownTopicOrPartition when unknownPartition => (404, 40402, "partition-not-found", "Partition not found"),
            ErrorCode.UnknownTopicOrPartition => (404, 40401, "topic-not-found", "Topic not found"),
            ErrorCode.RequestTimedOut => (503, 50302, "timed-out", "Timed out"),
            ErrorCode.MessageTooLarge => (413, 41302, "record-too-large", "Record too large"),
            ErrorCode.RecordListTooLarge => (413, 41306, "unit-too-large", "Unit too large"),
            ErrorCode.InvalidTopic => (422, 42210, "invalid-topic-name", "Invalid topic name"),
            ErrorCode.InvalidTimestamp => (422, 42211, "invalid-timestamp", "Invalid timestamp"),
            ErrorCode.TopicAlreadyExists => (409, 40904, "topic-exists", "Topic exists"),
            ErrorCode.InvalidPartitions => (422, 42212, "invalid-partitions", "Invalid partition count"),
            ErrorCode.InvalidConfig => (422, 42213, "invalid-config", "Invalid config"),
            ErrorCode.InvalidRequest => (422, 42200, "invalid-request", "Invalid request"),
            ErrorCode.PolicyViolation => (422, 42214, "policy-violation", "Policy violation"),
            ErrorCode.KafkaStorageError => (503, 50303, "writes-stopped", "Writes stopped"),
            ErrorCode.UnsupportedCompressionType => (415, 41502, "unsupported-codec", "Unsupported codec"),
            ErrorCode.ThrottlingQuotaExceeded => (429, 42900, "overloaded", "Overloaded"),
            ErrorCode.InvalidRecord => (422, 42215, "invalid-record", "Invalid record"),
            ErrorCode.DiskFull => (507, 50701, "disk-full", "Disk full"),
            ErrorCode.OffsetMismatch => (412, 41201, "offset-mismatch", "Offset mismatch"),
            ErrorCode.TopicRecreated => (409, 40905, "topic-recreated", "Topic recreated"),
            ErrorCode.OffsetMetadataTooLarge => (422, 42217, "offset-metadata-too-large", "Offset metadata too large"),
            ErrorCode.InvalidGroupId => (422, 42218, "invalid-group-name", "Invalid group name"),
            ErrorCode.InvalidSessionTimeout => (422, 42219, "invalid-session-timeout", "Invalid session timeout"),
            ErrorCode.CoordinatorLoadInProgress or ErrorCode.CoordinatorNotAvailable or ErrorCode.NotCoordinator => (503, 50304, "groups-not-ready", "Groups not ready"),
            ErrorCode.IllegalGeneration => (409, 40906, "stale-generation", "Stale generation"),
            ErrorCode.UnknownMemberId => (404, 40406, "unknown-member", "Unknown member"),
            ErrorCode.RebalanceInProgress => (409, 40907, "rebalance-in-progress", "Rebalance in progress"),
            ErrorCode.InconsistentGroupProtocol => (409, 40908, "inconsistent-group-protocol", "Inconsistent group protocol"),
            ErrorCode.NonEmptyGroup => (409, 40909, "group-has-members", "Group has members"),
            ErrorCode.GroupIdNotFound => (404, 40405, "group-not-found", "Group not found"),
            ErrorCode.FencedInstanceId => (409, 40910, "member-fenced", "Member fenced"),
            ErrorCode.GroupMaxSizeReached => (422, 42220, "group-full", "Group full"),
            ErrorCode.GroupSubscribedToTopic => (409, 40911, "group-subscribed", "Group is subscribed"),
            ErrorCode.OutOfOrderSequenceNumber => (409, 40912, "sequence-gap", "Sequence gap"),
            ErrorCode.InvalidProducerEpoch => (403, 40303, "stale-producer-epoch", "Stale producer epoch"),
            ErrorCode.InvalidProducerIdMapping => (422, 42221, "unknown-producer-id", "Unknown producer id"),
            ErrorCode.IdempotencyKeyInUse => (409, 40913, "idempotency-key-in-use", "Idempotency key in use"),
            ErrorCode.IdempotencyKeyReused => (422, 42222, "idempotency-key-reused", "Idempotency key reused"),
            ErrorCode.InvalidCommitOffsetSize => (413, 41305, "commit-too-large", "Commit too large"),
            ErrorCode.MemberIdRequired => (409, 40914, "member-id-required", "Member id required"),
            ErrorCode.LimitReached => (422, 42216, "limit-reached", "Limit reached"),
            _ => (500, 50002, "broker-error", "Broker error"),
        };

        var extra = new Dictionary<string, object?>();
        if (refusal.Partition is { } partition)
        {
            extra["topic"] = partition.Topic;
            extra["partition"] = partition.Partition;
        }

        if (refusal.Earliest >= 0)
            extra["earliest"] = refusal.Earliest;
        if (refusal.Latest >= 0)
            extra["latest"] = refusal.Latest;

        var headers = new List<(string, string)>();
        if (refusal.ExpectedSequence >= 0)
        {
            extra["expected_seq"] = refusal.ExpectedSequence;
            headers.Add((ProducerStamp.ExpectedSequenceHeader, refusal.ExpectedSequence.ToString(CultureInfo.InvariantCulture)));
        }

        if (refusal.ProducerEpoch >= 0)
        {
            extra["producer_epoch"] = (int)refusal.ProducerEpoch;
            headers.Add((ProducerStamp.EpochHeader, refusal.ProducerEpoch.ToString(CultureInfo.InvariantCulture)));
        }

        // A field is only what the client wrote; on a 404 it is the path that is wrong.
        var field = status is 422 && refusal.Subject is { } subject ? subject : null;
        return new HttpError(status, code, slug, title, refusal.Message)
        {
            Errors = field is null ? [] : [new FieldError(field, refusal.Message)],
            Extra = extra,
            Headers = headers,
            RetryAfter = status switch { 429 => 1, 503 => 5, _ => refusal.Code == ErrorCode.IdempotencyKeyInUse ? 1 : null },
        };
    }

    /// <summary>A status that routing or a middleware set without a body.</summary>
    public static Task SendStatusAsync(StatusCodeContext status)
    {
        var context = status.HttpContext;
        if (!ConnectEndpoints.Owns(context))
            return ErrorBody.SendAsync(context, From(context));
        return context.Response.StatusCode == 405 && HttpMethods.IsOptions(context.Request.Method)
            ? SendOptionsAsync(context.Response)
            : ErrorBody.SendAsync(context, Generic(context.Response.StatusCode, $"HTTP {context.Response.StatusCode} {ReasonPhrases.GetReasonPhrase(context.Response.StatusCode)}"));
    }

    /// <summary>What Kafka Connect answers to OPTIONS that is no preflight of CORS.</summary>
    private static Task SendOptionsAsync(HttpResponse response)
    {
        var methods = $"{response.Headers.Allow}, OPTIONS";
        response.StatusCode = StatusCodes.Status200OK;
        response.Headers.Allow = methods;
        response.ContentType = "text/plain";
        response.ContentLength = methods.Length;
        return response.WriteAsync(methods);
    }

    private static HttpError From(HttpContext context)
    {
        var (request, status) = (context.Request, context.Response.StatusCode);
        return status switch
        {
            404 => new HttpError(404, 40400, "no-such-path", "No such path", "There is nothing at this path. The API is described at /swagger."),
            405 => new HttpError(405, 40500, "method-not-allowed", "Method not allowed",
                $"{Method(request.Method)} is not possible here. Possible: {context.Response.Headers.Allow}."),
            406 => new HttpError(406, 40600, "not-acceptable", "Not acceptable", "This resource cannot be shown in any of the types that Accept names."),
            415 => new HttpError(415, 41500, "unsupported-media-type", "Unsupported media type", "This resource takes application/json.")
            {
                Extra = new Dictionary<string, object?> { ["accepted_types"] = new[] { "application/json" } },
            },
            _ => Generic(status, Phrase(status)),
        };
    }

    private static HttpError From(BadHttpRequestException bad) => bad.StatusCode switch
    {
        408 => new HttpError(408, 40800, "too-slow", "Request too slow", "The body arrived too slowly. Send it faster, or stream it as application/x-ndjson."),
        413 => new HttpError(413, 41300, "body-too-large", "Body too large", "The body is larger than the server takes."),
        415 => new HttpError(415, 41500, "unsupported-media-type", "Unsupported media type", bad.Message),
        _ => Generic(bad.StatusCode, bad.Message),
    };

    private static HttpError Generic(int status, string detail)
    {
        var phrase = Phrase(status);
        return new HttpError(status, status * 100, phrase.ToLowerInvariant().Replace(' ', '-'), phrase, detail);
    }

    private static string Phrase(int status) => Enum.IsDefined((HttpStatusCode)status) ? Words(((HttpStatusCode)status).ToString()) : $"Status {status}";

    /// <summary><c>BadGateway</c> becomes <c>Bad gateway</c>.</summary>
    private static string Words(string name) =>
        string.Concat(name.Select((c, i) => i > 0 && char.IsUpper(c) ? $" {char.ToLowerInvariant(c)}" : c.ToString()));

    /// <summary>The method is the client's text.</summary>
    private static string Method(string method) => method.Length <= 20 ? method : "This method";
}

internal static class ErrorResponsesSetup
{
    public static IServiceCollection AddErrorResponses(this IServiceCollection services) => services.AddExceptionHandler<ErrorResponses>().AddProblemDetails();

    /// <summary>First in the pipeline: everything behind it answers its refusals with the one error body.</summary>
    public static IApplicationBuilder UseErrorResponses(this IApplicationBuilder app) => app.UseExceptionHandler().UseStatusCodePages(ErrorResponses.SendStatusAsync);
}
