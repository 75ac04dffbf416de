using RestStream.Storage.Files;

namespace RestStream.Storage.Tests.Log;

/// <summary>Passes everything on and counts how many files were opened.</summary>
internal sealed class CountingFiles(IFileSystem files) : IFileSystem
{
    public int Opened { get; private set; }

    public IFile Open(string path, bool create)
    {
        Opened++;
        return files.Open(path, create);
    }

    public bool FileExists(string path) => files.FileExists(path);
    public bool DirectoryExists(string path) => files.DirectoryExists(path);
    public long FileLength(string path) => files.FileLength(path);
    public void CreateDirectory(string path) => files.CreateDirectory(path);
    public IReadOnlyList<string> List(string directory) => files.List(directory);
    public void Rename(string from, string to) => files.Rename(from, to);
    public void DeleteFile(string path) => files.DeleteFile(path);
    public void DeleteDirectory(string path) => files.DeleteDirectory(path);
    public void FlushDirectory(string path) => files.FlushDirectory(path);
    public long FreeBytes(string path) => files.FreeBytes(path);
    public IDisposable Lock(string path) => files.Lock(path);
}
