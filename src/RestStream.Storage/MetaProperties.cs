using RestStream.Storage.Files;

namespace RestStream.Storage;

/// <summary>Kafka's <c>meta.properties</c>: ids that are made once per data directory.</summary>
internal static class MetaProperties
{
    private const string Name = "meta.properties";

    /// <summary>The directory's cluster id; made and written when there is none.</summary>
    public static string ReadOrCreate(IFileSystem files, string directory)
    {
        foreach (var line in (AtomicFile.ReadText(files, Path.Combine(directory, Name)) ?? "").Split('\n'))
        {
            if (line.StartsWith("cluster.id=", StringComparison.Ordinal))
                return line["cluster.id=".Length..].Trim();
        }
        var clusterId = NewId();
        AtomicFile.WriteText(files, Path.Combine(directory, Name), $"#\nversion=1\ncluster.id={clusterId}\nnode.id=1\ndirectory.id={NewId()}\n");
        return clusterId;
    }

    /// <summary>A random id as Kafka writes them: 22 characters of base64url.</summary>
    private static string NewId() =>
        Convert.ToBase64String(Guid.NewGuid().ToByteArray()).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
