using System.Globalization;
using Microsoft.Extensions.Options;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Http.Records;
using RestStream.Settings;

namespace RestStream.Http.Consumers;

/// <summary>Polls of REST Proxy v2.</summary>
internal sealed class PollHandler(ConsumerInstances instances, IOptions<LimitOptions> options)
{
    private readonly LimitOptions _limits = options.Value;

    public Task PollAsync(HttpContext context) => PollAsync(context, topic: null);

    /// <summary>Version 1: records of one topic, which the first poll subscribes to.</summary>
    public Task PollTopicAsync(HttpContext context) => PollAsync(context, (string)context.Request.RouteValues["topic"]!);

    private async Task PollAsync(HttpContext context, string? topic)
    {
        var (request, profile) = (context.Request, Profile.Of(context));
        using var call = await InstanceHandlers.EnterAsync(context, instances);
        var instance = call.Instance;
        var (format, contentType) = ChooseFormat(request, profile, instance);
        var wait = Wait(Parameter(request, profile, "timeout"), instance);
        var maxBytes = Math.Clamp(Parameter(request, profile, "max_bytes") ?? _limits.DefaultPageBytes, 1, _limits.MaxPageBytes);
        if (topic is not null)
        {
            if (Broker.Topics.TopicNames.FindProblem(topic) is { } problem)
                throw profile.Refuse(Fault.BadValue, problem, new FieldError("topic", problem));
            await instance.SubscribeToAsync(topic);
        }

        // The membership may have been made by this very call.
        using var alive = instance.KeepAlive();
        var polled = await instance.PollAsync(RecordJson.V2(format), topic, wait, maxBytes, context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            await polled.WriteAsync(context.Response, contentType, context.RequestAborted);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            await instance.UndoAsync(polled);
            throw;
        }
    }

    private TimeSpan Wait(int? timeout, ConsumerInstance instance)
    {
        var rules = instance.Profile.Consumers;
        var usual = rules.RequestTimeoutIsPollWait ? instance.Config.RequestTimeout ?? rules.PollWait : rules.PollWait;
        var wait = timeout is { } asked ? TimeSpan.FromMilliseconds(asked) : usual;
        if (rules.TimeoutOnlyShortens && wait > usual)
            wait = usual;
        return wait < _limits.MaxWait ? wait : _limits.MaxWait;
    }

    private static int? Parameter(HttpRequest request, Profile profile, string name)
    {
        if (!request.Query.TryGetValue(name, out var values))
            return null;
        if (values.Count != 1 || !long.TryParse(values[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            throw profile.Refuse(Fault.BadParameter, $"{name} is a whole number from 0 on.", new FieldError(name, "Not a whole number."));
        return number >= 0 ? (int)Math.Min(number, int.MaxValue) : throw profile.Refuse(Fault.NegativeParameter, $"{name} is a whole number from 0 on.", new FieldError(name, "Below 0."));
    }

    /// <summary>
    /// The instance's format, in the type that Accept names for it. A type without a format, a wildcard and no Accept at all mean the instance's; where Accept decides, so does any format.
    /// </summary>
    /// <exception cref="HttpError"><see cref="Fault.FormatMismatch"/>.</exception>
    private static (DataFormat Format, string ContentType) ChooseFormat(HttpRequest request, Profile profile, ConsumerInstance instance)
    {
        var own = instance.Config.Format;
        var (asked, fits) = (false, false);
        foreach (var value in request.Headers.Accept)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                var type = V2Accept.WithoutParameters(value.AsSpan()[range]);
                if (type.IsEmpty)
                    continue;
                asked = true;
                if (V2Accept.TryFormat(type, out var format))
                {
                    if (format == own || profile.Consumers.AcceptDecides)
                        return (format, type.Contains(".v1+", StringComparison.OrdinalIgnoreCase) ? type.ToString() : V2Accept.TypeOf(format));
                }
                else
                {
                    fits |= V2Accept.IsWildcard(type) || V2Accept.IsJson(type) || V2Accept.IsFormatless(type);
                }
            }
        }

        return fits || !asked
            ? (own, V2Accept.TypeOf(own))
            : throw profile.Refuse(Fault.FormatMismatch, $"The instance was created with another format than Accept names. Ask for {V2Accept.TypeOf(own)}.");
    }
}
