using Microsoft.Win32.SafeHandles;

using RestStream.Connect;
using RestStream.Connect.Data;
using RestStream.Connectors.Folders.Formats;
using RestStream.Connectors.Shared;

namespace RestStream.Connectors.Folders;

internal enum ReadOutcome
{
    Record,

    /// <summary>All of the file was handed out.</summary>
    End,

    /// <summary>Somebody wrote to the file since it was opened: it has to be opened anew, at <see cref="InputFile.Offset"/>.</summary>
    Changed,
}

/// <summary>
/// A file that is read. Keeps one record ahead, so that the last record of a file is known to be the last when it is handed out: its offset says that the file is finished.
/// The record before the end is handed out only if the file is still what it was when it was opened; so a record that was half written is never taken for a whole one.
/// </summary>
internal sealed class InputFile : IDisposable
{
    private readonly FileStream _file;
    private readonly SafeFileHandle _handle;
    private readonly DirectorySettings _settings;
    private readonly RecordShape _shape;
    private readonly Dictionary<string, object?> _partition;
    private readonly IReadOnlyList<Header> _headers;
    private readonly FileFacts _opened;
    private RecordReader? _reader;
    private SchemaAndValue _ahead;
    private long _aheadEnd;
    private bool _hasAhead;
    private bool _started;
    private InvalidDataException? _error;

    private InputFile(string path, FileStream file, FolderOffset? resume, DirectorySettings settings, RecordShape shape)
    {
        (Path, _file, _handle, _settings, _shape) = (path, file, file.SafeFileHandle, settings, shape);
        Name = System.IO.Path.GetFileName(path);
        _partition = new() { [FolderOffset.NameField] = Name };
        _opened = Posix.Facts(_handle, path);
        _headers = shape.HeadersOf(path, _opened);
        Offset = Resume(resume);
    }

    public string Name { get; }
    public string Path { get; }

    /// <summary>Where it stands behind the last record that was handed out.</summary>
    public FolderOffset Offset { get; private set; }

    /// <summary>Records that are handed out and not committed yet.</summary>
    public bool HasUncommitted { get; private set; }

    /// <summary>It was read to its end before it was opened here: only the clean-up is missing.</summary>
    public bool IsFinished => Offset.DoneSize is not null;

    public FileFacts Facts => _opened;

    /// <summary>Opens a file; null when it is gone.</summary>
    /// <exception cref="FatalException">Connectors may not use it: a link took its place since the folder was listed.</exception>
    public static InputFile? TryOpen(FileRoots files, string path, FolderOffset? resume, DirectorySettings settings, RecordShape shape)
    {
        try
        {
            return new InputFile(path, files.Open(path, FileMode.Open, FileAccess.Read), resume, settings, shape);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The next record, or why there is none.</summary>
    /// <exception cref="InvalidDataException">A bad record comes next; the message says which.</exception>
    public ReadOutcome Next(out SourceRecord? record)
    {
        record = null;
        if (!_started)
            ReadAhead();
        if (_hasAhead)
        {
            var (value, end) = (_ahead, _aheadEnd);
            ReadAhead();
            if (!_hasAhead && IsChanged())
                return ReadOutcome.Changed;
            record = ToRecord(value, end, isLast: !_hasAhead && _error is null);
            return ReadOutcome.Record;
        }

        if (IsChanged())
            return ReadOutcome.Changed;
        return _error is null ? ReadOutcome.End : throw Bad(_error);
    }

    /// <summary>A record with this offset is in the log, and all before it. One of an earlier file of the same name says nothing of this one.</summary>
    public void Committed(FolderOffset offset)
    {
        if (offset.File == _opened.Identity)
            HasUncommitted = offset.Records < Offset.Records;
    }

    /// <summary>Whether the file at its path is the one that was read, with the content that it had.</summary>
    public bool IsStillThere() => Posix.FindFacts(Path) is { } now && now.SameContent(_opened);

    public void Dispose()
    {
        _reader?.Dispose();
        _file.Dispose();
    }

    /// <summary>Which part of a stored offset counts for this file: none when it is another file, or was written anew.</summary>
    private FolderOffset Resume(FolderOffset? stored)
    {
        var beginning = new FolderOffset(0, 0, _opened.Identity, null);
        if (stored is null || (stored.File is not null && stored.File != _opened.Identity) || stored.Position > _opened.Size || stored.DoneSize > _opened.Size)
            return beginning;
        return stored with { File = _opened.Identity, DoneSize = stored.DoneSize == _opened.Size ? stored.DoneSize : null };
    }

    private void OpenReader()
    {
        _reader = RecordReader.Open(_handle, Offset.Position ?? 0, _settings);
        if (Offset.Position is not null)
            return;

        // Only the number of records is known: an offset of spooldir or of a user.
        for (var i = 0L; i < Offset.Records && _reader.TryRead(out _); i++)
        {
        }
    }

    private void ReadAhead()
    {
        _started = true;
        try
        {
            if (_reader is null)
                OpenReader();
            _hasAhead = _reader!.TryRead(out _ahead);
            _aheadEnd = _reader.Position;
        }
        catch (InvalidDataException e)
        {
            (_hasAhead, _error) = (false, e);
        }
    }

    private bool IsChanged() => !Posix.Facts(_handle, Path).SameContent(_opened);

    private SourceRecord ToRecord(SchemaAndValue value, long end, bool isLast)
    {
        var number = Offset.Records + 1;
        try
        {
            var key = _shape.Key(value);
            var record = new SourceRecord
            {
                Topic = _settings.TopicName,
                KeySchema = key.Schema,
                Key = key.Value,
                ValueSchema = value.Schema,
                Value = value.Value,
                Timestamp = _shape.Timestamp(value, _opened),
                Headers = _shape.Headers(_headers, number),
                SourcePartition = _partition,
                SourceOffset = (Offset = new FolderOffset(number, end, _opened.Identity, isLast ? _opened.Size : null)).ToSourceOffset(),
            };
            HasUncommitted = true;
            return record;
        }
        catch (InvalidDataException e)
        {
            throw Bad(e);
        }
    }

    private InvalidDataException Bad(InvalidDataException error) => new($"'{Path}', record {Offset.Records + 1}: {error.Message}.", error);
}
