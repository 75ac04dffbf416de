using System.Text.Json;
using RestStream.Broker.Groups.Formats;
using RestStream.Storage.Records;
using RestStream.TestKit;

namespace RestStream.Broker.Tests.Groups;

/// <summary>Keys and values of <c>__consumer_offsets</c> and the consumer protocol, against bytes that Kafka's own classes wrote.</summary>
public class GroupFormatTests
{
    [Fact]
    public void A_group_belongs_to_the_partition_that_Kafka_picks()
    {
        foreach (var vector in Vectors("group-partition"))
        {
            var group = vector.GetProperty("group").GetString()!;
            Assert.Equal(vector.GetProperty("of50").GetInt32(), GroupPartition.Of(group, 50));
            Assert.Equal(vector.GetProperty("of8").GetInt32(), GroupPartition.Of(group, 8));
        }
    }

    [Fact]
    public void Keys_are_read_and_written_as_Kafka_writes_them_and_unknown_types_are_passed_over()
    {
        var seen = new HashSet<int>();
        foreach (var vector in Vectors("offsets-topic").Where(v => v.TryGetProperty("type", out _)))
        {
            var bytes = Bytes(vector);
            var type = vector.GetProperty("type").GetInt32();
            seen.Add(type);
            Assert.Equal(type <= 2, GroupRecordKey.TryParse(bytes, out var key));
            if (key is null)
                continue;

            AssertKey(vector.GetProperty("json"), key);
            if (type == OffsetCommitKey.LegacyType)
                bytes[1] = (byte)OffsetCommitKey.Type;
            Assert.Equal(bytes, key.ToBytes());
        }

        Assert.Superset(new HashSet<int> { 0, 1, 2, 3, 5, 6, 7, 8 }, seen);
    }

    [Fact]
    public void Committed_offsets_of_every_version_are_read_and_the_newest_is_written_as_Kafka_writes_it()
    {
        var versions = ValueVersions(nameof(OffsetCommitValue), (version, json, bytes) =>
        {
            var value = OffsetCommitValue.Parse(bytes);
            AssertOffset(json, value);
            if (version == 4)
                Assert.Equal(bytes, value.ToBytes());
            Assert.Equal(value, OffsetCommitValue.Parse(value.ToBytes()));
        });

        Assert.Equal([0, 1, 2, 3, 4], versions);
    }

    [Fact]
    public void Groups_of_every_version_are_read_and_the_newest_is_written_as_Kafka_writes_it()
    {
        var versions = ValueVersions(nameof(GroupMetadataValue), (version, json, bytes) =>
        {
            var value = GroupMetadataValue.Parse(bytes);
            AssertGroup(json, value);
            var written = value.ToBytes();
            if (version == 3)
                Assert.Equal(bytes, written);
            AssertGroup(json, GroupMetadataValue.Parse(written));
        });

        Assert.Equal([0, 1, 2, 3], versions);
    }

    [Fact]
    public void Subscriptions_of_every_version_are_read_and_the_newest_is_written_as_Kafka_writes_it()
    {
        var versions = ValueVersions("ConsumerProtocolSubscription", (version, json, bytes) =>
        {
            var value = ConsumerSubscription.Parse(bytes);
            AssertSubscription(json, value);
            if (version == 3)
                Assert.Equal(bytes, value.ToBytes());
            AssertSubscription(json, ConsumerSubscription.Parse(value.ToBytes()));
        });

        Assert.Equal([0, 1, 2, 3], versions);
    }

    [Fact]
    public void Assignments_of_every_version_are_read_and_written_as_Kafka_writes_them()
    {
        var versions = ValueVersions("ConsumerProtocolAssignment", (version, json, bytes) =>
        {
            var value = ConsumerAssignment.Parse(bytes);
            AssertPartitions(json.GetProperty("assignedPartitions"), value.Partitions);
            Assert.Equal(OptionalBytes(json, "userData"), value.UserData);

            // All versions have the same fields; we write 3.
            bytes[1] = 3;
            Assert.Equal(bytes, value.ToBytes());
        });

        Assert.Equal([0, 1, 2, 3], versions);
    }

