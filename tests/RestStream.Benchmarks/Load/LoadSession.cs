using System.Net;
using System.Text;
using RestStream.Benchmarks.Load.Client;
using RestStream.TestKit.Processes;

namespace RestStream.Benchmarks.Load;

/// <summary>What the scenarios of one call share.</summary>
internal sealed class LoadSession(LoadOptions options, Report report)
{
    public LoadOptions Options => options;

    public Report Report => report;

    /// <summary>An empty folder on the disk under test; gone with the result.</summary>
    public DataFolder NewFolder(string name) => new(Path.Combine(options.DataDirectory, $"{name}-{Environment.ProcessId}"));

    /// <summary>The server as its users run it, but for the arguments.</summary>
    public static Task<ServerProcess> StartServerAsync(DataFolder folder, params string[] arguments) => ServerProcess.StartAsync(new ServerProcessOptions
    {
        DataDirectory = Path.Combine(folder.Path, "data"),
        Arguments = ["--Logging:LogLevel:Default", "Warning", .. arguments],
        // As users run it.
        Environment = new Dictionary<string, string> { ["DOTNET_TieredPGO"] = "1" },
        StartTimeout = TimeSpan.FromMinutes(5),
    });

    public static async Task CreateTopicAsync(ServerProcess server, string topic, int partitions = 1, string configs = "{}")
    {
        using var body = new StringContent($"{{\"partitions\":{partitions},\"configs\":{configs}}}", Encoding.UTF8, "application/json");
        using var answer = await server.Client.PutAsync($"topics/{topic}", body);
        if (answer.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK))
            throw new InvalidOperationException($"PUT /topics/{topic} was answered {answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }

    /// <summary>
    /// Runs until a request costs no less than in the round before: the runtime compiles hot code again, better, for the first seconds of load, and longer when
    /// the machine is busy. What a server costs in its first seconds is no figure for the hours after them.
    /// </summary>
    public void WarmUp(LoadDriver driver, Func<TimeSpan> processorTime)
    {
        const int least = 4, most = 12;
        var before = double.MaxValue;
        for (var round = 1; round <= most; round++)
        {
            var start = processorTime();
            var requests = Run(driver, options.RoundLength).Requests;
            var cost = (processorTime() - start).TotalSeconds / requests;
            if (round >= least && cost > before * 0.95)
                return;
            before = cost;
        }
    }

    /// <summary>One run that must not fail: a server that refuses quickly would look fast.</summary>
    public static LoadResult Run(LoadDriver driver, TimeSpan duration, long maxRequests = long.MaxValue)
    {
        var result = driver.Run(duration, maxRequests);
        return result.Failures == 0
            ? result
            : throw new InvalidOperationException($"{result.Failures} of {result.Requests} requests failed. The first answer: {driver.FirstFailure}");
    }
}

/// <summary>A folder on the disk under test.</summary>
internal sealed class DataFolder : IDisposable
{
    public DataFolder(string path)
    {
        Path = path;
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        Directory.CreateDirectory(path);
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
