using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation;
using RestStream.Broker.Topics;

namespace RestStream.Http.Groups;

/// <summary>Body of <c>POST /groups/{group}/poll</c>. Times in milliseconds.</summary>
internal sealed class PollBody
{
    [JsonPropertyName("topics")]
    public IReadOnlyList<string>? Topics { get; init; }

    [JsonPropertyName("topic_pattern")]
    public string? TopicPattern { get; init; }

    [JsonPropertyName("member")]
    public string? Member { get; init; }

    [JsonPropertyName("ack")]
    public string? Ack { get; init; }

    [JsonPropertyName("from")]
    public string? From { get; init; }

    [JsonPropertyName("max_records")]
    public int? MaxRecords { get; init; }

    [JsonPropertyName("max_bytes")]
    public int? MaxBytes { get; init; }

    [JsonPropertyName("min_bytes")]
    public int? MinBytes { get; init; }

    [JsonPropertyName("timeout")]
    public int? Timeout { get; init; }

    [JsonPropertyName("session_timeout")]
    public int? SessionTimeout { get; init; }

    [JsonPropertyName("rebalance_timeout")]
    public int? RebalanceTimeout { get; init; }

    [JsonPropertyName("assignor")]
    public string? Assignor { get; init; }

    [JsonPropertyName("key_format")]
    public string? KeyFormat { get; init; }

    [JsonPropertyName("value_format")]
    public string? ValueFormat { get; init; }

    /// <summary>Members that are not ours; a misspelt one must not be ignored.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>Every broken rule of a <see cref="PollBody"/>, each with its field.</summary>
internal sealed class PollBodyValidator : AbstractValidator<PollBody>
{
    public PollBodyValidator()
    {
        RuleFor(b => b.Others).Custom((others, rules) => BodyRules.RefuseUnknown(others, rules, "a poll has topics or topic_pattern, and perhaps member, ack, from, max_records, timeout"));
        RuleFor(b => b.Topics).Custom((topics, rules) => BodyRules.CheckTopics(topics, rules));
        RuleFor(b => b).Custom((body, rules) =>
        {
            if (body.Topics is not { Count: > 0 } == (body.TopicPattern is null))
                rules.AddFailure("topics", "Name the topics to read, as in {\"topics\":[\"orders\"]}, or a topic_pattern; one of the two.");
        });
        RuleFor(b => b.Member).Custom((member, rules) =>
        {
            if (member is not null && GroupNames.FindProblem(member, "member") is { } problem)
                rules.AddFailure("member", problem);
        });
        RuleFor(b => b.From).Must(from => from is null or "earliest" or "latest").WithMessage("from is earliest or latest.").OverridePropertyName("from");
        RuleFor(b => b.Assignor).Must(a => a is null || Assignors.All.Contains(a)).WithMessage($"assignor is one of {string.Join(", ", Assignors.All)}.").OverridePropertyName("assignor");
        RuleFor(b => b.KeyFormat).Must(IsFormat).WithMessage("key_format is json, text or base64.").OverridePropertyName("key_format");
        RuleFor(b => b.ValueFormat).Must(IsFormat).WithMessage("value_format is json, text or base64.").OverridePropertyName("value_format");
        RuleFor(b => b.MaxRecords).GreaterThan(0).WithMessage("max_records is at least 1.").OverridePropertyName("max_records");
        RuleFor(b => b.MaxBytes).GreaterThan(0).WithMessage("max_bytes is at least 1.").OverridePropertyName("max_bytes");
        RuleFor(b => b.MinBytes).GreaterThanOrEqualTo(0).WithMessage("min_bytes is at least 0.").OverridePropertyName("min_bytes");
        RuleFor(b => b.Timeout).GreaterThanOrEqualTo(0).WithMessage("timeout is a number of milliseconds, at least 0.").OverridePropertyName("timeout");
        RuleFor(b => b.SessionTimeout).GreaterThan(0).WithMessage("session_timeout is a number of milliseconds.").OverridePropertyName("session_timeout");
        RuleFor(b => b.RebalanceTimeout).GreaterThan(0).WithMessage("rebalance_timeout is a number of milliseconds.").OverridePropertyName("rebalance_timeout");
    }

