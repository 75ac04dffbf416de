using System.Globalization;

namespace RestStream.Storage.Verification;

/// <summary>
/// The offline checker: the checks of Kafka's dump tool and more (base offset, magic, attributes, epochs), over one segment, a partition directory,
/// or a whole data directory. Opens everything for reading only. Independent of the code that writes and recovers, so that it can judge it.
/// </summary>
public static class LogVerifier
{
    private const string LogSuffix = ".log", IndexSuffix = ".index", TimeIndexSuffix = ".timeindex", TransactionSuffix = ".txnindex", SnapshotSuffix = ".snapshot";
    private static readonly string[] Suffixes = [LogSuffix, IndexSuffix, TimeIndexSuffix, TransactionSuffix, SnapshotSuffix];

    private const string RecoveryPoints = "recovery-point-offset-checkpoint";
    private const string CleanerOffsets = "cleaner-offset-checkpoint";
    private static readonly string[] OtherCheckpoints = ["log-start-offset-checkpoint", "replication-offset-checkpoint", CleanerOffsets];

    /// <summary>Checks what is at <paramref name="path"/>.</summary>
    /// <param name="path">A .log, a partition directory, or a data directory.</param>
    /// <param name="allowGaps">Missing offsets are normal (a compacted topic). Internal topics (<c>__…</c>) are compacted anyway.</param>
    /// <exception cref="ArgumentException">There is nothing of a log at the path; the message says what was looked for.</exception>
    public static VerifyReport Verify(string path, bool allowGaps = false)
    {
        path = Path.GetFullPath(path);
        var run = new Run(allowGaps);
        if (File.Exists(path))
        {
            if (!TryParseName(Path.GetFileName(path), LogSuffix, out var baseOffset))
                throw new ArgumentException($"'{path}' is no segment: its name is not 20 digits and {LogSuffix}.", nameof(path));
            run.OneSegment(path, baseOffset);
        }
        else if (!Directory.Exists(path))
        {
            throw new ArgumentException($"'{path}' does not exist.", nameof(path));
        }
        else if (IsPartition(path))
        {
            run.OnePartition(path);
        }
        else
        {
            run.DataDirectory(path);
        }
        return run.Report();
    }

    internal static bool TryParseName(string name, string suffix, out long offset)
    {
        offset = -1;
        return name.Length == 20 + suffix.Length && name.EndsWith(suffix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(0, 20), NumberStyles.None, CultureInfo.InvariantCulture, out offset);
    }

    private static bool IsPartition(string directory) => Directory.EnumerateFiles(directory, "*" + LogSuffix).Any();

    private sealed class Run(bool allowGaps)
    {
        private readonly List<VerifyFinding> _findings = [];
        private readonly HashSet<string> _compacted = [];
        private int _partitions, _segments;
        private long _batches, _records, _bytes;

        public VerifyReport Report() => new()
        {
            Findings = _findings,
            Partitions = _partitions,
            Segments = _segments,
            Batches = _batches,
            Records = _records,
            Bytes = _bytes,
        };

        public void OneSegment(string log, long baseOffset)
        {
            var directory = Path.GetDirectoryName(log)!;
            ReadCompacted(Path.GetDirectoryName(directory));
            var checkpoint = Path.Combine(directory, "leader-epoch-checkpoint");
            var epochs = File.Exists(checkpoint) ? SmallFileChecks.LeaderEpochs(checkpoint, _findings) : null;
            Segment(log, baseOffset, isNewest: SegmentsOf(directory)[^1].BaseOffset == baseOffset, Path.GetFileName(directory), epochs, lastEpoch: -1);
        }

        public void OnePartition(string directory)
        {
            ReadCompacted(Path.GetDirectoryName(directory));
            Partition(directory);
        }

        public void DataDirectory(string directory)
        {
            ReadCompacted(directory);
            var partitions = Directory.EnumerateDirectories(directory)
                .Select(path => (Path: path, Id: TryParsePartition(Path.GetFileName(path))))
                .Where(p => p.Id is not null && IsPartition(p.Path))
                .OrderBy(p => p.Id!.Value.Topic, StringComparer.Ordinal).ThenBy(p => p.Id!.Value.Partition)
                .ToList();
            if (partitions.Count == 0)
                throw new ArgumentException($"'{directory}' has neither segments (20 digits and {LogSuffix}) nor partition directories (topic-0).", nameof(directory));

            foreach (var name in OtherCheckpoints)
                SmallFileChecks.Offsets(Path.Combine(directory, name), _findings);
            var recoveryFile = Path.Combine(directory, RecoveryPoints);
            var recoveryPoints = SmallFileChecks.Offsets(recoveryFile, _findings);
            foreach (var (path, id) in partitions)
            {
                var end = Partition(path);
                if (recoveryPoints.TryGetValue(id!.Value, out var recoveryPoint) && recoveryPoint > end)
                    _findings.Add(new(recoveryFile, 0, end, FindingKind.RecoveryPoint, $"{id} was on disk up to offset {recoveryPoint} and now ends at {end}: acknowledged records are missing."));
            }
        }

