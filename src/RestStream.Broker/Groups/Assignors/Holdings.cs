using RestStream.Storage;

namespace RestStream.Broker.Groups.Assignors;

/// <summary>
/// Who holds which partition while a sticky assignment is made, in numbers: members in <see cref="MemberOrder"/>, wanted topics that exist in ordinal order, their partitions counted through.
/// The order of the members given plays no part, so that the same members always get the same.
/// </summary>
internal sealed class Holdings
{
    /// <summary>In place of a member: nobody.</summary>
    public const int None = -1;

    private readonly MemberSubscription[] _members;
    private readonly string[] _topics;

    /// <summary>Number of each topic's partition 0; one entry more for the end.</summary>
    private readonly int[] _firstPartition;

    /// <summary>Members that say they own the partition, of whatever generation.</summary>
    private readonly HashSet<int>[] _claims;

    public Holdings(IReadOnlyDictionary<string, int> partitionCounts, IReadOnlyList<MemberSubscription> members)
    {
        _members = [.. members.Order(MemberOrder.Instance)];
        _topics = [.. _members.SelectMany(m => m.Topics).Distinct().Where(partitionCounts.ContainsKey).Order(StringComparer.Ordinal)];
        var numbers = _topics.Index().ToDictionary(t => t.Item, t => t.Index);
        TopicsOf = [.. _members.Select(m => m.Topics.Where(numbers.ContainsKey).Select(t => numbers[t]).Distinct().Order().ToArray())];
        var subscribers = TopicsOf.Index().SelectMany(m => m.Item.Select(topic => (topic, member: m.Index))).ToLookup(s => s.topic, s => s.member);
        SubscribersOf = [.. Enumerable.Range(0, _topics.Length).Select(t => subscribers[t].ToArray())];

        _firstPartition = new int[_topics.Length + 1];
        for (var topic = 0; topic < _topics.Length; topic++)
            _firstPartition[topic + 1] = _firstPartition[topic] + partitionCounts[_topics[topic]];
        TopicOf = [.. Enumerable.Range(0, _topics.Length).SelectMany(t => Enumerable.Repeat(t, _firstPartition[t + 1] - _firstPartition[t]))];

        _claims = new HashSet<int>[TopicOf.Length];
        Home = FindHomes(numbers);
        Holder = [.. Home];
    }

    public int Members => _members.Length;

    public int Topics => _topics.Length;

    public int Partitions => TopicOf.Length;

    /// <summary>Topics of each member, ascending.</summary>
    public int[][] TopicsOf { get; }

    /// <summary>Members of each topic, ascending; at least one.</summary>
    public int[][] SubscribersOf { get; }

    /// <summary>The topic of each partition.</summary>
    public int[] TopicOf { get; }

    /// <summary>Who owned the partition last, of the newest generation that claims it, and still subscribes to it; <see cref="None"/> else.</summary>
    public int[] Home { get; }

    /// <summary>Who gets the partition. At first the same as <see cref="Home"/>.</summary>
    public int[] Holder { get; }

    public bool SubscriptionsAreEqual => Array.TrueForAll(TopicsOf, topics => topics.Length == Topics);

    /// <param name="withholdOwned">Leaves out what somebody else owns, unless the holder owns it too.</param>
    public IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> ToAssignment(bool withholdOwned)
    {
        var assigned = Array.ConvertAll(_members, _ => new List<TopicPartition>());
        for (var partition = 0; partition < Partitions; partition++)
        {
            var withheld = withholdOwned && _claims[partition] is { } claims && !claims.Contains(Holder[partition]);
            if (!withheld)
                assigned[Holder[partition]].Add(new TopicPartition(_topics[TopicOf[partition]], partition - _firstPartition[TopicOf[partition]]));
        }
        return _members.Index().ToDictionary(m => m.Item.MemberId, IReadOnlyList<TopicPartition> (m) => assigned[m.Index]);
    }

    private int[] FindHomes(Dictionary<string, int> numbers)
    {
        var homes = new int[Partitions];
        Array.Fill(homes, None);
        for (var member = 0; member < Members; member++)
        {
            foreach (var owned in _members[member].Owned)
            {
                // A topic or partition that is gone, or a topic that nobody wants any longer.
                if (!numbers.TryGetValue(owned.Topic, out var topic) || (uint)owned.Partition >= (uint)(_firstPartition[topic + 1] - _firstPartition[topic]))
                    continue;
                var partition = _firstPartition[topic] + owned.Partition;
                (_claims[partition] ??= []).Add(member);

                // Two claims of one generation cannot be told apart; the first member in order wins.
                if (homes[partition] == None || _members[member].Generation > _members[homes[partition]].Generation)
                    homes[partition] = member;
            }
        }

        for (var partition = 0; partition < Partitions; partition++)
        {
            if (homes[partition] != None && Array.BinarySearch(TopicsOf[homes[partition]], TopicOf[partition]) < 0)
                homes[partition] = None;
        }
        return homes;
    }
}
