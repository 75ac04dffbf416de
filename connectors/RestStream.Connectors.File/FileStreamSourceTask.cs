using System.Globalization;

using RestStream.Connect;
using RestStream.Connect.Data;
using RestStream.Connectors.Shared;

namespace RestStream.Connectors.Files;

/// <summary>
/// Follows one file. At its end it looks again after 100 ms, then less and less often; in the end, and for an absent file, every second, as Kafka does.
/// A file that was moved away (rotated) is read to its end before the one that took its name, also when that happened while the worker was down, as long as it lies in the same folder.
/// One that was truncated or written anew in place is read from its beginning. What the task keeps is only where it stands: a crash at any point resumes behind the last committed line.
/// </summary>
public sealed class FileStreamSourceTask : SourceTask
{
    internal const string NoStandardInput =
        "A file is needed. Kafka's connector reads the standard input without one; the worker is a server whose standard input belongs to nobody, and what was read there could not be read again after a restart.";

    private static readonly TimeSpan s_firstLook = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_lastLook = TimeSpan.FromSeconds(1);

    private ISourceTaskContext _context = null!;
    private string _file = null!;
    private string _topic = null!;
    private int _batchSize;
    private int _maxLineBytes;
    private Dictionary<string, object?> _partition = null!;
    private FileOffset? _resume;
    private FollowedFile? _current;
    private bool _movedAway;
    private TimeSpan? _look; // Null: the last look found records.

    /// <inheritdoc/>
    public override async Task StartAsync(ISourceTaskContext context, CancellationToken cancellationToken)
    {
        _context = context;
        if (context.Config.FindString(FileStreamSourceConnector.FileKey) is not { Length: > 0 } file)
            throw new FatalException(NoStandardInput);
        _file = file;
        _topic = context.Config.GetString(FileStreamSourceConnector.TopicKey);
        _batchSize = Math.Max(1, context.Config.GetInt(FileStreamSourceConnector.BatchSizeKey));
        _maxLineBytes = context.Config.GetInt(FileStreamSourceConnector.MaxLineBytesKey);
        _partition = new() { [FileOffset.FilenameField] = file };
        context.Files.Resolve(file);
        _resume = FileOffset.Parse(await context.LastOffsetAsync(_partition, cancellationToken));
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_look is { } look)
            await Task.Delay(UntilNext(look), _context.Time, cancellationToken);
        var records = Read();
        _look = records.Count > 0 ? null : _current is null || _look >= s_lastLook / 2 ? s_lastLook : _look * 2 ?? s_firstLook;
        return records;
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        _current?.Dispose();
        return base.DisposeAsync();
    }

    /// <summary>To the next full 100 ms, 200 ms and so on: tasks of many quiet files look at the same moments, and the processor sleeps in between.</summary>
    private TimeSpan UntilNext(TimeSpan look) => look - TimeSpan.FromTicks(_context.Time.GetUtcNow().Ticks % look.Ticks);

    private List<SourceRecord> Read()
    {
        var records = new List<SourceRecord>();
        _current ??= Open();
        if (_current is null)
            return records;
        if (_current.WasWrittenAnew())
        {
            _context.Log(TaskLogLevel.Info, $"'{_file}' was truncated or written anew: reading it from its beginning.");
            _current.Restart();
        }

        ReadLines(_current, records);
        if (records.Count == 0)
            FollowTheName(_current, records);
        else
            _movedAway = false;
        if (_current is not null)
            _context.Metric("lag_bytes", _current.Size - _current.Position);
        return records;
    }

    private void ReadLines(FollowedFile file, List<SourceRecord> records)
    {
        var now = _context.Time.GetUtcNow().ToUnixTimeMilliseconds();
        try
        {
            while (records.Count < _batchSize && file.ReadLine() is { } line)
                records.Add(ToRecord(line, file, now));
        }
        catch (InvalidDataException e) when (records.Count > 0)
        {
            // The lines before it are delivered first; the next poll meets it again.
            _context.Log(TaskLogLevel.Debug, e.Message);
        }
        catch (InvalidDataException e)
        {
            throw new FatalException($"{e.Message} ({FileStreamSourceConnector.MaxLineBytesKey}) in '{_file}'. Raise that setting, or alter the connector's offset to a position behind the line.", e);
        }
    }

    /// <summary>At the end of a file: if another one has its name by now, finish it and go on with that one.</summary>
    private void FollowTheName(FollowedFile file, List<SourceRecord> records)
    {
        var path = _context.Files.Resolve(_file);
        if (Posix.FindFacts(path) is not { } named || named.Identity == file.Identity)
            return;
        if (!_movedAway)
        {
            // Who wrote the old file may not have noticed yet: it is finished only when nothing more came until the next look.
            _movedAway = true;
            return;
        }

        if (file.ReadRest() is { } rest)
            records.Add(ToRecord(rest, file, _context.Time.GetUtcNow().ToUnixTimeMilliseconds()));
        _context.Log(TaskLogLevel.Info, $"'{_file}' is another file now: the old one is read to its end, going on with the new one.");
        file.Dispose();
        (_movedAway, _current) = (false, FollowedFile.TryOpen(_context.Files, path, _maxLineBytes));
        if (_current is not null && records.Count < _batchSize)
            ReadLines(_current, records);
    }

    /// <summary>The file to begin with; null while it is absent.</summary>
    private FollowedFile? Open()
    {
        var path = _context.Files.Resolve(_file);
        var file = FollowedFile.TryOpen(_context.Files, path, _maxLineBytes);
        if (_resume is null)
            return file;
        if (file is not null && file.TryResume(_resume))
        {
            _resume = null;
            return file;
        }

        if (FindMoved(path, _resume) is { } moved)
        {
            file?.Dispose();
            (_resume, _movedAway) = (null, true);
            return moved;
        }

        if (file is not null)
        {
            _context.Log(TaskLogLevel.Warning, string.Create(CultureInfo.InvariantCulture, $"'{_file}' is not the file that was read up to byte {_resume.Position}, or is shorter now: reading it from its beginning."));
            _resume = null;
        }

        return file;
    }

    /// <summary>The file that was read before the worker stopped, under the name that a rotation gave it since then.</summary>
    private FollowedFile? FindMoved(string path, FileOffset offset)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (offset.File is null || !Directory.Exists(folder))
            return null;
        foreach (var candidate in Directory.EnumerateFiles(folder))
        {
            if (Posix.FindFacts(candidate) is not { IsFile: true } facts || facts.Identity != offset.File)
                continue;
            var file = FollowedFile.TryOpen(_context.Files, candidate, _maxLineBytes);
            if (file is not null && file.TryResume(offset))
                return file;
            file?.Dispose();
        }

        return null;
    }

    private SourceRecord ToRecord(string line, FollowedFile file, long now) => new()
    {
        Topic = _topic,
        ValueSchema = Schema.String,
        Value = line,
        Timestamp = now,
        SourcePartition = _partition,
        SourceOffset = file.Offset().ToSourceOffset(),
    };
}