    [Fact]
    public void Subscriptions_and_assignments_of_newer_versions_are_read_as_far_as_they_are_known()
    {
        var subscription = new ConsumerSubscription(["a"], [1], [new("a", [0, 2])], 5, "rack").ToBytes();
        var assignment = new ConsumerAssignment([new("a", [0, 2])], [1]).ToBytes();
        subscription[1] = 4;
        assignment[1] = 9;

        var readSubscription = ConsumerSubscription.Parse([.. subscription, 1, 2, 3]);
        var readAssignment = ConsumerAssignment.Parse([.. assignment, 1, 2, 3]);

        Assert.Equal(("rack", 5), (readSubscription.RackId, readSubscription.Generation));
        Assert.Equal([0, 2], Assert.Single(readAssignment.Partitions).Partitions);
    }

    [Fact]
    public void Tags_that_are_not_known_are_passed_over_and_the_topic_id_behind_them_is_still_read()
    {
        var id = Guid.NewGuid();
        var untagged = new OffsetCommitValue(7, 1, "note", 1000, Guid.Empty).ToBytes();
        byte[] tagged = [.. untagged[..^1], 2, 0, 16, .. id.ToByteArray(bigEndian: true), 9, 3, 1, 2, 3];

        var value = OffsetCommitValue.Parse(tagged);

        Assert.Equal(new OffsetCommitValue(7, 1, "note", 1000, id), value);
    }

    [Fact]
    public void The_offsets_partition_of_a_real_broker_decodes_to_what_Kafka_says_is_in_it()
    {
        var folder = Path.Combine(Locations.Golden, "log", "partitions", "__consumer_offsets-2");
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        var decoded = expected.RootElement.GetProperty("decoded").EnumerateArray().ToDictionary(d => d[0].GetInt64(), d => d[1]);

        var offsets = new List<long>();
        foreach (var (offset, key, value) in Records(Path.Combine(folder, "00000000000000000000.log")))
        {
            offsets.Add(offset);
            Assert.True(GroupRecordKey.TryParse(key, out var parsed));
            AssertKey(decoded[offset].GetProperty("key"), parsed);
            AssertOffset(decoded[offset].GetProperty("value"), OffsetCommitValue.Parse(value));
            Assert.Equal(value, OffsetCommitValue.Parse(value).ToBytes());
        }

        Assert.Equal(decoded.Keys.Order(), offsets);
    }

    [Fact]
    public void Bytes_that_end_early_are_refused_at_every_length()
    {
        foreach (var vector in Vectors("offsets-topic").Concat(Vectors("consumer-protocol")))
        {
            var bytes = Bytes(vector);
            var parse = ParserOf(vector);

            // Keys of unknown types are skipped by their first two bytes.
            if (vector.TryGetProperty("type", out var type) && type.GetInt32() > 2)
                continue;
            for (var length = 0; length < bytes.Length; length++)
                Assert.Throws<CorruptGroupRecordException>(() => parse(bytes[..length]));
        }
    }

    [Fact]
    public void Damaged_bytes_are_read_or_refused_but_never_fail_in_another_way()
    {
        var random = new Random(11);
        var refused = 0;
        foreach (var vector in Vectors("offsets-topic").Concat(Vectors("consumer-protocol")))
        {
            var parse = ParserOf(vector);
            for (var i = 0; i < 300; i++)
            {
                var bytes = Bytes(vector);
                for (var hits = random.Next(1, 4); hits > 0; hits--)
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                try
                {
                    parse(bytes);
                }
                catch (CorruptGroupRecordException)
                {
                    refused++;
                }
            }
        }

        Assert.True(refused > 1000);
    }

