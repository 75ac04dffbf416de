using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;
using RestStream.Storage;

namespace RestStream.Http.Records;

/// <summary>What a URL names. <paramref name="Partition"/> null = all of every topic; <paramref name="InCursor"/>: cursors name the topics.</summary>
internal sealed record ReadTarget(IReadOnlyList<string> Topics, int? Partition, bool InCursor);

/// <summary>Why a reader cannot have what it stands at.</summary>
internal enum GapKind : byte
{
    /// <summary>Retention or truncation took it.</summary>
    Deleted,

    /// <summary>It fails its checksum.</summary>
    Damaged,

    /// <summary>The log ends before it, as after a crash that cost records that were not flushed.</summary>
    BeyondEnd,
}

/// <summary>A reader of slot <paramref name="Slot"/> wanted <paramref name="Requested"/>; the next it can have is <paramref name="Resumed"/>.</summary>
internal readonly record struct Gap(int Slot, GapKind Kind, long Requested, long Resumed)
{
    /// <summary>The word for it in events and bodies; null for the usual kind, which needs none.</summary>
    public string? Reason => Kind switch { GapKind.Damaged => "damaged", GapKind.BeyondEnd => "beyond_end", _ => null };

    /// <summary>What a read means that failed in this slot, where it wanted <paramref name="requested"/>.</summary>
    public static Gap From(BrokerException failure, int slot, long requested)
    {
        if (failure.Code == ErrorCode.CorruptMessage)
            return new Gap(slot, GapKind.Damaged, requested, Math.Max(failure.Earliest, requested + 1));
        return requested < failure.Earliest
            ? new Gap(slot, GapKind.Deleted, requested, failure.Earliest)
            : new Gap(slot, GapKind.BeyondEnd, requested, failure.Latest);
    }
}

/// <summary>
/// One reader's places in its partitions, and what comes next there. A slot is one partition; slots are ordered by topic as the URL names them, then by number.
/// <see cref="Next"/> is what the client has been given; whoever writes records moves it and calls <see cref="Settle"/> behind each read.
/// Not thread safe.
/// </summary>
internal sealed class RecordFeed : IDisposable
{
    private readonly IBroker _broker;
    private readonly ReadTarget _target;
    private readonly ReadParameters _parameters;
    private TopicDescription[] _topics;
    private TopicPartition[] _slots = [];
    private long[] _next = [];

    /// <summary>Where each slot ends (exclusive); null without <c>until</c>.</summary>
    private long[]? _stops;
    private long _stopTime = long.MaxValue;
    private IFetch? _fetch;

    /// <summary>The slot of each position of the fetch; those that are finished are not in it.</summary>
    private int[] _slotOf = [];
    private CursorWriter _cursor = null!;

    private RecordFeed(IBroker broker, ReadTarget target, ReadParameters parameters)
    {
        _broker = broker;
        _target = target;
        _parameters = parameters;
        _topics = [.. target.Topics.Select(broker.DescribeTopic)];
    }

    /// <summary>The cursor's topics were deleted and made again; the feed stands at their beginning.</summary>
    public bool Recreated { get; private set; }

    public ReadOnlySpan<TopicPartition> Slots => _slots;

    /// <summary>Next offset per slot. One array for as long as <see cref="Slots"/> does not change.</summary>
    public Span<long> Next => _next;
    public CursorWriter Cursor => _cursor;

    /// <summary>Every slot reached its <c>until</c>.</summary>
    public bool Done => _fetch is null;

    /// <summary>Nothing is left to read now.</summary>
    public bool AtEnd
    {
        get
        {
            for (var i = 0; i < _slotOf.Length; i++)
            {
                if (_next[_slotOf[i]] < _fetch!.EndOffset(i))
                    return false;
            }

            return true;
        }
    }

