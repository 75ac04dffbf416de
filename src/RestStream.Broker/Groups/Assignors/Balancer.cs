namespace RestStream.Broker.Groups.Assignors;

/// <summary>
/// The sticky assignment when members subscribe to different topics. What is wanted, the best balance and then the fewest moves, is a flow of least cost: a partition costs one when it
/// is not at home, and a member's n-th partition costs 2n-1 times more than all moves together (the sum of squares; what makes it least makes the differences between members least too).
/// <para>So: a good start, then as long as there is a ring of moves that makes things cheaper, do it. A ring leads from member to member, each giving one partition to the next; it may
/// pass "outside", where a member only gives or only gets. When there is no such ring left the assignment is the best there is (a theorem about flows). Rings are found as Bellman and
/// Ford do it.</para>
/// </summary>
internal sealed class Balancer
{
    /// <summary>
    /// Looking for rings ends after this many looks at an edge (some tenths of a second; a thousand members with ten thousand partitions took up to seven million), so that a huge and odd group
    /// cannot hold up the others. Every state on the way is a whole assignment, and the start is about as good as Kafka's own. Counted, not timed, because the same members must always get the same.
    /// </summary>
    private const long MostLooks = 20_000_000;

    private readonly Holdings _holdings;

    /// <summary>How many partitions each member has now.</summary>
    private readonly int[] _load;

    /// <summary>Per member, and there in the order of <see cref="Holdings.TopicsOf"/>: the partitions that it has of the topic.</summary>
    private readonly Hand[][] _hands;

    // Nodes of the graph: the members, then the topics, then the outside.
    private readonly long[] _cost;
    private readonly int[] _from;

    /// <summary>The partition with which the cheapest way reaches a node; for a member reached through a topic it is what the member before gave to the topic.</summary>
    private readonly int[] _with;

    private long _looks;

    public Balancer(Holdings holdings)
    {
        _holdings = holdings;
        _load = new int[holdings.Members];
        _hands = Array.ConvertAll(holdings.TopicsOf, topics => Array.ConvertAll(topics, _ => new Hand()));
        _cost = new long[holdings.Members + holdings.Topics + 1];
        _from = new int[_cost.Length];
        _with = new int[_cost.Length];
        for (var partition = 0; partition < holdings.Partitions; partition++)
        {
            if (holdings.Home[partition] != Holdings.None)
                Take(holdings.Home[partition], partition);
        }
    }

    private int Outside => _cost.Length - 1;

    /// <summary>What one partition more or less on a member weighs against one move: more than all nodes together can move.</summary>
    private long Weight => 2L * _cost.Length;

    public void Fill()
    {
        PlaceFree();
        LevelTopics();
        while (_looks < MostLooks && FindRing() is { } start)
            Turn(start);
    }

    /// <summary>Partitions without a home go to the subscriber that has least; topics with few subscribers first, they have the least choice.</summary>
    private void PlaceFree()
    {
        foreach (var partition in Enumerable.Range(0, _holdings.Partitions).Where(p => _holdings.Home[p] == Holdings.None).OrderBy(p => _holdings.SubscribersOf[_holdings.TopicOf[p]].Length))
            Take(_holdings.SubscribersOf[_holdings.TopicOf[partition]].MinBy(m => _load[m]), partition);
    }

    /// <summary>Within each topic from the subscriber that has most to the one that has least, as long as that helps. Settles most of the imbalance, at a small price.</summary>
    private void LevelTopics()
    {
        for (var moved = true; moved;)
        {
            moved = false;
            for (var topic = 0; topic < _holdings.Topics; topic++)
                moved |= Level(topic);
        }
    }

    private bool Level(int topic)
    {
        // A member that gives stands in the second queue with what it had before, one that gets does so in the first. The next pass, with new queues, sees to what that hides.
        var givers = new PriorityQueue<int, int>(_holdings.SubscribersOf[topic].Where(m => HandOf(m, topic).Count > 0).Select(m => (m, -_load[m])));
        var takers = new PriorityQueue<int, int>(_holdings.SubscribersOf[topic].Select(m => (m, _load[m])));
        var moved = false;
        while (givers.TryDequeue(out var giver, out _) && _load[giver] >= _load[takers.Peek()] + 2)
        {
            var taker = takers.Dequeue();
            Move(HandOf(giver, topic).Next, giver, taker);
            takers.Enqueue(taker, _load[taker]);
            if (HandOf(giver, topic).Count > 0)
                givers.Enqueue(giver, -_load[giver]);
            moved = true;
        }
        return moved;
    }

