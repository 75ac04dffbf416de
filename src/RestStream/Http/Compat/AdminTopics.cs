using RestStream.Broker;
using RestStream.Broker.Topics;

namespace RestStream.Http.Compat;

/// <summary>The bridge's <c>POST /admin/topics</c>.</summary>
internal static class AdminTopics
{
    /// <summary>There is one broker, which has the one replica of everything.</summary>
    private const int OnlyReplicas = 1;

    public static async Task CreateAsync(HttpContext context)
    {
        var profile = Profile.Of(context);
        profile.CheckAccept(context.Request);
        var body = await V2Body.ReadAsync(context, profile, optional: false);
        body.Only(body.Root, "", "topic_name", "partitions_count", "replication_factor");
        var name = body.Text(body.Root, "", "topic_name", required: true);
        var partitions = body.Number(body.Root, "", "partitions_count", int.MaxValue);
        var replicas = body.Number(body.Root, "", "replication_factor", short.MaxValue);
        if (replicas is not (null or OnlyReplicas))
            body.Note(Fault.BadValue, "replication_factor", "There is one broker, so the replication factor is 1.");
        if (name is not null && name.StartsWith("__", StringComparison.Ordinal))
            body.Note(Fault.BadValue, "topic_name", "Topics whose name begins with __ are the server's own. Choose another name.");
        body.ThrowIfWrong();

        var broker = context.RequestServices.GetRequiredService<IBroker>();
        await broker.CreateTopicAsync(new TopicSpec(name!, (int?)partitions, new Dictionary<string, string>()), context.RequestAborted);
        await JsonAnswer.SendAsync(context, StatusCodes.Status201Created, "{}"u8.ToArray());
    }
}