    /// <exception cref="BrokerException">Unknown topic or partition.</exception>
    /// <exception cref="HttpError">400: the parameters do not fit the topics.</exception>
    public static RecordFeed Open(IBroker broker, ReadTarget target, ReadParameters parameters)
    {
        var feed = new RecordFeed(broker, target, parameters);
        var slots = feed.SlotsOf(feed._topics);
        var next = parameters.Cursor is { } cursor ? feed.FromCursor(cursor, slots) : feed.FromPlace(slots);
        feed.Place(slots, next);
        return feed;
    }

    public string CursorText() => _cursor.ToText(_next);

    /// <summary>The first slot that stands where its log is no more or not yet.</summary>
    public Gap? FindGap()
    {
        for (var slot = 0; slot < _slots.Length; slot++)
        {
            var partition = Topic(_slots[slot].Topic).Partitions[_slots[slot].Partition];
            if (_next[slot] < partition.LogStartOffset)
                return new Gap(slot, GapKind.Deleted, _next[slot], partition.LogStartOffset);
            if (_next[slot] > partition.HighWatermark)
                return new Gap(slot, GapKind.BeyondEnd, _next[slot], partition.HighWatermark);
        }

        return null;
    }

    /// <summary>What a failed <see cref="Read"/> means for its slot; null when the failure is of another kind.</summary>
    public Gap? GapOf(BrokerException failure)
    {
        if (failure.Code is not (ErrorCode.OffsetOutOfRange or ErrorCode.CorruptMessage) || failure.Partition is not { } partition)
            return null;
        var position = Array.FindIndex(_slotOf, s => _slots[s] == partition);
        return position < 0 ? null : Gap.From(failure, _slotOf[position], _fetch!.Positions[position].Offset);
    }

    /// <summary>Goes on behind a gap.</summary>
    public void Skip(Gap gap)
    {
        _next[gap.Slot] = gap.Resumed;
        var position = Array.IndexOf(_slotOf, gap.Slot);
        if (position >= 0)
            _fetch!.Seek(position, gap.Resumed);
    }

    /// <summary>
    /// What comes next, without waiting, as <see cref="IFetch.Read"/>; the slices name slots. 0 = nothing there now, or <see cref="Done"/>.
    /// </summary>
    /// <exception cref="BrokerException">See <see cref="GapOf"/>; <see cref="ErrorCode.TopicRecreated"/> (see <see cref="Restart"/>); the topic is deleted.</exception>
    public int Read(int maxRecords, int maxBytes, List<EncodedSlice> into)
    {
        into.Clear();
        while (_fetch is { } fetch)
        {
            var records = fetch.Read(_parameters.Encoder, maxRecords, maxBytes, into);
            if (_stops is null || records == 0)
                return records;
            records = CutAtStops(_stops, into);
            if (records > 0)
                return records;

            // Everything lay behind the stops: those slots are finished, the others may have more.
            Settle();
        }

        return 0;
    }

    /// <summary>The records of the last read are given: moves <see cref="Next"/> over them and over what holds no records for clients.</summary>
    public void Settle()
    {
        if (_fetch is null)
            return;
        var finished = false;
        for (var i = 0; i < _slotOf.Length; i++)
        {
            var slot = _slotOf[i];
            var position = _fetch.Positions[i].Offset;
            if (_stops is not null && position >= _stops[slot])
            {
                position = _stops[slot];
                finished = true;
            }

            _next[slot] = Math.Max(position, _next[slot]);
        }

        if (finished)
            OpenFetch();
    }

    /// <summary>Waits until there may be something to read. False: the time is up.</summary>
    public ValueTask<bool> WaitAsync(TimeSpan maxWait, CancellationToken cancellationToken) => _fetch!.WaitAsync(maxWait, cancellationToken);

    /// <summary>
    /// Stands at the beginning of every topic that was deleted and made again since, and where it was in the others.
    /// </summary>
    /// <exception cref="BrokerException">A topic is gone for good.</exception>
    public void Restart()
    {
        var before = _topics;
        Renew((slot, topic) => Array.Exists(before, t => t.TopicId == topic.TopicId) ? Known(slot) : null);
    }

