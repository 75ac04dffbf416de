using System.Text;
using RestStream.Http.Errors;
using RestStream.Http.Records;

namespace RestStream.Tests.Read;

public class CursorTests
{
    [Theory]
    [InlineData("0:0", null, "0:0")]
    [InlineData("0:43,1:7", null, "0:43,1:7")]
    [InlineData("12:9223372036854775807", null, "12:9223372036854775807")]
    [InlineData("orders/0:43,bills/0:9", null, "orders/0:43,bills/0:9")]
    [InlineData("a.b-c_d/2147483647:1", null, "a.b-c_d/2147483647:1")]
    [InlineData("@k3f9a1,0:43", "k3f9a1", "0:43")]
    [InlineData("@000000,orders/0:43,orders/1:0", "000000", "orders/0:43,orders/1:0")]
    public void A_cursor_is_read(string text, string? incarnation, string items)
    {
        var cursor = Cursor.Parse(text, "cursor");

        Assert.Equal(incarnation, cursor.Incarnation);
        Assert.Equal(items, string.Join(',', cursor.Items.Select(i => $"{(i.Topic is null ? "" : i.Topic + "/")}{i.Partition}:{i.Offset}")));
    }

    [Theory]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("0")]
    [InlineData("0:")]
    [InlineData(":0")]
    [InlineData("0:1,")]
    [InlineData(",0:1")]
    [InlineData("0:1,,1:1")]
    [InlineData("0:-1")]
    [InlineData("-1:0")]
    [InlineData("+0:1")]
    [InlineData("0:+1")]
    [InlineData(" 0:1")]
    [InlineData("0:1 ")]
    [InlineData("0: 1")]
    [InlineData("00:1")]
    [InlineData("0:01")]
    [InlineData("0:1.0")]
    [InlineData("0:1e3")]
    [InlineData("0:0x1")]
    [InlineData("0:9223372036854775808")]
    [InlineData("2147483648:0")]
    [InlineData("0:٣")]
    [InlineData("0:1,0:2")]
    [InlineData("a/0:1,a/0:2")]
    [InlineData("a/0:1,0:2")]
    [InlineData("0:2,a/0:1")]
    [InlineData("/0:1")]
    [InlineData("a/b/0:1")]
    [InlineData("../0:1")]
    [InlineData("a b/0:1")]
    [InlineData("a\n/0:1")]
    [InlineData("a/")]
    [InlineData("@k3f9a1")]
    [InlineData("@k3f9a1,")]
    [InlineData("@,0:1")]
    [InlineData("@k3f9a,0:1")]
    [InlineData("@k3f9a11,0:1")]
    [InlineData("@K3F9A1,0:1")]
    [InlineData("@k3f9a1,@k3f9a1,0:1")]
    [InlineData("0:1,@k3f9a1")]
    [InlineData("g3;0:1")]
    [InlineData("0:1;1:1")]
    [InlineData("null")]
    [InlineData("{}")]
    public void Anything_else_is_refused_with_400_naming_the_parameter(string text)
    {
        var refusal = Assert.Throws<HttpError>(() => Cursor.Parse(text, "last_event_id"));

        Assert.Equal(400, refusal.Status);
        Assert.Equal("last_event_id", Assert.Single(refusal.Errors).Field);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public void More_partitions_than_the_limit_are_refused() =>
        Assert.Throws<HttpError>(() => Cursor.Parse(string.Join(',', Enumerable.Range(0, Cursor.MaxItems + 1).Select(i => $"{i}:0")), "cursor"));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_written_is_read_back(bool withTopics)
    {
        var random = new Random(42);
        for (var round = 0; round < 200; round++)
        {
            var count = random.Next(1, 20);
            var items = Enumerable.Range(0, count).Select(i => (Topic: withTopics ? $"topic-{i % 3}" : null, Partition: i * 7)).ToList();
            var next = items.Select(_ => random.NextInt64(round == 0 ? long.MaxValue : 1 << random.Next(1, 31))).ToArray();
            if (round == 1)
                next[0] = long.MaxValue;
            var incarnation = Incarnation.Of([Guid.NewGuid()]);
            var writer = new CursorWriter("@" + incarnation, items);

            var text = writer.ToText(next);
            var cursor = Cursor.Parse(text, "cursor");

            Assert.True(Encoding.UTF8.GetByteCount(text) <= writer.MaxBytes);
            Assert.Equal(incarnation, cursor.Incarnation);
            Assert.Equal(items.Zip(next, (i, offset) => new CursorItem(i.Topic, i.Partition, offset)), cursor.Items);
        }
    }

    [Fact]
    public void An_incarnation_is_the_same_for_ever_and_differs_between_topics_and_their_order()
    {
        var (one, other) = (new Guid("00112233-4455-6677-8899-aabbccddeeff"), new Guid("00112233-4455-6677-8899-aabbccddeefe"));

        Assert.Equal(Incarnation.Of([one]), Incarnation.Of([one]));
        Assert.Equal(4, new[] { Incarnation.Of([one]), Incarnation.Of([other]), Incarnation.Of([one, other]), Incarnation.Of([other, one]) }.Distinct().Count());

        // Cursors outlive the process: this value (FNV-1a 64 of the 16 bytes, six digits to base 36, low ones first) must not change.
        Assert.Equal("1l4jhw", Incarnation.Of([one]));
    }
}
