using RestStream.Storage.Files;

namespace RestStream.Storage;

/// <summary>Kafka's <c>.kafka_cleanshutdown</c>: written last at a clean stop, removed durably before the first write.</summary>
internal static class CleanShutdownMarker
{
    private const string Name = ".kafka_cleanshutdown";

    public static void Write(IFileSystem files, string directory) => AtomicFile.WriteText(files, Path.Combine(directory, Name), "{\"version\":0,\"brokerEpoch\":-1}");

    public static bool Exists(IFileSystem files, string directory) => files.FileExists(Path.Combine(directory, Name));

    public static void Remove(IFileSystem files, string directory)
    {
        if (!Exists(files, directory))
            return;
        files.DeleteFile(Path.Combine(directory, Name));
        files.FlushDirectory(directory);
    }
}
