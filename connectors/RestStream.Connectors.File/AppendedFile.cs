using System.Collections.Concurrent;

using Microsoft.Win32.SafeHandles;

using RestStream.Connect;
using RestStream.Connectors.Shared;

namespace RestStream.Connectors.Files;

/// <summary>
/// A file that grows by whole batches of lines: after a failed write it is cut back to where it was, so that the same batch can be written again without leaving half a line.
/// After a failed flush the file is not used again, because nobody knows what of it reached the disk.
/// </summary>
internal sealed class AppendedFile : IDisposable
{
    // Several tasks may append to one file; finding its end, writing there and cutting back are one step.
    private static readonly ConcurrentDictionary<string, Lock> s_locks = new();

    private readonly FileStream _file;
    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private readonly Lock _lock;
    private bool _failed;

    private AppendedFile(FileStream file, string path) =>
        (_file, _handle, _path, _lock) = (file, file.SafeFileHandle, path, s_locks.GetOrAdd(path, _ => new Lock()));

    /// <exception cref="FatalException">Connectors may not use it.</exception>
    /// <exception cref="ConnectException">It cannot be opened.</exception>
    public static AppendedFile Open(FileRoots files, string path)
    {
        var final = files.Resolve(path);
        try
        {
            var isNew = !File.Exists(final);

            // Reading is asked for too: the last byte tells whether a crash tore the last line.
            var file = files.Open(final, FileMode.OpenOrCreate, FileAccess.ReadWrite);
            if (isNew)
                Posix.SyncFolder(Path.GetDirectoryName(final)!);
            return new AppendedFile(file, final);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConnectException($"Couldn't find or create file '{path}' for FileStreamSinkTask: {e.Message}", e);
        }
    }

    /// <summary>Appends lines that end in a line end.</summary>
    /// <exception cref="RetriableException">The disk is full.</exception>
    /// <exception cref="ConnectException">The file cannot be written.</exception>
    public void Append(ReadOnlySpan<byte> lines)
    {
        ThrowIfFailed();
        using var _ = _lock.EnterScope();
        var end = RandomAccess.GetLength(_handle);
        try
        {
            RandomAccess.Write(_handle, lines, EndTornLine(end));
        }
        catch (IOException e)
        {
            CutBack(end, e);
            var message = $"Appending to '{_path}' failed: {e.Message}";
            throw Posix.IsDiskFull(e) ? new RetriableException(message, e) : new ConnectException(message, e);
        }
    }

    /// <summary>Returns when everything appended is on the disk.</summary>
    /// <exception cref="ConnectException">It may not be; this object can no longer be used.</exception>
    public void Flush()
    {
        ThrowIfFailed();
        try
        {
            Posix.Sync(_handle, _path);
        }
        catch (IOException e)
        {
            _failed = true;
            throw new ConnectException($"{e.Message} The records since the last commit will be written again.", e);
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>A last line without an end (a crash, or another program) is ended, so that no record is glued to it. Answers where the next line begins.</summary>
    private long EndTornLine(long end)
    {
        Span<byte> last = stackalloc byte[1];
        if (end == 0 || RandomAccess.Read(_handle, last, end - 1) == 0 || last[0] == '\n')
            return end;
        RandomAccess.Write(_handle, "\n"u8, end);
        return end + 1;
    }

    private void CutBack(long end, IOException error)
    {
        try
        {
            RandomAccess.SetLength(_handle, end);
        }
        catch (IOException)
        {
            _failed = true;
            throw new ConnectException($"Appending to '{_path}' failed and left half a line: {error.Message}", error);
        }
    }

    private void ThrowIfFailed()
    {
        if (_failed)
            throw new ConnectException($"'{_path}' could not be written before. Restart the task when the disk is in order.");
    }
}
