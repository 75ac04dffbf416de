using RestStream.Connect;
using RestStream.Connectors.Shared;

namespace RestStream.Connectors.Folders;

/// <summary>
/// Reads one file after the other. A file leaves the input folder only when all its records are in the log (<see cref="CommittedAsync"/>). The offset of the last record says that the file is finished, so that after a
/// crash before the move it is moved and not read again; a crash before the commit reads on behind the last committed record.
/// A file that changes while it is read is opened again, where it stood, once it has settled.
/// </summary>
public sealed class DirectorySourceTask : SourceTask
{
    private readonly Queue<string> _waiting = [];

    // Files that are read to their end (or to a bad record), whose records are not all committed.
    private readonly Dictionary<string, (InputFile File, string? Error)> _uncommitted = [];

    // With the policy NONE: files that are finished, as they were then.
    private readonly Dictionary<string, FileFacts> _finished = [];

    // Files that changed while they were read.
    private readonly Dictionary<string, FolderOffset> _reopen = [];

    private ISourceTaskContext _context = null!;
    private DirectorySettings _settings = null!;
    private InputFolder _folder = null!;
    private FileCleanup _cleanup = null!;
    private RecordShape _shape = null!;
    private InputFile? _current;
    private FatalException? _halted;

    /// <inheritdoc/>
    public override Task StartAsync(ISourceTaskContext context, CancellationToken cancellationToken)
    {
        _context = context;
        _settings = new DirectorySettings(context.Config);
        _shape = new RecordShape(_settings, context.Time);
        _folder = new InputFolder(Folder(DirectorySettings.InputPath)!, _settings, context);
        var (finished, error) = (Folder(DirectorySettings.FinishedPath), Folder(DirectorySettings.ErrorPath));
        if (finished is null && _settings.Policy is (CleanupPolicy.Move or CleanupPolicy.MoveByDate))
            throw new FatalException($"{DirectorySettings.FinishedPath} is missing.");
        if (error is null && !_settings.HaltOnError)
            throw new FatalException($"{DirectorySettings.ErrorPath} is missing.");
        if (DirectorySettings.FolderReadAgain(context.Config, context.Files) is { } key)
            throw new FatalException($"{key}: {DirectorySettings.ReadAgain}");
        _cleanup = new FileCleanup(_settings, context.Files, finished, error);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var records = new List<SourceRecord>();
        while (records.Count < _settings.BatchSize && _halted is null && !IsHalting && (_current ??= await OpenNextAsync(cancellationToken)) is { } file)
            ReadFrom(file, records);
        if (records.Count > 0)
            return records;
        if (_halted is not null)
            throw _halted;
        await Task.Delay(_settings.EmptyPollWait, _context.Time, cancellationToken);
        return records;
    }

