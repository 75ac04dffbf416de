using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;
using RestStream.Settings;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Http.Produce;

/// <summary>
/// The records of one request (or of one piece of a stream) on their way into batches, one per partition, and what became of each of them, in the order of the request.
/// Reused; nothing is allocated per record. Records of one partition are appended as one unit, several batches when they exceed <c>max.message.bytes</c>.
/// </summary>
internal sealed partial class RecordSet(IBroker broker, LimitOptions limits) : IDisposable
{
    /// <summary>Most bytes that a record takes besides its key, value and headers: lengths, attributes, deltas.</summary>
    private const int RecordOverheadBytes = 40;

    /// <summary>Batch builders and buffers kept for the next request.</summary>
    private const int KeptParts = 16;

    /// <summary>Spreads records without a key: every request goes on to the next partition.</summary>
    private static int s_turn;

    private readonly Dictionary<string, TopicTarget> _targets = new(StringComparer.Ordinal);
    private readonly List<TopicTarget> _spareTargets = [];
    private readonly List<PartitionPart> _parts = [];
    private readonly List<HttpError> _refusals = [];
    private Entry[] _entries = new Entry[16];
    private TopicTarget? _lastTarget;
    private int _partCount;

    /// <summary>Records so far, refused ones too.</summary>
    public int Count { get; private set; }

    public int RefusedCount => _refusals.Count;

    /// <summary>Why records were refused, in their order; appends that failed as a whole come last.</summary>
    public IReadOnlyList<HttpError> Refusals => _refusals;

    /// <summary>Every record must say by its partition or key where it goes: a repeat of the request must go there too. Set before the records are added.</summary>
    public bool PlacesMustRepeat { get; set; }

    /// <summary>The answer is that of an earlier request; nothing was written.</summary>
    public bool Replayed { get; private set; }

    /// <summary>Topics that do not exist, named by records of a multi-topic request. Null when there are none.</summary>
    public HashSet<string>? UnknownTopics { get; private set; }

    /// <summary>The topic as a target of this request.</summary>
    /// <exception cref="BrokerException">There is no such topic.</exception>
    public TopicTarget Target(string topic)
    {
        if (_targets.TryGetValue(topic, out var target))
            return _lastTarget = target;
        if (!broker.TryGetIntake(topic, out var intake))
        {
            var unknown = BrokerException.UnknownTopic(topic);
            if (unknown.Code == ErrorCode.UnknownTopicOrPartition)
                (UnknownTopics ??= new(StringComparer.Ordinal)).Add(topic);
            throw unknown;
        }

        if (topic.StartsWith("__", StringComparison.Ordinal))
            throw Reserved(topic);
        target = _spareTargets.Count > 0 ? _spareTargets[^1] : new TopicTarget();
        if (_spareTargets.Count > 0)
            _spareTargets.RemoveAt(_spareTargets.Count - 1);
        target.Begin(topic, intake, (int)((uint)Interlocked.Increment(ref s_turn) % (uint)intake.Partitions));
        _targets.Add(topic, target);
        return _lastTarget = target;
    }

    /// <summary>The same by the name's characters, which are already known when the topic was a target before.</summary>
    public TopicTarget Target(ReadOnlySpan<char> topic)
    {
        if (_lastTarget is { } last && topic.SequenceEqual(last.Topic))
            return last;
        return _targets.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(topic, out var target) ? _lastTarget = target : Target(topic.ToString());
    }