    /// <summary>Takes in partitions that were added since, from their beginning. False when there are none.</summary>
    public bool AddNewPartitions()
    {
        if (_target.Partition is not null || _parameters.Partitions is not null)
            return false;
        foreach (var known in _topics)
        {
            // A topic that was made again is the business of the next read.
            var now = _broker.DescribeTopic(known.Name);
            if (now.TopicId != known.TopicId || now.Partitions.Count <= known.Partitions.Count)
                continue;
            Renew((slot, _) => Known(slot));
            return true;
        }

        return false;
    }

    public void Dispose() => _fetch?.Dispose();

    private long? Known(TopicPartition slot) => Array.IndexOf(_slots, slot) is >= 0 and var known ? _next[known] : null;

    private void Renew(Func<TopicPartition, TopicDescription, long?> placeOf)
    {
        TopicDescription[] topics = [.. _target.Topics.Select(_broker.DescribeTopic)];
        var slots = SlotsOf(topics);
        var next = Array.ConvertAll(slots, s =>
        {
            var topic = Array.Find(topics, t => t.Name == s.Topic)!;
            return placeOf(s, topic) ?? topic.Partitions[s.Partition].LogStartOffset;
        });
        _topics = topics;
        Place(slots, next);
    }

    private TopicDescription Topic(string name) => Array.Find(_topics, t => t.Name == name)!;

    private TopicPartition[] SlotsOf(TopicDescription[] topics)
    {
        var slots = new List<TopicPartition>();
        foreach (var topic in topics)
        {
            if (_target.Partition is { } only)
            {
                if (_parameters.Partitions is { } also && (also.Count != 1 || also[0] != only))
                    throw HttpError.BadParameter("partitions", $"The path names partition {only} already; leave partitions out.");
                slots.Add(Existing(topic, only));
            }
            else if (_parameters.Partitions is { } some)
            {
                slots.AddRange(some.Order().Select(p => Existing(topic, p)));
            }
            else
            {
                slots.AddRange(topic.Partitions.Select(p => new TopicPartition(topic.Name, p.Partition)));
            }
        }

        return [.. slots];
    }

    private static TopicPartition Existing(TopicDescription topic, int partition)
    {
        var id = new TopicPartition(topic.Name, partition);
        return partition >= 0 && partition < topic.Partitions.Count ? id : throw BrokerException.UnknownPartition(id, topic.Partitions.Count);
    }

    private long[] FromCursor(Cursor cursor, TopicPartition[] slots)
    {
        var places = new Dictionary<TopicPartition, long>();
        var named = new List<TopicDescription>();
        foreach (var item in cursor.Items)
        {
            var topic = item.Topic is null
                ? _topics.Length == 1 ? _topics[0] : throw BadCursor("it must name the topics, as in orders/0:43,bills/0:9")
                : Array.Find(_topics, t => t.Name == item.Topic) ?? throw BadCursor($"it names topic '{item.Topic}', the request does not");
            if (!named.Contains(topic))
                named.Add(topic);
            places[new TopicPartition(topic.Name, item.Partition)] = item.Offset;
        }

        if (cursor.Incarnation is { } incarnation && incarnation != Incarnation.Of(named.Select(t => t.TopicId)))
        {
            Recreated = true;
            return Array.ConvertAll(slots, s => Topic(s.Topic).Partitions[s.Partition].LogStartOffset);
        }

        foreach (var (place, _) in places)
        {
            if (Array.IndexOf(slots, place) < 0)
                throw BadCursor($"it names partition {place.Partition} of '{place.Topic}', which the request does not read or which does not exist");
        }

        // A partition that the cursor does not know was added after it was handed out: it is read from its beginning.
        return Array.ConvertAll(slots, s => places.TryGetValue(s, out var offset) ? offset : Topic(s.Topic).Partitions[s.Partition].LogStartOffset);
    }