    /// <inheritdoc/>
    public override Task CommittedAsync(IReadOnlyList<SourceRecord> records, CancellationToken cancellationToken)
    {
        foreach (var record in records)
        {
            var name = (string)record.SourcePartition[FolderOffset.NameField]!;
            var offset = FolderOffset.Parse(record.SourceOffset)!;
            if (_current?.Name == name)
                _current.Committed(offset);
            else if (_uncommitted.TryGetValue(name, out var ended))
                ended.File.Committed(offset);
        }

        foreach (var (name, (file, error)) in _uncommitted.Where(e => !e.Value.File.HasUncommitted).ToList())
        {
            _uncommitted.Remove(name);
            CleanUp(file, error);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        foreach (var file in _uncommitted.Values.Select(e => e.File).Append(_current).OfType<InputFile>())
        {
            file.Dispose();
            try
            {
                _cleanup.Unflag(file.Path);
            }
            catch (ConnectException e)
            {
                _context.Log(TaskLogLevel.Warning, e.Message, e);
            }
        }

        return base.DisposeAsync();
    }

    /// <summary>A bad record was met: nothing more is read until what stands before it is committed.</summary>
    private bool IsHalting => _settings.HaltOnError && _uncommitted.Values.Any(e => e.Error is not null);

    private string? Folder(string key)
    {
        if (_context.Config.FindString(key) is not { Length: > 0 } configured)
            return null;
        var path = _context.Files.Resolve(configured);
        return Directory.Exists(path) ? path : throw new ConnectException($"There is no folder '{configured}' ({key}). Create it.");
    }

    /// <summary>The next file of which there is something to read; null when none waits.</summary>
    private async ValueTask<InputFile?> OpenNextAsync(CancellationToken cancellationToken)
    {
        if (_waiting.Count == 0)
        {
            foreach (var path in _folder.List(IsWanted))
                _waiting.Enqueue(path);
        }

        while (_waiting.TryDequeue(out var path))
        {
            var name = Path.GetFileName(path);
            if (_uncommitted.ContainsKey(name))
                continue;
            if (!_reopen.TryGetValue(name, out var offset))
                offset = FolderOffset.Parse(await _context.LastOffsetAsync(new Dictionary<string, object?> { [FolderOffset.NameField] = name }, cancellationToken));
            var file = InputFile.TryOpen(_context.Files, path, offset, _settings, _shape);
            if (file is not null && !_folder.IsSettled(file.Facts))
            {
                // Written to since the folder was listed, which may be long ago: the next listing finds it again.
                file.Dispose();
                continue;
            }

            _reopen.Remove(name);
            if (file is null)
                continue;
            if (file.IsFinished)
            {
                // The crash came between the commit and the move; or, with NONE, the file was read by an earlier start.
                CleanUp(file, error: null);
                continue;
            }

            _cleanup.Flag(path);
            return file;
        }

        return null;
    }

    private bool IsWanted(string name, FileFacts facts) => !_uncommitted.ContainsKey(name) && !(_finished.TryGetValue(name, out var finished) && finished.SameContent(facts));

    private void ReadFrom(InputFile file, List<SourceRecord> records)
    {
        try
        {
            while (records.Count < _settings.BatchSize)
            {
                switch (file.Next(out var record))
                {
                    case ReadOutcome.Record:
                        records.Add(record!);
                        break;
                    case ReadOutcome.End:
                        Ended(file, error: null);
                        return;
                    default:
                        Reopen(file);
                        return;
                }
            }
        }
        catch (InvalidDataException e)
        {
            Ended(file, e.Message);
        }
    }

    private void Ended(InputFile file, string? error)
    {
        _current = null;
        if (file.HasUncommitted)
            _uncommitted[file.Name] = (file, error);
        else
            CleanUp(file, error);
    }

    private void Reopen(InputFile file)
    {
        _context.Log(TaskLogLevel.Warning, $"'{file.Path}' was written to while it was read: going on once it has settled. Raise {DirectorySettings.MinimumAgeKey} if its writer pauses for longer.");
        _current = null;
        _reopen[file.Name] = file.Offset;
        file.Dispose();
        _cleanup.Unflag(file.Path);
    }

    /// <summary>All records of the file that count are in the log.</summary>
    private void CleanUp(InputFile file, string? error)
    {
        file.Dispose();
        if (!file.IsStillThere())
        {
            // Replaced or written to in the meantime: what is there now was not read, or not all of it.
            _context.Log(TaskLogLevel.Warning, $"'{file.Path}' was replaced or written to after it was read: it stays, and is looked at again.");
            _reopen[file.Name] = file.Offset;
            _cleanup.Unflag(file.Path);
        }
        else if (error is null)
        {
            _cleanup.Finish(file.Path, file.Facts);
            if (_settings.Policy == CleanupPolicy.None)
                _finished[file.Name] = file.Facts;
            _context.Log(TaskLogLevel.Info, $"'{file.Path}' is finished: {file.Offset.Records} records.");
        }
        else
        {
            var rejected = _cleanup.Reject(file.Path, file.Facts, error);
            var message = $"{error} The records before it are in the topic; the file is now at '{rejected}'.";
            _context.Log(TaskLogLevel.Error, message);
            if (_settings.HaltOnError)
                _halted = new FatalException($"{message} Restart the task to go on with the next file ({DirectorySettings.HaltOnErrorKey}=false goes on by itself).");
        }
    }
}
