using RestStream.Broker.Groups;
using RestStream.Storage;
using RestStream.TestKit;
using RestStream.TestKit.Disks;

namespace RestStream.Broker.Tests.Groups;

/// <summary>
/// A group to which everything happens that can: members come, go, fall silent and share names, topics grow, the server is restarted and loses power in the middle of commits.
/// After each step the members that live come together, and then every partition has exactly one owner and every acknowledged commit is there.
/// </summary>
public sealed class GroupModelTests
{
    private const string Group = "g";
    private const string Topic = "t";

    [Theory]
    [InlineData("range", 1)]
    [InlineData("roundrobin", 2)]
    [InlineData("sticky", 3)]
    [InlineData("sticky", 4)]
    [InlineData("cooperative-sticky", 5)]
    [InlineData("cooperative-sticky", 6)]
    public async Task Every_partition_has_one_owner_and_no_commit_goes_back_whatever_happens(string assignor, int seed)
    {
        await using var run = new Run(assignor, seed);
        await run.StartAsync();
        for (var step = 0; step < 80; step++)
            await run.StepAsync();
    }

    private sealed class Run(string assignor, int seed) : IAsyncDisposable
    {
        private readonly Random _random = new(seed);
        private readonly ManualClock _clock = new();
        private readonly Dictionary<string, IGroupConsumer> _members = [];
        private readonly Dictionary<string, IDisposable> _connections = [];
        private readonly Dictionary<TopicPartition, long> _committed = [];
        private readonly Dictionary<(int Generation, TopicPartition Partition), string> _owners = [];
        private SimulatedDisk _disk = new();
        private TestBroker _test = null!;
        private int _partitions = 3;
        private int _named;

        public async Task StartAsync()
        {
            _test = await TestBroker.StartAsync(files: _disk, clock: _clock, folder: "/data");
            await _test.CreateAsync(Topic, _partitions);
        }

        public async Task StepAsync()
        {
            var before = Owners();
            var (alive, unchanged) = (_members.Keys.ToHashSet(), false);
            switch (_random.Next(100))
            {
                case < 25 when _members.Count < 6:
                    Join($"m{_named++}");
                    break;
                case < 35 when _members.Count > 0:
                    await LeaveAsync(Any());
                    break;
                case < 45 when _members.Count > 0:
                    FallSilent(Any());
                    break;
                case < 52 when _partitions < 12:
                    await _test.AlterAsync(Topic, ++_partitions);
                    break;
                case < 60:
                    await RestartAsync(powerCut: false);
                    unchanged = true;
                    break;
                case < 70:
                    await RestartAsync(powerCut: true);
                    unchanged = true;
                    break;
                case < 75:
                    _clock.Advance(TimeSpan.FromSeconds(_random.Next(1, 120)));
                    break;
                default:
                    await CommitAsync();
                    break;
            }

            await GroupMembers.AllReadyAsync([.. _members.Values]);
            CheckOwners();
            CheckMoves(before, alive, unchanged);
            CheckCommits();
        }

        private void Join(string name)
        {
            var member = _test.Join(Group, name, assignor, Topic);
            Assert.Same(member, _test.Join(Group, name, assignor, Topic));
            Live(name, member);
        }

        /// <summary>An open connection: it lives however the clock moves.</summary>
        private void Live(string name, IGroupConsumer member)
        {
            _members[name] = member;
            _connections[name] = member.KeepAlive();
        }

        private async Task LeaveAsync(string name)
        {
            _members.Remove(name, out var member);
            _connections[name].Dispose();
            await member!.LeaveAsync();
            var refused = await member.CommitAsync(Topic, 0, 1_000_000);
            Assert.Equal(ErrorCode.UnknownMemberId, Assert.Single(refused).Reason);
        }

        /// <summary>Its connection is cut, and nothing is heard of it for longer than its session.</summary>
        private void FallSilent(string name)
        {
            _members.Remove(name);
            _connections[name].Dispose();
            _clock.Advance(TimeSpan.FromSeconds(46));
            Assert.DoesNotContain(_test.Broker.DescribeGroup(Group).Members, m => m.InstanceId == name);
        }