    /// <summary>
    /// Adds a record, or refuses it when the topic cannot take it. <paramref name="partition"/> -1 = by the key; the times are epoch ms;
    /// <paramref name="path"/> is where the record stands in the body.
    /// </summary>
    public void Add(
        TopicTarget target, int partition, long timestamp, long now, bool keyIsNull, ReadOnlySpan<byte> key, bool valueIsNull, ReadOnlySpan<byte> value,
        ReadOnlySpan<byte> headers, int headerCount, RecordPath path)
    {
        ref readonly var intake = ref target.Intake;
        var bytes = (long)key.Length + value.Length + headers.Length + RecordOverheadBytes;
        if (FindProblem(target, intake, partition, timestamp, now, keyIsNull, bytes, path) is { } refusal)
        {
            Refuse(refusal);
            return;
        }

        var byKey = partition < 0 && !keyIsNull;
        if (partition < 0)
            partition = keyIsNull ? target.KeylessPartition : intake.Partitions == 1 ? 0 : Partitioner.ForKey(key, intake.Partitions);
        var number = PartOf(target, partition);
        var part = _parts[number];
        if (PlacesMustRepeat && byKey && part.Records == 0)
            part.NoteEarlierPlaces(key);
        if (part.Builder.Count > 0 && part.Builder.Bytes + bytes > intake.MaxMessageBytes)
            part.Full.Add(part.Builder.Build());
        part.Builder.Append(timestamp, keyIsNull, key, valueIsNull, value, headers, headerCount);
        NewEntry() = new Entry(number, part.Records++, timestamp);
    }

    /// <summary>Puts a refusal in the place of the next record.</summary>
    public void Refuse(HttpError error)
    {
        _refusals.Add(error);
        NewEntry() = new Entry(-_refusals.Count, 0, 0);
    }

    /// <summary>What became of the record in this place.</summary>
    public Outcome this[int index]
    {
        get
        {
            ref readonly var entry = ref _entries[index];
            if (entry.Part < 0)
                return new Outcome(null, 0, 0, 0, _refusals[-entry.Part - 1]);
            var part = _parts[entry.Part];
            return new Outcome(part.Id.Topic, part.Id.Partition, part.Result.BaseOffset + entry.Index, part.Result.Timestamp >= 0 ? part.Result.Timestamp : entry.Timestamp, null);
        }
    }

    /// <summary>Ready for the next request.</summary>
    public void Clear()
    {
        for (var i = 0; i < _partCount; i++)
            _parts[i].Clear();
        for (var i = _parts.Count - 1; i >= KeptParts; i--)
        {
            _parts[i].Builder.Dispose();
            _parts.RemoveAt(i);
        }

        if (_targets.Count > 0)
        {
            if (_spareTargets.Count < KeptParts)
                _spareTargets.Add(_lastTarget!);
            _targets.Clear();
        }

        _lastTarget = null;
        if (_refusals.Capacity > 1024)
            _refusals.Capacity = 0;
        _refusals.Clear();
        if (_entries.Length > 1024)
            _entries = new Entry[16];
        (Count, _partCount, UnknownTopics, PlacesMustRepeat, Replayed) = (0, 0, null, false, false);
    }

    public void Dispose()
    {
        foreach (var part in _parts)
        {
            part.Clear();
            part.Builder.Dispose();
        }

        _parts.Clear();
    }

    private HttpError? FindProblem(
        TopicTarget target, in TopicIntake intake, int partition, long timestamp, long now, bool keyIsNull, long bytes, RecordPath path)
    {
        if (partition >= intake.Partitions)
        {
            var unknown = BrokerException.UnknownPartition(new TopicPartition(target.Topic, partition), intake.Partitions);
            return new HttpError(404, 40402, "partition-not-found", "Partition not found", unknown.Message) { Errors = [path.Error("partition", unknown.Message)] };
        }

        if (keyIsNull && intake.KeyRequired)
            return HttpError.Invalid(path.Field("key"), $"Topic '{target.Topic}' is compacted (cleanup.policy): every record needs a key.");

        if (PlacesMustRepeat && keyIsNull && partition < 0 && intake.Partitions > 1)
        {
            return HttpError.Invalid(path.Field("partition"),
                $"The sequence of a producer is counted per partition, and a record without a key may go to any of the {intake.Partitions} of topic '{target.Topic}': name the partition in the path or the record.");
        }

        // A difference that overflows is larger than any limit.
        if (timestamp > now ? unchecked((ulong)(timestamp - now)) > (ulong)intake.TimestampAfterMaxMs : unchecked((ulong)(now - timestamp)) > (ulong)intake.TimestampBeforeMaxMs)
        {
            var (config, limit) = timestamp > now
                ? ("message.timestamp.after.max.ms", intake.TimestampAfterMaxMs)
                : ("message.timestamp.before.max.ms", intake.TimestampBeforeMaxMs);
            var message = $"Timestamp {timestamp} is more than {limit} ms ({config}) away from the broker's clock, {now}.";
            return new HttpError(422, 42211, "invalid-timestamp", "Invalid timestamp", message) { Errors = [path.Error("timestamp", message)] };
        }

        if (!intake.Compressed && bytes + RecordBatchHeader.Size > intake.MaxMessageBytes)
        {
            var message = $"The record has about {bytes} bytes, topic '{target.Topic}' takes {intake.MaxMessageBytes} (max.message.bytes).";
            return new HttpError(413, 41302, "record-too-large", "Record too large", message) { Errors = [path.Error("value", message)] };
        }

        return null;
    }

