using System.Text;

using Microsoft.Win32.SafeHandles;

using RestStream.Connect;
using RestStream.Connectors.Shared;

namespace RestStream.Connectors.Files;

/// <summary>An open file that is read line by line while others write it, and the signs by which it is known again.</summary>
internal sealed class FollowedFile : IDisposable
{
    private readonly FileStream _file;
    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private readonly int _maxLineBytes;
    private LineReader _lines;
    private string? _head;
    private long _headOf;
    private bool _atEnd;

    private FollowedFile(FileStream file, string path, int maxLineBytes)
    {
        (_file, _handle, _path, _maxLineBytes) = (file, file.SafeFileHandle, path, maxLineBytes);
        _lines = new LineReader(_handle, 0, maxLineBytes);
        Identity = Posix.Facts(_handle, path).Identity;
    }

    public string Identity { get; }

    /// <summary>Bytes before the next line.</summary>
    public long Position => _lines.Position;

    public long Size => Posix.Facts(_handle, _path).Size;

    /// <summary>Opens a file at its beginning; null when there is none.</summary>
    /// <exception cref="FatalException">Connectors may not use it.</exception>
    public static FollowedFile? TryOpen(FileRoots files, string path, int maxLineBytes)
    {
        try
        {
            return new FollowedFile(files.Open(path, FileMode.Open, FileAccess.Read), path, maxLineBytes);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Goes on where the offset says; false when the file is not the one that the offset is of, or holds less: then it stays at its beginning.</summary>
    public bool TryResume(FileOffset offset)
    {
        if ((offset.File is not null && offset.File != Identity) || Size < offset.Position || (offset.Head is not null && offset.Head != FileOffset.HashHead(_handle, offset.Position)))
            return false;
        _lines = new LineReader(_handle, offset.Position, _maxLineBytes);
        (_head, _headOf) = (offset.Head, offset.Position);
        return true;
    }

    /// <summary>Whether the content that was read is gone: the file is shorter than what was read, or begins with other bytes than it did.</summary>
    public bool WasWrittenAnew() => Size < Position || (_head is not null && FileOffset.HashHead(_handle, Position) != _head);

    /// <summary>Reads from the beginning on.</summary>
    public void Restart()
    {
        _lines = new LineReader(_handle, 0, _maxLineBytes);
        _head = null;
    }

    /// <summary>The next whole line; null when there is none now. Bytes that are no UTF-8 become U+FFFD.</summary>
    /// <exception cref="InvalidDataException">It is too long.</exception>
    public string? ReadLine()
    {
        // While no whole line was read nothing shows that a file was written anew: bytes of then are not kept for a line of now.
        if (_atEnd)
            _lines.ForgetRest();
        _atEnd = !_lines.TryRead(out var line);
        return _atEnd ? null : Text(line);
    }

    /// <summary>What stands behind the last line end; null when nothing does.</summary>
    public string? ReadRest() => _lines.TryReadRest(out var line) ? Text(line) : null;

    /// <summary>Where to go on behind the last line.</summary>
    public FileOffset Offset() => new(Position, Identity, _head ?? throw new InvalidOperationException("Nothing was read yet."));

    public void Dispose() => _file.Dispose();

    private string Text(ReadOnlySpan<byte> line)
    {
        if (_head is null || !FileOffset.HeadIsComplete(_headOf))
            (_head, _headOf) = (FileOffset.HashHead(_handle, Position), Position);

        return Encoding.UTF8.GetString(line);
    }
}
