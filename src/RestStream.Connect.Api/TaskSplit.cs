namespace RestStream.Connect;

/// <summary>Divides work among tasks, for <see cref="Connector.TaskConfigs"/>.</summary>
public static class TaskSplit
{
    /// <summary>
    /// As many groups as asked for, of neighbours in their order; sizes differ by at most one, the larger groups come first. With fewer elements than groups the last groups are empty: ask for
    /// <c>Math.Min(elements.Count, maxTasks)</c> where a task without work makes no sense. The same elements give the same groups (Kafka's <c>ConnectorUtils.groupPartitions</c>).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There are no groups.</exception>
    public static IReadOnlyList<IReadOnlyList<T>> Group<T>(IReadOnlyList<T> elements, int groups)
    {
        if (groups <= 0)
            throw new ArgumentOutOfRangeException(nameof(groups), "Number of groups must be positive.");
        var result = new List<IReadOnlyList<T>>(groups);
        for (int group = 0, next = 0; group < groups; group++)
        {
            var size = (elements.Count / groups) + (group < elements.Count % groups ? 1 : 0);
            result.Add([.. elements.Skip(next).Take(size)]);
            next += size;
        }

        return result;
    }
}