    [Theory]
    [InlineData("0005" + "000000000000002a", "version 5 is unknown")]
    [InlineData("ffff" + "000000000000002a", "version -1 is unknown")]
    [InlineData("0003" + "000000000000002a" + "00000005" + "ffff" + "0000000000000001", "metadata is null")]
    [InlineData("0003" + "000000000000002a" + "00000005" + "0010" + "0000000000000001", "metadata needs 16 bytes, 8 are left (at byte 16 of 24)")]
    [InlineData("0003" + "000000000000002a" + "00000005" + "0001c3" + "0000000000000001", "metadata is not UTF-8")]
    [InlineData("0003" + "000000000000002a" + "00000005" + "0000" + "0000000000000001" + "00", "end is not the end")]
    [InlineData("0004" + "000000000000002a" + "00000005" + "00" + "0000000000000001" + "00", "metadata is null")]
    [InlineData("0004" + "000000000000002a" + "00000005" + "01" + "0000000000000001" + "010002ffff", "topicId has 2 bytes instead of 16")]
    public void A_refusal_says_where_the_bytes_went_wrong(string hex, string message)
    {
        var error = Assert.Throws<CorruptGroupRecordException>(() => OffsetCommitValue.Parse(Convert.FromHexString(hex)));

        Assert.Contains(message, error.Message);
        Assert.StartsWith("OffsetCommitValue: ", error.Message);
    }

    [Fact]
    public void A_count_that_the_bytes_cannot_hold_is_refused_before_room_is_made_for_it()
    {
        var group = new GroupMetadataValue("consumer", 1, null, null, 0, []).ToBytes();
        group.AsSpan(^4..).Fill(0x7f);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<CorruptGroupRecordException>(() => GroupMetadataValue.Parse(group));

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
    }

    private static List<int> ValueVersions(string what, Action<int, JsonElement, byte[]> check)
    {
        var versions = new SortedSet<int>();
        foreach (var file in new[] { "offsets-topic", "consumer-protocol" })
        {
            foreach (var vector in Vectors(file).Where(v => v.GetProperty("what").GetString() == what))
            {
                versions.Add(vector.GetProperty("version").GetInt32());
                check(vector.GetProperty("version").GetInt32(), vector.GetProperty("json"), Bytes(vector));
            }
        }
        return [.. versions];
    }

    private static Action<byte[]> ParserOf(JsonElement vector) => vector.GetProperty("what").GetString() switch
    {
        nameof(OffsetCommitValue) => bytes => OffsetCommitValue.Parse(bytes),
        nameof(GroupMetadataValue) => bytes => GroupMetadataValue.Parse(bytes),
        "ConsumerProtocolSubscription" => bytes => ConsumerSubscription.Parse(bytes),
        "ConsumerProtocolAssignment" => bytes => ConsumerAssignment.Parse(bytes),
        _ => bytes => GroupRecordKey.TryParse(bytes, out _),
    };

    private static void AssertKey(JsonElement json, GroupRecordKey key)
    {
        Assert.Equal(json.GetProperty("group").GetString(), key.Group);
        if (json.TryGetProperty("topic", out var topic))
            Assert.Equal(new OffsetCommitKey(key.Group, topic.GetString()!, json.GetProperty("partition").GetInt32()), key);
        else
            Assert.IsType<GroupMetadataKey>(key);
    }

    private static void AssertOffset(JsonElement json, OffsetCommitValue value)
    {
        Assert.Equal(json.GetProperty("offset").GetInt64(), value.Offset);
        Assert.Equal(json.TryGetProperty("leaderEpoch", out var epoch) ? epoch.GetInt32() : -1, value.LeaderEpoch);
        Assert.Equal(json.GetProperty("metadata").GetString(), value.Metadata);
        Assert.Equal(json.GetProperty("commitTimestamp").GetInt64(), value.CommitTimestamp);
        Assert.Equal(json.TryGetProperty("topicId", out var id) ? Uuid(id.GetString()!) : Guid.Empty, value.TopicId);
    }