        /// <summary>Which partitions the cleaner has been at, as the data directory around them says. What is wrong with that file is reported where the directory is checked.</summary>
        private void ReadCompacted(string? dataDirectory)
        {
            foreach (var id in SmallFileChecks.Offsets(Path.Combine(dataDirectory ?? "", CleanerOffsets), []).Keys)
                _compacted.Add(id.ToString());
        }

        /// <summary>Returns the end offset.</summary>
        private long Partition(string directory)
        {
            _partitions++;
            CheckNames(directory);
            var epochs = SmallFileChecks.LeaderEpochs(Path.Combine(directory, "leader-epoch-checkpoint"), _findings);
            SmallFileChecks.Metadata(Path.Combine(directory, "partition.metadata"), _findings);
            foreach (var snapshot in Directory.EnumerateFiles(directory, "*" + SnapshotSuffix).Order(StringComparer.Ordinal))
                SmallFileChecks.Snapshot(snapshot, _findings);

            var topic = Path.GetFileName(directory);
            var segments = SegmentsOf(directory);
            long end = -1;
            var lastEpoch = -1;
            foreach (var (log, baseOffset) in segments)
            {
                if (end >= 0 && baseOffset < end)
                    _findings.Add(new(log, 0, baseOffset, FindingKind.OffsetOrder, $"The segment begins at offset {baseOffset}, the one before ends at {end - 1}."));
                else if (end >= 0 && baseOffset > end && !AllowsGaps(topic))
                    _findings.Add(new(log, 0, baseOffset, FindingKind.OffsetGap, $"The segment begins at offset {baseOffset}, the one before ends at {end - 1}. That is normal only in a compacted topic."));
                var verified = Segment(log, baseOffset, isNewest: log == segments[^1].Log, topic, epochs, lastEpoch);
                (end, lastEpoch) = (verified.EndOffset, verified.LastEpoch);
            }
            return end;
        }

        private SegmentVerifier Segment(string log, long baseOffset, bool isNewest, string partition, IReadOnlyList<(int, long)>? epochs, int lastEpoch)
        {
            var (index, timeIndex, transactions) = (Path.ChangeExtension(log, IndexSuffix), Path.ChangeExtension(log, TimeIndexSuffix), Path.ChangeExtension(log, TransactionSuffix));
            foreach (var missing in new[] { index, timeIndex }.Where(file => !isNewest && !File.Exists(file)))
                _findings.Add(new(missing, 0, -1, FindingKind.IndexMissing, "The file is missing; it is rebuilt at the next start."));

            var verifier = new SegmentVerifier
            {
                File = log,
                BaseOffset = baseOffset,
                IsNewest = isNewest,
                AllowGaps = AllowsGaps(partition),
                LeaderEpochs = epochs,
                LastEpoch = lastEpoch,
                Findings = _findings,
                OffsetIndex = File.Exists(index) ? new OffsetIndexCheck(index, baseOffset, isNewest, _findings) : null,
                TimeIndex = File.Exists(timeIndex) ? new TimeIndexCheck(timeIndex, baseOffset, isNewest, _findings) : null,
            };
            verifier.Run();
            if (File.Exists(transactions))
                SmallFileChecks.Transactions(transactions, baseOffset, verifier.EndOffset, _findings);
            _segments++;
            _batches += verifier.Batches;
            _records += verifier.Records;
            _bytes += verifier.Bytes;
            return verifier;
        }

        private void CheckNames(string directory)
        {
            foreach (var file in Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal))
            {
                var name = Path.GetFileName(file);
                if (Suffixes.FirstOrDefault(suffix => name.EndsWith(suffix, StringComparison.Ordinal)) is not { } suffix)
                    continue;
                if (!TryParseName(name, suffix, out var offset))
                    _findings.Add(new(file, 0, -1, FindingKind.FileName, $"The name is not 20 digits and {suffix}, so the file is not used."));
                else if (suffix is not (LogSuffix or SnapshotSuffix) && !File.Exists(Path.ChangeExtension(file, LogSuffix)))
                    _findings.Add(new(file, 0, offset, FindingKind.OrphanFile, $"There is no {Path.GetFileName(Path.ChangeExtension(file, LogSuffix))}."));
            }
        }

        private bool AllowsGaps(string partition) => allowGaps || partition.StartsWith("__", StringComparison.Ordinal) || _compacted.Contains(partition);
    }

    private static List<(string Log, long BaseOffset)> SegmentsOf(string directory)
    {
        var segments = new List<(string Log, long BaseOffset)>();
        foreach (var file in Directory.EnumerateFiles(directory, "*" + LogSuffix))
        {
            if (TryParseName(Path.GetFileName(file), LogSuffix, out var baseOffset))
                segments.Add((file, baseOffset));
        }
        segments.Sort((a, b) => a.BaseOffset.CompareTo(b.BaseOffset));
        return segments;
    }

    private static TopicPartition? TryParsePartition(string directoryName)
    {
        var dash = directoryName.LastIndexOf('-');
        return dash > 0 && int.TryParse(directoryName.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            ? new TopicPartition(directoryName[..dash], partition)
            : null;
    }
}
