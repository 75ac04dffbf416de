using RestStream.Broker.Topics;
using RestStream.Hosting;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Settings;
using RestStream.Storage;

namespace RestStream.Http.Consumers;

/// <summary>Consumer instances of REST Proxy v2 come, subscribe and go.</summary>
internal sealed class InstanceHandlers(ConsumerInstances instances, BaseUri baseUri, ILogger<ConsumerInstances> logger)
{
    public async Task CreateAsync(HttpContext context)
    {
        var profile = Profile.Of(context);
        profile.CheckAccept(context.Request);
        var group = (string)context.Request.RouteValues["group"]!;
        if (TopicNames.FindProblem(group) is { } problem)
            throw profile.Refuse(Fault.BadValue, problem.Replace("topic", "group", StringComparison.Ordinal), new FieldError("group", problem));
        var body = await V2Body.ReadAsync(context, profile, optional: true);
        var (name, config) = CreateBody.Parse(body, profile);
        await instances.CreateAsync(profile, group, name, config with { ClientHost = $"/{context.Connection.RemoteIpAddress}" });
        foreach (var setting in (ReadOnlySpan<string>)["enable.auto.commit", "isolation.level"])
        {
            if (profile.Name == ProfileName.Confluent && V2Body.Has(body.Root, setting))
                logger.LooksLikeBridgeClient(group, name, setting, Profile.Get(ProfileName.Strimzi).PathBase);
        }

        await JsonAnswer.SendAsync(context, json =>
        {
            json.WriteString("instance_id"u8, name);
            json.WriteString("base_uri"u8, baseUri.Of(context.Request, profile, group, name));
        });
    }

    public async Task DeleteAsync(HttpContext context)
    {
        using var call = await EnterAsync(context, instances);
        await instances.DeleteAsync(call.Instance);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task SubscribeAsync(HttpContext context)
    {
        var profile = Profile.Of(context);
        using var call = await EnterAsync(context, instances);
        var body = await V2Body.ReadAsync(context, profile, optional: false);
        body.Only(body.Root, "", "topics", "topic_pattern");
        var topics = body.Texts("topics");
        var pattern = body.Text(body.Root, "", "topic_pattern");
        foreach (var topic in topics ?? [])
        {
            if (TopicNames.FindProblem(topic) is { } problem)
                body.Note(Fault.BadValue, "topics", problem);
        }

        body.ThrowIfWrong();
        if (topics is not null && pattern is not null)
            throw profile.Refuse(Fault.TopicsAndPattern, "Illegal state: A subscription is a list of topics or a topic_pattern, not both.");
        if (topics is null && pattern is null || (topics is { Count: 0 } && !profile.Consumers.TakesNoTopics))
            throw profile.Refuse(Fault.NothingToSubscribe, "A subscription needs topics, a list of names, or topic_pattern, a regular expression.", new FieldError("topics", "Missing."));
        await call.Instance.SubscribeAsync(topics ?? [], pattern);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task UnsubscribeAsync(HttpContext context)
    {
        using var call = await EnterAsync(context, instances);
        await call.Instance.UnsubscribeAsync();
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task GetSubscriptionAsync(HttpContext context)
    {
        var profile = Profile.Of(context);
        profile.CheckAccept(context.Request);
        using var call = await EnterAsync(context, instances);
        var instance = call.Instance;
        var assigned = instance.Assigned;
        var byTopic = assigned.GroupBy(p => p.Topic, p => p.Partition).OrderBy(t => t.Key, StringComparer.Ordinal).ToList();
        var topics = profile.Consumers.ShowsAssignment || instance.Subscription.Pattern is not null ? byTopic.Select(t => t.Key) : instance.Subscription.Topics;
        await JsonAnswer.SendAsync(context, json =>
        {
            json.WriteStartArray("topics"u8);
            foreach (var topic in topics)
                json.WriteStringValue(topic);
            json.WriteEndArray();
            if (!profile.Consumers.ShowsAssignment)
                return;
            json.WriteStartArray("partitions"u8);
            foreach (var topic in byTopic)
            {
                json.WriteStartObject();
                json.WriteStartArray(topic.Key);
                foreach (var partition in topic.Order())
                    json.WriteNumberValue(partition);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    public async Task AssignAsync(HttpContext context)
    {
        var profile = Profile.Of(context);
        using var call = await EnterAsync(context, instances);
        var body = await V2Body.ReadAsync(context, profile, optional: false);
        var partitions = Partitions(body);
        await call.Instance.AssignAsync(partitions);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task GetAssignmentsAsync(HttpContext context)
    {
        Profile.Of(context).CheckAccept(context.Request);
        using var call = await EnterAsync(context, instances);
        var assigned = call.Instance.Assigned;
        await JsonAnswer.SendAsync(context, json =>
        {
            json.WriteStartArray("partitions"u8);
            foreach (var partition in assigned)
            {
                json.WriteStartObject();
                json.WriteString("topic"u8, partition.Topic);
                json.WriteNumber("partition"u8, partition.Partition);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    /// <summary>The instance that the path names.</summary>
    public static ValueTask<InstanceCall> EnterAsync(HttpContext context, ConsumerInstances instances) =>
        instances.EnterAsync(Profile.Of(context), (string)context.Request.RouteValues["group"]!, InstanceName.Of(context));

    /// <summary><c>{"partitions":[{"topic","partition"}]}</c>.</summary>
    public static List<TopicPartition> Partitions(V2Body body)
    {
        body.Only(body.Root, "", "partitions");
        var partitions = new List<TopicPartition>();
        foreach (var (item, path) in body.Objects("partitions", required: true) ?? [])
        {
            body.Only(item, path, "topic", "partition");
            partitions.Add(body.Partition(item, path));
        }

        body.ThrowIfWrong();
        return partitions;
    }
}