    private static void AssertGroup(JsonElement json, GroupMetadataValue value)
    {
        Assert.Equal(json.GetProperty("protocolType").GetString(), value.ProtocolType);
        Assert.Equal(json.GetProperty("generation").GetInt32(), value.Generation);
        Assert.Equal(json.GetProperty("protocol").GetString(), value.Protocol);
        Assert.Equal(json.GetProperty("leader").GetString(), value.Leader);
        Assert.Equal(json.TryGetProperty("currentStateTimestamp", out var since) ? since.GetInt64() : -1, value.CurrentStateTimestamp);
        var members = json.GetProperty("members").EnumerateArray().ToList();
        Assert.Equal(members.Count, value.Members.Count);
        foreach (var (expected, member) in members.Zip(value.Members))
        {
            var session = expected.GetProperty("sessionTimeout").GetInt32();
            Assert.Equal(expected.GetProperty("memberId").GetString(), member.MemberId);
            Assert.Equal(expected.TryGetProperty("groupInstanceId", out var instance) ? instance.GetString() : null, member.InstanceId);
            Assert.Equal(expected.GetProperty("clientId").GetString(), member.ClientId);
            Assert.Equal(expected.GetProperty("clientHost").GetString(), member.ClientHost);
            Assert.Equal(expected.TryGetProperty("rebalanceTimeout", out var rebalance) ? rebalance.GetInt32() : session, member.RebalanceTimeoutMs);
            Assert.Equal(session, member.SessionTimeoutMs);
            Assert.Equal(OptionalBytes(expected, "subscription"), member.Subscription);
            Assert.Equal(OptionalBytes(expected, "assignment"), member.Assignment);
        }
    }

    private static void AssertSubscription(JsonElement json, ConsumerSubscription value)
    {
        Assert.Equal(json.GetProperty("topics").EnumerateArray().Select(t => t.GetString()), value.Topics);
        Assert.Equal(OptionalBytes(json, "userData"), value.UserData);
        if (json.TryGetProperty("ownedPartitions", out var owned))
            AssertPartitions(owned, value.OwnedPartitions);
        else
            Assert.Empty(value.OwnedPartitions);
        Assert.Equal(json.TryGetProperty("generationId", out var generation) ? generation.GetInt32() : -1, value.Generation);
        Assert.Equal(json.TryGetProperty("rackId", out var rack) ? rack.GetString() : null, value.RackId);
    }

    private static void AssertPartitions(JsonElement json, IReadOnlyList<TopicPartitions> topics)
    {
        Assert.Equal(json.EnumerateArray().Select(t => t.GetProperty("topic").GetString()), topics.Select(t => t.Topic));
        Assert.Equal(
            json.EnumerateArray().Select(t => string.Join(',', t.GetProperty("partitions").EnumerateArray())),
            topics.Select(t => string.Join(',', t.Partitions)));
    }

    private static List<(long Offset, byte[] Key, byte[] Value)> Records(string log)
    {
        var records = new List<(long, byte[], byte[])>();
        for (ReadOnlySpan<byte> rest = File.ReadAllBytes(log); rest.Length > 0;)
        {
            Assert.True(RecordBatch.TryReadTotalBytes(rest, out var size));
            using var reader = new RecordReader(rest[..size]);
            while (!reader.Header.IsControl && reader.MoveNext())
                records.Add((reader.Current.Offset, reader.Current.Key.ToArray(), reader.Current.Value.ToArray()));
            rest = rest[size..];
        }
        return records;
    }

    private static Guid Uuid(string base64Url) => new(Convert.FromBase64String(base64Url.Replace('-', '+').Replace('_', '/') + "=="), bigEndian: true);

    private static byte[]? OptionalBytes(JsonElement json, string name) => json.TryGetProperty(name, out var text) && text.GetString() is { } base64 ? Convert.FromBase64String(base64) : null;

    private static byte[] Bytes(JsonElement vector) => Convert.FromHexString(vector.GetProperty("bytes").GetString()!);

    private static List<JsonElement> Vectors(string name) =>
        [.. File.ReadLines(Path.Combine(Locations.Golden, "log", "encodings", name + ".jsonl")).Where(l => l.Length > 0).Select(l => JsonDocument.Parse(l).RootElement)];
}
