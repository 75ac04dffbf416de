using System.Runtime.CompilerServices;

namespace RestStream.TestKit;

/// <summary>Where tests find things outside their own folder.</summary>
public static class Locations
{
    /// <summary>The checkout: the folder that holds the solution.</summary>
    public static string RepositoryRoot { get; } = FindRepositoryRoot();

    /// <summary>What Kafka wrote and answered: RESTSTREAM_GOLDEN, else <c>shared/golden</c> beside the checkout or beside one of its parents.</summary>
    /// <exception cref="DirectoryNotFoundException">It is in none of these places.</exception>
    public static string Golden =>
        Find("RESTSTREAM_GOLDEN", "shared/golden")
        ?? throw new DirectoryNotFoundException($"No golden data. Set RESTSTREAM_GOLDEN, or put it at ../shared/golden beside {RepositoryRoot}.");

    /// <summary>A Kafka distribution (the folder with bin/ and libs/): KAFKA_HOME, else <c>shared/kafka</c> beside the checkout or its parents; null when there is none.</summary>
    public static string? KafkaHome => Find("KAFKA_HOME", "shared/kafka");

    private static string? Find(string variable, string relative)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } set)
            return Directory.Exists(set) ? set : throw new DirectoryNotFoundException($"{variable} is {set}, which is no folder.");

        for (var folder = Directory.GetParent(RepositoryRoot); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, relative);
            if (Directory.Exists(candidate))
                return candidate;
        }
        return null;
    }

    private static string FindRepositoryRoot([CallerFilePath] string thisFile = "")
    {
        for (var folder = Directory.GetParent(thisFile); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "RestStream.sln")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException($"RestStream.sln is in no folder above {thisFile}.");
    }
}
