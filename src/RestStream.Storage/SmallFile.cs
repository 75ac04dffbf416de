using System.Text;
using RestStream.Storage.Files;

namespace RestStream.Storage;

/// <summary>Small text files that are replaced whole, so that a crash leaves the old or the new one.</summary>
internal static class SmallFile
{
    public static void Replace(IFileSystem files, string directory, string name, string text)
    {
        var path = Path.Combine(directory, name);
        var temporary = path + ".tmp";
        using (var file = files.Open(temporary, create: true))
        {
            file.SetLength(0);
            file.Write(Encoding.UTF8.GetBytes(text), 0);
            file.Flush();
        }
        files.Rename(temporary, path);
        files.FlushDirectory(directory);
    }

    /// <summary>Null when there is no such file.</summary>
    public static string? Read(IFileSystem files, string directory, string name)
    {
        var path = Path.Combine(directory, name);
        if (!files.FileExists(path))
            return null;
        using var file = files.Open(path, create: false);
        var bytes = new byte[file.Length];
        return Encoding.UTF8.GetString(bytes, 0, file.Read(bytes, 0));
    }
}
