using System.Text.Json;
using RestStream.Broker.Fetching;
using RestStream.Broker.Groups;
using RestStream.Broker.Groups.Formats;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Files;
using RestStream.TestKit;

namespace RestStream.Broker.Tests.Groups;

/// <summary>Reads what Kafka 4.3 itself wrote: groups of every protocol side by side, and offsets of committed and aborted transactions.</summary>
public sealed class OffsetsTopicReaderTests : IDisposable
{
    private readonly TempFolder _folder = new("offsets");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("__consumer_offsets-0")]
    [InlineData("__consumer_offsets-2")]
    [InlineData("__consumer_offsets-3")]
    public async Task Kafkas_own_records_read_as_Kafka_reads_them(string name)
    {
        var expected = Expected(name);

        var (read, damage) = await ReadAsync(name, _ => { });

        Assert.Empty(damage);
        Assert.Equal(expected, read);
    }

    [Fact]
    public async Task A_damaged_batch_is_reported_and_the_others_are_read()
    {
        const string name = "__consumer_offsets-0";
        var (whole, _) = await ReadAsync(name, _ => { });

        // The text "classic-orders" of the first batch's key: what it says of the group is said again by later ones.
        var (read, damage) = await ReadAsync(name, bytes => bytes[61 + 20] ^= 1);

        Assert.Single(damage);
        Assert.Equal(whole, read);
    }

    private async Task<(List<string> Read, List<string> Damage)> ReadAsync(string name, Action<byte[]> harm)
    {
        var data = _folder[Guid.NewGuid().ToString("N")];
        var partition = Directory.CreateDirectory(Path.Combine(data, name)).FullName;
        foreach (var file in Directory.GetFiles(Path.Combine(Locations.Golden, "log", "partitions", name)).Where(f => !f.EndsWith(".json", StringComparison.Ordinal)))
        {
            var bytes = await File.ReadAllBytesAsync(file);
            if (file.EndsWith(".log", StringComparison.Ordinal))
                harm(bytes);
            await File.WriteAllBytesAsync(Path.Combine(partition, Path.GetFileName(file)), bytes);
        }

        var options = new BrokerOptions { MinFreeBytes = 0, JournalFileBytes = 256 * 1024, JournalMaxBytes = 1024 * 1024 };
        await using var directory = LogDirectory.Open(options.ToLogDirectoryOptions(data), new LinuxFileSystem(), new ManualClock());
        var log = Assert.Single(directory.Partitions);
        var last = new Dictionary<string, string>();
        var damage = new List<string>();
        new OffsetsTopicReader(
            new Partition(log.Id, log, LogConfig.Default, new TopicCounters(), new EncodedCache(0)),
            (key, deleted, value) => last[Name(key)] = deleted ? "" : Value(key, value),
            damage.Add).ReadAll();
        return (Lines(last), damage);
    }

    /// <summary>The last value of each key among the records that a read-committed reader keeps.</summary>
    private static List<string> Expected(string name)
    {
        var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Locations.Golden, "log", "partitions", name, "expected.json"))).RootElement;
        var kept = expected.GetProperty("readCommitted").GetProperty("offsetRanges").EnumerateArray().Select(r => (From: r[0].GetInt64(), To: r[1].GetInt64())).ToList();
        var last = new Dictionary<string, string>();
        foreach (var record in expected.GetProperty("decoded").EnumerateArray().Where(r => kept.Exists(k => k.From <= r[0].GetInt64() && r[0].GetInt64() <= k.To)))
        {
            var (key, value) = (record[1].GetProperty("key"), record[1].GetProperty("value"));
            var deleted = value.ValueKind == JsonValueKind.Null;
            switch (record[1].GetProperty("type").GetInt32())
            {
                case 0 or 1:
                    last[$"{key.GetProperty("group")} {key.GetProperty("topic")}-{key.GetProperty("partition")}"] =
                        deleted ? "" : $"{value.GetProperty("offset")} {value.GetProperty("metadata")} {value.GetProperty("commitTimestamp")}";
                    break;
                case 2:
                    last[$"{key.GetProperty("group")}"] = deleted ? "" : $"{value.GetProperty("generation")} {value.GetProperty("protocol")} {value.GetProperty("members").GetArrayLength()}";
                    break;
            }
        }

        return Lines(last);
    }

    private static string Name(GroupRecordKey key) => key is OffsetCommitKey offset ? $"{offset.Group} {offset.Topic}-{offset.Partition}" : key.Group;

    private static string Value(GroupRecordKey key, ReadOnlySpan<byte> value)
    {
        if (key is GroupMetadataKey)
        {
            var group = GroupMetadataValue.Parse(value);
            return $"{group.Generation} {group.Protocol} {group.Members.Count}";
        }

        var offset = OffsetCommitValue.Parse(value);
        return $"{offset.Offset} {offset.Metadata} {offset.CommitTimestamp}";
    }

    private static List<string> Lines(Dictionary<string, string> last) => [.. last.Select(l => $"{l.Key}: {l.Value}").Order(StringComparer.Ordinal)];
}
