namespace RestStream.Storage.Files;

/// <summary>The real disk: file handles of .NET, flushes by P/Invoke (the .NET ones swallow errors on Linux).</summary>
public sealed class LinuxFileSystem : IFileSystem
{
    public IFile Open(string path, bool create) => throw new NotImplementedException();
    public bool FileExists(string path) => throw new NotImplementedException();
    public bool DirectoryExists(string path) => throw new NotImplementedException();
    public long FileLength(string path) => throw new NotImplementedException();
    public void CreateDirectory(string path) => throw new NotImplementedException();
    public IReadOnlyList<string> List(string directory) => throw new NotImplementedException();
    public void Rename(string from, string to) => throw new NotImplementedException();
    public void DeleteFile(string path) => throw new NotImplementedException();
    public void DeleteDirectory(string path) => throw new NotImplementedException();
    public void FlushDirectory(string path) => throw new NotImplementedException();
    public long FreeBytes(string path) => throw new NotImplementedException();
    public IDisposable Lock(string path) => throw new NotImplementedException();
}
