using RestStream.Http.Groups;
using RestStream.Storage;

namespace RestStream.Tests.Groups;

public class UnackedRecordsTests
{
    private static readonly TopicPartition s_first = new("orders", 0);
    private static readonly TopicPartition s_second = new("orders", 1);

    [Fact]
    public void Records_are_counted_and_not_offsets()
    {
        var unacked = new UnackedRecords();

        unacked.Add(s_first, [5, 6, 7, 100, 101]);
        unacked.Add(s_first, [102, 200]);
        unacked.Add(s_second, [0]);

        Assert.Equal(8, unacked.Count);
        unacked.Acked(s_first, 6);
        Assert.Equal(7, unacked.Count);
        unacked.Acked(s_first, 6);
        Assert.Equal(7, unacked.Count);
        unacked.Acked(s_first, 101);
        Assert.Equal(4, unacked.Count);
        unacked.Drop(s_second);
        Assert.Equal(3, unacked.Count);
        unacked.Acked(s_first, 201);
        Assert.Equal(0, unacked.Count);
        Assert.Empty(unacked.Partitions);
    }

    [Fact]
    public void It_agrees_with_a_plain_list_whatever_is_sent_and_acked()
    {
        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            var unacked = new UnackedRecords();
            var model = new List<long>();
            long next = 0;
            for (var step = 0; step < 50; step++)
            {
                if (random.Next(2) == 0)
                {
                    var sent = Enumerable.Range(0, random.Next(1, 5)).Select(_ => next += random.Next(1, 3)).ToArray();
                    unacked.Add(s_first, sent);
                    model.AddRange(sent);
                }
                else
                {
                    var acked = random.NextInt64(next + 2);
                    unacked.Acked(s_first, acked);
                    model.RemoveAll(o => o < acked);
                }

                Assert.Equal(model.Count, unacked.Count);
            }
        }
    }
}