    /// <summary>A node on a ring that makes things cheaper; null when there is none.</summary>
    private int? FindRing()
    {
        Array.Clear(_cost);
        Array.Fill(_from, Holdings.None);
        while (Relax())
        {
            if (RingIn(_from) is { } node)
                return node;
        }
        return null;
    }

    /// <summary>One pass over all edges; false when no way became cheaper.</summary>
    private bool Relax()
    {
        var cheaper = false;
        for (var member = 0; member < _holdings.Members; member++)
        {
            // To get one more, and to be relieved of one: what the sum of squares changes by.
            cheaper |= Reach(Outside, member, Weight * ((2 * _load[member]) + 1));
            if (_load[member] > 0)
                cheaper |= Reach(member, Outside, -Weight * ((2 * _load[member]) - 1));

            var topics = _holdings.TopicsOf[member];
            for (var i = 0; i < topics.Length; i++)
            {
                var hand = _hands[member][i];
                if (hand.Count > 0)
                    cheaper |= Reach(_holdings.Members + topics[i], member, hand.Away.Count > 0 ? 0 : 1, hand.Next);
                foreach (var partition in hand.Away)
                {
                    if (_holdings.Home[partition] != Holdings.None)
                        cheaper |= Reach(_holdings.Home[partition], member, -1, partition);
                }
            }
        }

        for (var topic = 0; topic < _holdings.Topics; topic++)
        {
            foreach (var member in _holdings.SubscribersOf[topic])
                cheaper |= Reach(member, _holdings.Members + topic, 0, _with[_holdings.Members + topic]);
        }
        return cheaper;
    }

    private bool Reach(int node, int from, long price, int with = Holdings.None)
    {
        _looks++;
        if (_cost[from] + price >= _cost[node])
            return false;
        _cost[node] = _cost[from] + price;
        _from[node] = from;
        _with[node] = with;
        return true;
    }

    /// <summary>Where the ways to the nodes run in a circle, the circle is one that gets cheaper each time round.</summary>
    private static int? RingIn(int[] from)
    {
        var seenBy = new int[from.Length];
        for (var start = 0; start < from.Length; start++)
        {
            var node = start;
            for (; node != Holdings.None && seenBy[node] == 0; node = from[node])
                seenBy[node] = start + 1;
            if (node != Holdings.None && seenBy[node] == start + 1)
                return node;
        }
        return null;
    }

    /// <summary>Makes the moves of a ring.</summary>
    private void Turn(int start)
    {
        // Read off first: a move changes what the hands hold, not what the ring says.
        var moves = new List<(int Partition, int To)>();
        var node = start;
        do
        {
            if (node < _holdings.Members && _from[node] != Outside)
                moves.Add((_from[node] < _holdings.Members ? _with[node] : _with[_from[node]], node));
            node = _from[node];
        }
        while (node != start);

        foreach (var (partition, to) in moves)
            Move(partition, _holdings.Holder[partition], to);
    }

    private void Move(int partition, int from, int to)
    {
        HandOf(from, _holdings.TopicOf[partition]).Remove(partition);
        _load[from]--;
        Take(to, partition);
    }

    private void Take(int member, int partition)
    {
        HandOf(member, _holdings.TopicOf[partition]).Add(partition, atHome: _holdings.Home[partition] == member);
        _holdings.Holder[partition] = member;
        _load[member]++;
    }

    private Hand HandOf(int member, int topic) => _hands[member][Array.BinarySearch(_holdings.TopicsOf[member], topic)];

    /// <summary>What a member has of a topic.</summary>
    private sealed class Hand
    {
        private readonly List<int> _atHome = [];

        /// <summary>Those whose home is elsewhere or nowhere; giving one of them on costs no further move.</summary>
        public List<int> Away { get; } = [];

        public int Count => _atHome.Count + Away.Count;

        /// <summary>The one to be given away first.</summary>
        public int Next => Away.Count > 0 ? Away[^1] : _atHome[^1];

        public void Add(int partition, bool atHome) => (atHome ? _atHome : Away).Add(partition);

        public void Remove(int partition)
        {
            if (!Away.Remove(partition))
                _atHome.Remove(partition);
        }
    }
}
