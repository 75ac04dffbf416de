namespace RestStream.Broker.Groups.Assignors;

/// <summary>
/// The sticky assignment when all members subscribe to the same topics, the usual case: all partitions are alike, so the best answer can be written down in one go,
/// in the time it takes to look at each partition.
/// </summary>
internal static class EvenSpread
{
    public static void Fill(Holdings holdings)
    {
        var room = Quotas(holdings);
        var free = new Queue<int>();
        for (var partition = 0; partition < holdings.Partitions; partition++)
        {
            var owner = holdings.Home[partition];
            if (owner != Holdings.None && room[owner] > 0)
                room[owner]--;
            else
                free.Enqueue(partition);
        }

        // Dealt in turn, so that the partitions of a topic are spread over the members.
        var turn = new Queue<int>(Enumerable.Range(0, holdings.Members).Where(member => room[member] > 0));
        while (free.TryDequeue(out var partition))
        {
            var member = turn.Dequeue();
            holdings.Holder[partition] = member;
            if (--room[member] > 0)
                turn.Enqueue(member);
        }
    }

    /// <summary>Everybody gets the average rounded down, and as many as it takes get one more: first those that own so many already, because they would have to give one up otherwise.</summary>
    private static int[] Quotas(Holdings holdings)
    {
        var (quota, larger) = Math.DivRem(holdings.Partitions, Math.Max(holdings.Members, 1));
        var owned = new int[holdings.Members];
        foreach (var member in holdings.Home.Where(m => m != Holdings.None))
            owned[member]++;

        var quotas = new int[holdings.Members];
        Array.Fill(quotas, quota);
        foreach (var member in Enumerable.Range(0, holdings.Members).OrderBy(m => owned[m] > quota ? 0 : 1).Take(larger))
            quotas[member]++;
        return quotas;
    }
}
