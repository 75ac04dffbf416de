using System.Collections.Concurrent;
using System.Globalization;
using RestStream.Storage.Files;
using RestStream.Storage.Journal;

namespace RestStream.Storage;

public sealed partial class LogDirectory
{
    private const string JournalDirectoryName = "journal";

    /// <summary>What was found on disk, ready to go on from.</summary>
    private sealed record Recovered(
        IReadOnlyList<PartitionLog> Logs, IReadOnlyList<PartitionLog> Unflushed, string JournalDirectory, IReadOnlyList<JournalFile> JournalFiles,
        string ClusterId, RecoveryReport Report);

    /// <summary>Locks the directory, recovers every partition and starts the threads.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.DirectoryInUse"/>.</exception>
    public static LogDirectory Open(LogDirectoryOptions options, IFileSystem files, TimeProvider clock, Action<StorageEvent>? onEvent = null)
    {
        var directory = options.Path;
        onEvent ??= _ => { };
        CreateDurably(files, directory);
        IDisposable heldLock;
        try
        {
            heldLock = files.Lock(Path.Combine(directory, ".lock"));
        }
        catch (IOException error)
        {
            throw new StorageException(StorageError.DirectoryInUse,
                $"Data directory {directory} is in use: {error.Message}. Stop that process, or start with another --RestStream:DataDirectory.", error);
        }
        try
        {
            var recovered = Recover(options, files, clock, onEvent);
            // From here on the directory is in use: a crash must be seen as one.
            CleanShutdownMarker.Remove(files, directory);
            return new LogDirectory(options, files, clock, onEvent, heldLock, recovered);
        }
        catch
        {
            heldLock.Dispose();
            throw;
        }
    }

    /// <summary>Makes the directory and what is missing above it; each name is flushed in the directory that holds it, or a power cut could take everything below.</summary>
    private static void CreateDurably(IFileSystem files, string directory)
    {
        var missing = new Stack<string>();
        for (var path = Path.GetFullPath(directory); !files.DirectoryExists(path) && Path.GetDirectoryName(path) is { } parent; path = parent)
            missing.Push(path);
        while (missing.TryPop(out var path))
        {
            files.CreateDirectory(path);
            files.FlushDirectory(Path.GetDirectoryName(path)!);
        }
    }

    private static Recovered Recover(LogDirectoryOptions options, IFileSystem files, TimeProvider clock, Action<StorageEvent> onEvent)
    {
        var (directory, started) = (options.Path, clock.GetTimestamp());
        var clean = CleanShutdownMarker.Exists(files, directory);
        var clusterId = MetaProperties.ReadOrCreate(files, directory);
        var journalDirectory = Path.Combine(directory, JournalDirectoryName);
        if (!files.DirectoryExists(journalDirectory))
        {
            files.CreateDirectory(journalDirectory);
            files.FlushDirectory(directory);
        }

        var recoveryPoints = Checkpoints.Read(files, directory, Checkpoints.RecoveryPoints);
        var logStarts = Checkpoints.Read(files, directory, Checkpoints.LogStarts);
        var cleanedTo = Checkpoints.Read(files, directory, Checkpoints.Cleaned);
        using var journal = JournalContents.Read(files, journalDirectory, readEntries: !clean);
        foreach (var damaged in journal.Damaged)
            onEvent(new StorageEvent(StorageEventKind.DamageFound, $"Journal file {damaged} cannot be read to its end; what only it held is lost."));

        var names = new List<string>();
        foreach (var name in files.List(directory))
        {
            if (name.EndsWith("-delete", StringComparison.Ordinal))
                files.DeleteDirectory(Path.Combine(directory, name));
            else if (PartitionOf(name) is not null && files.DirectoryExists(Path.Combine(directory, name)))
                names.Add(name);
        }

        var logs = new ConcurrentBag<(PartitionLog Log, PartitionParts Parts)>();
        var ours = recoveryPoints.Count > 0 || journal.Files.Count > 0;
        DiskWork.ForEach(names, name =>
        {
            var id = PartitionOf(name)!.Value;
            var topicId = PartitionMetadata.ReadTopicId(files, Path.Combine(directory, name));
            var parts = journal.Of(topicId, id.Partition);
            var recoveryPoint = recoveryPoints.GetValueOrDefault(id);
            logs.Add((PartitionLog.Open(files, directory, name, LogConfig.Default, new OpenLog
            {
                CleanShutdown = clean,
                RecoveryPoint = recoveryPoint,
                DurableEnd = ours ? Math.Max(recoveryPoint, parts.DurableEnd) : long.MaxValue,
                LogStartOffset = logStarts.GetValueOrDefault(id, -1),
                CleanedTo = cleanedTo.GetValueOrDefault(id, -1),
                VerifyAll = options.VerifyAll,
                JournalBatchAt = parts.Batches.Count > 0 ? offset => journal.BatchAt(parts, offset) : null,
            }, clock, onEvent), parts));
        });

        var journalFiles = journal.Files.Select(f => new JournalFile(f.Number) { Length = f.Length, Position = f.Length }).ToList();
        foreach (var (log, parts) in logs)
        {
            foreach (var (file, end) in parts.EndPerFile)
                journalFiles[file].Ends[log] = end;
        }

        var opened = logs.Select(l => l.Log).ToList();
        var report = new RecoveryReport(clean, clock.GetElapsedTime(started), opened.Count,
            opened.Sum(l => l.Opened.ScannedBytes) + journal.ScannedBytes,
            opened.Sum(l => (long)l.Opened.ReplayedBatches), opened.Sum(l => (long)l.Opened.RepairedBatches), opened.Sum(l => l.Opened.TornBytes),
            [.. opened.Where(l => l.Damage.Count > 0).Select(l => new DamagedPartition(l.Id, l.Damage))]);
        if (opened.Count > 0)
        {
            onEvent(new StorageEvent(StorageEventKind.Recovered, string.Create(CultureInfo.InvariantCulture,
                $"Recovered {report.Partitions} partitions in {report.Took.TotalMilliseconds:F0} ms after a {(clean ? "clean stop" : "crash")}: {report.ScannedBytes} bytes scanned, {report.ReplayedBatches} batches replayed, {report.RepairedBatches} repaired, {report.TornBytes} torn bytes cut.")));
        }
        return new Recovered(opened, clean ? [] : opened, journalDirectory, journalFiles, clusterId, report);
    }

    private static TopicPartition? PartitionOf(string directoryName)
    {
        var dash = directoryName.LastIndexOf('-');
        return dash > 0 && int.TryParse(directoryName.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            ? new TopicPartition(directoryName[..dash], partition)
            : null;
    }
}
