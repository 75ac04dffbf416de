using RestStream.Broker;
using RestStream.Broker.Topics;

namespace RestStream.Http.Produce;

/// <summary>Makes sure that a topic is there before records go to it.</summary>
internal static class AutoCreate
{
    /// <summary>Creates the topic with the default partition count when that is allowed.</summary>
    /// <exception cref="BrokerException">There is no such topic and it may not be made, or its name is impossible.</exception>
    public static async Task EnsureAsync(IBroker broker, string topic, bool allowed, CancellationToken cancellationToken)
    {
        if (broker.TryGetIntake(topic, out _))
            return;
        var reserved = topic.StartsWith("__", StringComparison.Ordinal);
        if (!allowed || reserved)
            throw BrokerException.UnknownTopic(topic);
        try
        {
            await broker.CreateTopicAsync(new TopicSpec(topic, null, new Dictionary<string, string>()), cancellationToken);
        }
        catch (BrokerException e) when (e.Code == ErrorCode.TopicAlreadyExists && broker.TryGetIntake(topic, out _))
        {
            // Two first records at the same time.
        }
    }
}