    private int PartOf(TopicTarget target, int partition)
    {
        // What an earlier request left in the table is recognised by what it points at, so the table is never cleared.
        ref var known = ref target.PartOfPartition[partition];
        if ((uint)known < (uint)_partCount && ReferenceEquals(_parts[known].Target, target) && _parts[known].Id.Partition == partition)
            return known;
        if (_partCount == _parts.Count)
            _parts.Add(new PartitionPart());
        _parts[_partCount].Begin(target, partition);
        return known = _partCount++;
    }

    private ref Entry NewEntry()
    {
        if (Count == limits.MaxRecordsPerRequest)
        {
            throw new HttpError(413, 41304, "too-many-records", "Too many records",
                $"One request takes {limits.MaxRecordsPerRequest} records (setting {LimitOptions.Section}:{nameof(LimitOptions.MaxRecordsPerRequest)}). Send fewer at a time, or stream them as application/x-ndjson.");
        }

        if (Count == _entries.Length)
            Array.Resize(ref _entries, _entries.Length * 2);
        return ref _entries[Count++];
    }

    private static HttpError Reserved(string topic) =>
        new(403, 40302, "reserved-topic", "Reserved topic", $"Topic '{topic}' belongs to the server; names that begin with __ cannot be written to.");

    /// <summary><paramref name="Part"/>: number of the part, or -1 - index of the refusal. <paramref name="Index"/>: place among the part's records.</summary>
    private readonly record struct Entry(int Part, int Index, long Timestamp);
}

/// <summary>What became of one record: its place in the log, or why it has none.</summary>
internal readonly record struct Outcome(string? Topic, int Partition, long Offset, long Timestamp, HttpError? Refusal);

/// <summary>Where a record stands in the body; the text is made only for an error.</summary>
/// <param name="Index">-1: the body is the record.</param>
/// <param name="Header">The header in question, counted from 0; -1: none.</param>
internal readonly record struct RecordPath(long Index, int Header = -1)
{
    public static RecordPath Whole => new(-1);

    /// <summary>The same record, inside one of its headers. The text is made only when there is something to say.</summary>
    public RecordPath InHeader(int header) => this with { Header = header };

    public string Field(string name)
    {
        var field = Header < 0 ? name : $"headers[{Header}].{name}";
        return Index < 0 ? field : $"records[{Index}].{field}";
    }

    public string Record => Index < 0 ? "" : $"records[{Index}]";

    public FieldError Error(string name, string message) => new(Field(name), message);
}

/// <summary>A topic that records of this request go to.</summary>
internal sealed class TopicTarget
{
    private TopicIntake _intake;

    public string Topic { get; private set; } = "";
    public ref readonly TopicIntake Intake => ref _intake;

    /// <summary>Where records without a key go in this request.</summary>
    public int KeylessPartition { get; private set; }

    /// <summary>Number of the part that takes a partition's records; may be stale.</summary>
    public int[] PartOfPartition { get; private set; } = [];

    public void Begin(string topic, in TopicIntake intake, int keylessPartition)
    {
        (Topic, _intake, KeylessPartition) = (topic, intake, keylessPartition);
        if (PartOfPartition.Length < intake.Partitions)
            PartOfPartition = new int[intake.Partitions];
    }
}
