using System.Text.Json;
using RestStream.Broker.Groups;
using RestStream.Broker.Groups.Classic;
using RestStream.Storage;
using RestStream.TestKit;

namespace RestStream.Broker.Tests.Groups;

/// <summary>
/// Conversations that were held with a real group coordinator of Kafka 4.3, held again with ours: the same errors, generations and leaders, the same requests answered at once
/// and the same ones parked, in the same order.
/// </summary>
public sealed class GroupTraceTests
{
    private static readonly string File = Path.Combine(Locations.Golden, "log", "group-traces.jsonl");

    public static TheoryData<string> Traces => [.. System.IO.File.ReadLines(File).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()!)];

    [Theory]
    [MemberData(nameof(Traces))]
    public async Task A_conversation_goes_as_with_Kafka(string id)
    {
        var trace = System.IO.File.ReadLines(File).Select(line => JsonDocument.Parse(line).RootElement).Single(t => t.GetProperty("id").GetString() == id);

        // The broker that was recorded had this limit; every other setting was its default or one that makes tests quick.
        await using var test = await TestBroker.StartAsync(groups: new GroupOptions { MaxGroupSize = 3 });
        await test.CreateAsync("t", 2);
        await test.CreateAsync("u", 2);
        var conversation = new Conversation(test);
        foreach (var step in trace.GetProperty("events").EnumerateArray())
            await conversation.TakeAsync(step);
    }

    /// <summary>What was sent, what came back, and who is who.</summary>
    private sealed class Conversation(TestBroker test)
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
        private readonly Dictionary<int, Task<JsonElement>> _sent = [];
        private readonly Dictionary<string, string> _ids = [];

        private GroupCoordinator Groups => test.Broker.Groups;

        public async Task TakeAsync(JsonElement step)
        {
            if (step.TryGetProperty("send", out var number))
            {
                var body = step.GetProperty("body");
                _sent.Add(number.GetInt32(), Send(step.GetProperty("who").GetString()!, step.GetProperty("api").GetString()!, step.GetProperty("version").GetInt32(), body));
            }
            else if (step.TryGetProperty("answer", out number))
            {
                await AnswerAsync(number.GetInt32(), step);
            }
            else if (step.TryGetProperty("pending", out number))
            {
                Wait(step.GetProperty("forMs").GetInt32());
                Assert.False(_sent[number.GetInt32()].IsCompleted, $"Request {number} was answered, Kafka let it wait.");
            }
            else
            {
                Wait(step.GetProperty("wait").GetInt32());
            }
        }

        private void Wait(int milliseconds)
        {
            for (var left = milliseconds; left > 0; left -= 100)
                test.Clock.Advance(TimeSpan.FromMilliseconds(Math.Min(100, left)));
        }

        private async Task AnswerAsync(int number, JsonElement step)
        {
            var answer = _sent[number];
            for (var waited = TimeSpan.Zero; !answer.IsCompleted && waited < Patience; waited += TimeSpan.FromMilliseconds(100))
            {
                await Task.WhenAny(answer, Task.Delay(50));
                if (!answer.IsCompleted)
                    test.Clock.Advance(TimeSpan.FromMilliseconds(100));
            }

            Assert.True(answer.IsCompleted, $"Request {number} was not answered.");
            var ours = await answer;
            _sent.Remove(number);
            Compare(step.GetProperty("body"), ours, $"answer {number}");
        }

        /// <summary>Every field that Kafka answered and we have must be the same; ids are learned when they first appear.</summary>
        private void Compare(JsonElement theirs, JsonElement ours, string where)
        {
            switch (theirs.ValueKind)
            {
                case JsonValueKind.Object:
                    foreach (var field in theirs.EnumerateObject())
                    {
                        if (ours.TryGetProperty(field.Name, out var mine))
                            Compare(field.Value, mine, $"{where}.{field.Name}");
                    }

                    break;
                case JsonValueKind.Array:
                    Assert.True(theirs.GetArrayLength() == ours.GetArrayLength(), $"{where}: {theirs} in Kafka, {ours} here");
                    foreach (var (a, b) in Sorted(theirs).Zip(Sorted(ours)))
                        Compare(a, b, where);
                    break;
                case JsonValueKind.String when theirs.GetString() is ['$', ..] name:
                    if (!_ids.TryAdd(name, ours.GetString()!))
                        Assert.Equal((where, _ids[name]), (where, ours.GetString()!));
                    break;
                case JsonValueKind.String when where.EndsWith(".memberId", StringComparison.Ordinal) && theirs.GetString()!.Length > 36:
                    // An id that nobody was told.
                    Assert.NotEqual("", ours.GetString());
                    break;
                default:
                    Assert.Equal((where, theirs.ToString()), (where, ours.ToString()));
                    break;
            }
        }

        /// <summary>Kafka lists members in the order of a hash table.</summary>
        private IEnumerable<JsonElement> Sorted(JsonElement list) => list.EnumerateArray().OrderBy(
            e => e.ValueKind == JsonValueKind.Object && e.TryGetProperty("memberId", out _) ? $"{Nullable(e, "groupInstanceId")} {Id(e, "memberId")}" : "", StringComparer.Ordinal);

        private async Task<JsonElement> Send(string who, string api, int version, JsonElement body) => JsonSerializer.SerializeToElement(api switch
        {
            "JoinGroup" => await JoinAsync(who, version, body),
            "SyncGroup" => await SyncAsync(body),
            "Heartbeat" => new { errorCode = Code(Groups.Heartbeat(Text(body, "groupId"), Id(body, "memberId"), Nullable(body, "groupInstanceId"), body.GetProperty("generationId").GetInt32())) },
            "LeaveGroup" => await LeaveAsync(body),
            "OffsetCommit" => await CommitAsync(body),
            "OffsetFetch" => Fetch(body),
            "OffsetDelete" => await DeleteOffsetsAsync(body),
            "DescribeGroups" => Describe(body),
            _ => throw new NotSupportedException(api),
        });

        private async Task<object> JoinAsync(string who, int version, JsonElement body)
        {
            var answer = await Groups.JoinAsync(new JoinGroupRequest
            {
                Group = Text(body, "groupId"),
                MemberId = Id(body, "memberId"),
                InstanceId = Nullable(body, "groupInstanceId"),
                ProtocolType = Text(body, "protocolType"),
                Protocols = [.. body.GetProperty("protocols").EnumerateArray().Select(p => new GroupProtocol(Text(p, "name"), p.GetProperty("metadata").GetBytesFromBase64()))],
                SessionTimeoutMs = body.GetProperty("sessionTimeoutMs").GetInt32(),
                RebalanceTimeoutMs = body.GetProperty("rebalanceTimeoutMs").GetInt32(),
                ClientId = $"client-{who}",
                ClientHost = "/127.0.0.1",
                RequiresKnownMemberId = version >= 4,
            });
            return new
            {
                errorCode = Code(answer.Error),
                generationId = answer.Generation,
                protocolType = answer.ProtocolType,
                protocolName = answer.Protocol,
                leader = answer.Leader,
                skipAssignment = answer.SkipAssignment,
                memberId = answer.MemberId,
                members = answer.Members.Select(m => new { memberId = m.MemberId, groupInstanceId = m.InstanceId, metadata = m.Metadata }),
            };
        }

        private async Task<object> SyncAsync(JsonElement body)
        {
            var answer = await Groups.SyncAsync(new SyncGroupRequest
            {
                Group = Text(body, "groupId"),
                Generation = body.GetProperty("generationId").GetInt32(),
                MemberId = Id(body, "memberId"),
                InstanceId = Nullable(body, "groupInstanceId"),
                ProtocolType = Nullable(body, "protocolType"),
                Protocol = Nullable(body, "protocolName"),
                Assignments = [.. body.GetProperty("assignments").EnumerateArray().Select(a => new MemberAssignment(Id(a, "memberId"), a.GetProperty("assignment").GetBytesFromBase64()))],
            });
            return new { errorCode = Code(answer.Error), protocolType = answer.ProtocolType, protocolName = answer.Protocol, assignment = answer.Assignment };
        }

        private async Task<object> LeaveAsync(JsonElement body)
        {
            var answer = await Groups.LeaveAsync(Text(body, "groupId"), [.. body.GetProperty("members").EnumerateArray().Select(m => new LeavingMember(Id(m, "memberId"), Nullable(m, "groupInstanceId")))]);
            return new { errorCode = Code(answer.Error), members = answer.Members.Select(m => new { memberId = m.MemberId, groupInstanceId = m.InstanceId, errorCode = Code(m.Error) }) };
        }

        private async Task<object> CommitAsync(JsonElement body)
        {
            var offsets = Partitions(body).Select(p => new OffsetCommit(p.Id, p.Json.GetProperty("committedOffset").GetInt64(), Text(p.Json, "committedMetadata"))).ToList();
            var errors = await Groups.CommitAsync(new OffsetCommitRequest
            {
                Group = Text(body, "groupId"),
                Generation = body.GetProperty("generationIdOrMemberEpoch").GetInt32(),
                MemberId = Id(body, "memberId"),
                InstanceId = Nullable(body, "groupInstanceId"),
                Offsets = offsets,
            });
            return ByTopic(offsets.Select((o, i) => (o.Partition, Code(errors[i]))));
        }

        private object Fetch(JsonElement body)
        {
            var asked = body.GetProperty("groups")[0];
            var group = Text(asked, "groupId");
            var all = test.Broker.CommittedOffsets(group);
            var topics = asked.GetProperty("topics").ValueKind == JsonValueKind.Null
                ? all.Select(o => o.Partition)
                : asked.GetProperty("topics").EnumerateArray().SelectMany(t => t.GetProperty("partitionIndexes").EnumerateArray().Select(p => new TopicPartition(Text(t, "name"), p.GetInt32())));
            var found = topics.GroupBy(p => p.Topic).Select(t => new
            {
                name = t.Key,
                partitions = t.Select(p => all.FirstOrDefault(o => o.Partition == p) is { Partition.Topic: not null } committed
                    ? new { partitionIndex = p.Partition, committedOffset = committed.Offset, metadata = committed.Metadata }
                    : new { partitionIndex = p.Partition, committedOffset = -1L, metadata = "" }),
            });
            return new { groups = new[] { new { groupId = group, topics = found } } };
        }

        private async Task<object> DeleteOffsetsAsync(JsonElement body)
        {
            var partitions = Partitions(body).Select(p => p.Id).ToList();
            try
            {
                var errors = await Groups.Existing(Text(body, "groupId")).DeleteOffsetsAsync(partitions);
                return ByTopic(partitions.Select((p, i) => (p, Code(errors[i]))));
            }
            catch (BrokerException e)
            {
                return new { errorCode = (int)e.Code, topics = Array.Empty<object>() };
            }
        }

        private object Describe(JsonElement body)
        {
            var group = test.Broker.DescribeGroup(body.GetProperty("groups")[0].GetString()!);
            return new
            {
                groups = new[]
                {
                    new
                    {
                        errorCode = 0,
                        groupId = group.Group,
                        groupState = group.State.ToString(),
                        protocolType = group.ProtocolType,
                        protocolData = group.Protocol,
                        members = group.Members.Select(m => new { memberId = m.MemberId, groupInstanceId = m.InstanceId, clientId = m.ClientId, clientHost = m.ClientHost }),
                    },
                },
            };
        }

        private static object ByTopic(IEnumerable<(TopicPartition Partition, int Error)> errors) => new
        {
            errorCode = 0,
            topics = errors.GroupBy(e => e.Partition.Topic).Select(t => new { name = t.Key, partitions = t.Select(p => new { partitionIndex = p.Partition.Partition, errorCode = p.Error }) }),
        };

        private static IEnumerable<(TopicPartition Id, JsonElement Json)> Partitions(JsonElement body) =>
            from topic in body.GetProperty("topics").EnumerateArray()
            from partition in topic.GetProperty("partitions").EnumerateArray()
            select (new TopicPartition(Text(topic, "name"), partition.GetProperty("partitionIndex").GetInt32()), partition);

        private static int Code(ErrorCode? error) => (int)(error ?? 0);

        private static string Text(JsonElement body, string name) => body.GetProperty(name).GetString()!;

        private static string? Nullable(JsonElement body, string name) => body.TryGetProperty(name, out var value) ? value.GetString() : null;

        private string Id(JsonElement body, string name) => Text(body, name) is ['$', ..] known ? _ids.GetValueOrDefault(known, $"made-up-{known[1..]}") : Text(body, name);
    }
}