    private static HttpError BadCursor(string problem) => HttpError.BadParameter("cursor", $"The cursor does not fit the request: {problem}.");

    private long[] FromPlace(TopicPartition[] slots)
    {
        var from = _parameters.From;
        if (from.Kind == ReadPlaceKind.Offset && slots.Length != 1)
        {
            throw HttpError.BadParameter("from",
                $"from is an offset, but {slots.Length} partitions are read. Name one partition, or use a time, earliest, latest, -100, or a cursor such as 0:43,1:7.");
        }

        return Array.ConvertAll(slots, s => Resolve(from, s));
    }

    private long Resolve(ReadPlace place, TopicPartition slot)
    {
        var partition = Topic(slot.Topic).Partitions[slot.Partition];
        return place.Kind switch
        {
            ReadPlaceKind.Earliest => partition.LogStartOffset,
            ReadPlaceKind.Latest => partition.HighWatermark,
            ReadPlaceKind.Offset => place.Number,
            ReadPlaceKind.Time => _broker.FindOffset(slot, place.Number)?.Offset ?? partition.HighWatermark,
            _ => Math.Max(partition.LogStartOffset, partition.HighWatermark - place.Number),
        };
    }

    private void Place(TopicPartition[] slots, long[] next)
    {
        (_slots, _next) = (slots, next);
        _cursor = new CursorWriter(
            "@" + Incarnation.Of(_topics.Select(t => t.TopicId)),
            Array.ConvertAll(slots, s => (_target.InCursor ? s.Topic : null, s.Partition)));
        if (_parameters.Until is { } until)
        {
            // A time that no record has reached yet is watched for record by record.
            _stopTime = until.Kind == ReadPlaceKind.Time ? until.Number : long.MaxValue;
            _stops = Array.ConvertAll(slots, s => until.Kind == ReadPlaceKind.Time
                ? _broker.FindOffset(s, until.Number)?.Offset ?? long.MaxValue
                : Resolve(until, s));
        }

        OpenFetch();
    }

    /// <summary>A new fetch over the slots that are not finished; none when all are.</summary>
    private void OpenFetch()
    {
        _fetch?.Dispose();
        _fetch = null;
        var positions = new List<FetchPosition>(_slots.Length);
        var slotOf = new List<int>(_slots.Length);
        for (var slot = 0; slot < _slots.Length; slot++)
        {
            if (_stops is not null && _next[slot] >= _stops[slot])
                continue;
            positions.Add(new FetchPosition(_slots[slot], _next[slot], Topic(_slots[slot].Topic).TopicId));
            slotOf.Add(slot);
        }

        _slotOf = [.. slotOf];
        if (positions.Count > 0)
            _fetch = _broker.OpenFetch(positions);
    }

    /// <summary>Makes positions slots and drops what lies at or behind the stops. Returns the records that are left.</summary>
    private int CutAtStops(long[] stops, List<EncodedSlice> slices)
    {
        var records = 0;
        var kept = 0;
        for (var i = 0; i < slices.Count; i++)
        {
            var slice = slices[i];
            var slot = _slotOf[slice.PositionIndex];
            var last = slice.Last;
            if (_stopTime != long.MaxValue && stops[slot] == long.MaxValue)
            {
                var reached = Array.FindIndex(slice.Batch.Timestamps, slice.First, slice.Last - slice.First + 1, t => t >= _stopTime);
                if (reached >= 0)
                    stops[slot] = slice.Batch.Offsets[reached];
            }

            while (last >= slice.First && slice.Batch.Offsets[last] >= stops[slot])
                last--;
            if (last < slice.First)
                continue;
            records += last - slice.First + 1;
            slices[kept++] = slice with { PositionIndex = slot, Last = last };
        }

        slices.RemoveRange(kept, slices.Count - kept);
        return records;
    }
}