        private async Task RestartAsync(bool powerCut)
        {
            var before = _members.ToDictionary(m => m.Key, m => (m.Value.MemberId, m.Value.Assignment));
            var inFlight = new Dictionary<TopicPartition, long>();
            if (powerCut)
            {
                foreach (var (_, member) in _members.Where(m => m.Value.Assignment.Partitions.Count > 0))
                {
                    var partition = member.Assignment.Partitions[0];
                    inFlight[partition] = _committed.GetValueOrDefault(partition) + 1;
                    _ = member.CommitAsync([new OffsetCommit(partition, inFlight[partition])], -1, default);
                }

                _disk = _disk.Reboot(_random.Next());
            }

            await _test.DisposeAsync();
            _test = await TestBroker.StartAsync(files: _disk, clock: _clock, folder: "/data");
            foreach (var (partition, offset) in inFlight)
            {
                // Unanswered: either is right.
                if (_test.Committed(Group, Topic, partition.Partition) == offset)
                    _committed[partition] = offset;
            }

            foreach (var (name, (id, assignment)) in before)
            {
                var again = _test.Broker.FindGroupConsumer(Group, name);
                Assert.NotNull(again);
                Assert.Equal((id, assignment.Generation), (again.MemberId, again.Assignment.Generation));
                Assert.Equal(assignment.Partitions, again.Assignment.Partitions);
                Assert.False(again.RebalanceWanted.IsCompleted);
                Live(name, again);
            }
        }

        private async Task CommitAsync()
        {
            foreach (var member in _members.Values)
            {
                foreach (var partition in member.Assignment.Partitions.Where(_ => _random.Next(2) == 0).ToList())
                {
                    // Sometimes what was committed before, which must not move it back.
                    var offset = Math.Max(0, _committed.GetValueOrDefault(partition) + _random.Next(-3, 10));
                    Assert.Empty(await member.CommitAsync([new OffsetCommit(partition, offset)], member.Assignment.Generation, default));
                    _committed[partition] = Math.Max(offset, _committed.GetValueOrDefault(partition));
                }

                var foreign = _members.Values.Where(m => m != member).SelectMany(m => m.Assignment.Partitions).FirstOrDefault();
                if (foreign.Topic is not null)
                    Assert.Equal(ErrorCode.IllegalGeneration, Assert.Single(await member.CommitAsync([new OffsetCommit(foreign, 1_000_000)], -1, default)).Reason);
            }
        }

        private string Any() => _members.Keys.Order(StringComparer.Ordinal).ElementAt(_random.Next(_members.Count));

        private Dictionary<TopicPartition, string> Owners() => _members.SelectMany(m => m.Value.Assignment.Partitions.Select(p => (p, m.Key))).ToDictionary(o => o.p, o => o.Key);

        private void CheckOwners()
        {
            if (_members.Count == 0)
                return;
            var owners = Owners();
            Assert.Equal(Enumerable.Range(0, _partitions), owners.Keys.Select(p => p.Partition).Order());
            var generation = Assert.Single(_members.Values.Select(m => m.Assignment.Generation).Distinct());
            Assert.Equal((GroupState.Stable, generation), (_test.Broker.DescribeGroup(Group).State, _test.Broker.DescribeGroup(Group).Generation));
            foreach (var (partition, owner) in owners)
            {
                if (!_owners.TryAdd((generation, partition), owner))
                    Assert.Equal(owner, _owners[(generation, partition)]);
            }
        }

        /// <summary>Sticky ones move nothing between members that were there before, and a restart moves nothing at all.</summary>
        private void CheckMoves(Dictionary<TopicPartition, string> before, HashSet<string> alive, bool unchanged)
        {
            if (!unchanged && !assignor.Contains("sticky", StringComparison.Ordinal))
                return;
            foreach (var (partition, now) in Owners())
            {
                if (before.TryGetValue(partition, out var then) && then != now && _members.ContainsKey(then))
                    Assert.False(unchanged || alive.Contains(now), $"{partition} went from {then} to {now}, both of which were there before.");
            }
        }

        private void CheckCommits()
        {
            foreach (var (partition, offset) in _committed)
                Assert.Equal((partition, offset), (partition, _test.Committed(Group, Topic, partition.Partition)));
        }

        public async ValueTask DisposeAsync() => await _test.DisposeAsync();
    }
}