    private static bool IsFormat(string? text) => text is null or "json" or "text" or "base64";
}

/// <summary>Body of <c>POST /groups/{group}/ack</c>.</summary>
internal sealed class AckBody
{
    [JsonPropertyName("member")]
    public string? Member { get; init; }

    [JsonPropertyName("cursor")]
    public string? Cursor { get; init; }

    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>Every broken rule of an <see cref="AckBody"/>, each with its field.</summary>
internal sealed class AckBodyValidator : AbstractValidator<AckBody>
{
    public AckBodyValidator()
    {
        RuleFor(b => b.Others).Custom((others, rules) => BodyRules.RefuseUnknown(others, rules, "an ack has member and cursor"));
        RuleFor(b => b.Member).NotEmpty().WithMessage("Name the member, as the poll or the stream did or as its answer told.").OverridePropertyName("member");
        RuleFor(b => b.Cursor).NotEmpty().WithMessage("cursor is the cursor of a poll's answer, or the id of a stream's event.").OverridePropertyName("cursor");
    }
}

/// <summary>Body of <c>PUT /groups/{group}/offsets</c>.</summary>
internal sealed class ResetBody
{
    [JsonPropertyName("to")]
    public string? To { get; init; }

    [JsonPropertyName("topics")]
    public IReadOnlyList<string>? Topics { get; init; }

    [JsonPropertyName("dry_run")]
    public bool? DryRun { get; init; }

    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>Every broken rule of a <see cref="ResetBody"/>, each with its field.</summary>
internal sealed class ResetBodyValidator : AbstractValidator<ResetBody>
{
    public ResetBodyValidator()
    {
        RuleFor(b => b.Others).Custom((others, rules) => BodyRules.RefuseUnknown(others, rules, "a reset has to, and perhaps topics and dry_run"));
        RuleFor(b => b.To).NotEmpty()
            .WithMessage("to is earliest, latest, a time (2026-01-31T12:00:00Z, t=1790000000000, -10m), -100 for the last 100 records, or a cursor such as orders/0:45.").OverridePropertyName("to");
        RuleFor(b => b.Topics).Custom((topics, rules) =>
        {
            BodyRules.CheckTopics(topics, rules);
            if (topics is { Count: 0 })
                rules.AddFailure("topics", "topics names at least one topic, or is left out: all topics of the group.");
        });
    }
}

/// <summary>Ways to assign partitions, by Kafka's names.</summary>
internal static class Assignors
{
    public static IReadOnlyList<string> All { get; } = ["range", "roundrobin", "sticky", "cooperative-sticky"];

    /// <summary>A member that asks for one way offers only that; one that asks for nothing offers all, the setting's first.</summary>
    public static IReadOnlyList<string> Offered(string? asked, string setting) => asked is not null ? [asked] : [setting, .. All.Where(a => a != setting)];
}

/// <summary>Rules that several bodies share.</summary>
internal static class BodyRules
{
    public static void RefuseUnknown<T>(IDictionary<string, JsonElement>? others, ValidationContext<T> rules, string members)
    {
        foreach (var name in others?.Keys ?? [])
            rules.AddFailure(name.Length <= 64 ? name : "body", $"There is no such member; {members}.");
    }

    public static void CheckTopics<T>(IReadOnlyList<string>? topics, ValidationContext<T> rules)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < topics?.Count; i++)
        {
            // JSON's null gets past the type.
            if (topics[i] is not { } topic)
                rules.AddFailure($"topics[{i}]", "A topic's name is a text.");
            else if (TopicNames.FindProblem(topic) is { } problem)
                rules.AddFailure($"topics[{i}]", problem);
            else if (!seen.Add(topic))
                rules.AddFailure($"topics[{i}]", "The topic is named twice.");
        }
    }
}
