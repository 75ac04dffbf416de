using System.Text;

namespace RestStream.Storage.Files;

/// <summary>Replaces small files as a whole: after a crash either the old content or the new one is there, never a mixture.</summary>
internal static class AtomicFile
{
    public const string TemporarySuffix = ".tmp";

    /// <summary>Temp file, flush, rename, flush of the directory. Durable when it returns.</summary>
    public static void Write(IFileSystem files, string path, ReadOnlySpan<byte> content)
    {
        WriteTemporary(files, path, content, flush: true);
        files.FlushDirectory(Path.GetDirectoryName(path)!);
    }

    public static void WriteText(IFileSystem files, string path, string text) => Write(files, path, Encoding.UTF8.GetBytes(text));

    /// <summary>Null when there is no such file.</summary>
    public static string? ReadText(IFileSystem files, string path) => files.FileExists(path) ? Encoding.UTF8.GetString(Read(files, path)) : null;

    /// <summary>As <see cref="Write"/>, except that the caller flushes the directory, once for several files.</summary>
    public static void WriteTemporary(IFileSystem files, string path, ReadOnlySpan<byte> content, bool flush)
    {
        var temporary = path + TemporarySuffix;
        using (var file = files.Open(temporary, create: true))
        {
            file.SetLength(0);
            if (content.Length > 0)
                file.Write(content, 0);
            if (flush)
                file.Flush();
        }
        files.Rename(temporary, path);
    }

    public static byte[] Read(IFileSystem files, string path)
    {
        using var file = files.Open(path, create: false);
        var content = new byte[file.Length];
        var read = file.Read(content, 0);
        return read == content.Length ? content : content[..read];
    }

    /// <summary>Puts a file that cannot be understood aside as <c>….corrupt</c>; it is never deleted.</summary>
    public static void Quarantine(IFileSystem files, string path) => files.Rename(path, path + ".corrupt");
}
