using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace RestStream.TestKit.Processes;

/// <summary>How a <see cref="ServerProcess"/> is started.</summary>
public sealed record ServerProcessOptions
{
    public required string DataDirectory { get; init; }

    /// <summary>Further arguments, such as <c>--RestStream:Broker:MinFreeBytes=0</c>.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>A program and its arguments in front of the server: <c>strace -f …</c>, <c>prlimit --nofile=200</c>.</summary>
    public IReadOnlyList<string> Launcher { get; init; } = [];

    /// <summary>The host's dll; by default the one that was built with the tests.</summary>
    public string? Program { get; init; }

    /// <summary>Longest until <c>/health/ready</c> answers 200.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>
/// The server as its users run it: a process of its own on a free port of 127.0.0.1. Ends only what it started itself, by process id.
/// </summary>
public sealed partial class ServerProcess : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<int, ServerProcess> s_running = new();

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<string> _url = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int? _serverId;

    static ServerProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (var server in s_running.Values)
            server.KillAll();
    };

    private ServerProcess(ServerProcessOptions options)
    {
        Options = options;
        string[] command = [.. options.Launcher, "dotnet", options.Program ?? BuiltProgram, "--urls", "http://127.0.0.1:0",
            "--RestStream:DataDirectory", options.DataDirectory, .. options.Arguments];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (var inherited in start.Environment.Keys.Where(k => k.StartsWith("ASPNETCORE_", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(inherited);

        // What is learnt for code that runs for long is lost on a server that lives for seconds.
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var (name, value) in options.Environment)
            start.Environment[name] = value;

        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Start();
        s_running[_process.Id] = this;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The host of the same configuration as the running tests.</summary>
    public static string BuiltProgram { get; } = Path.Combine(
        Locations.RepositoryRoot, "artifacts", "bin", "RestStream", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), "RestStream.dll");

    public ServerProcessOptions Options { get; }

    public string DataDirectory => Options.DataDirectory;

    /// <summary>Where it listens, with a slash at the end.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>One pool of connections to it; no time limit of its own.</summary>
    public HttpClient Client { get; private set; } = null!;

    /// <summary>Everything it wrote so far, both streams.</summary>
    public string Output { get { lock (_output) return _output.ToString(); } }

    public bool HasExited => _process.HasExited;

    /// <summary>Of the launcher when there is one (strace takes over the status of what it watched; prlimit becomes the server).</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>The server's own id, also behind a launcher that stays.</summary>
    public int Id => _serverId ??= FindServerId();

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <exception cref="InvalidOperationException">It ended instead; the message holds what it wrote.</exception>
    public static async Task<ServerProcess> StartAsync(ServerProcessOptions options)
    {
        var server = Launch(options);
        try
        {
            await server.WaitUntilReadyAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public static Task<ServerProcess> StartAsync(string dataDirectory, params string[] arguments) =>
        StartAsync(new ServerProcessOptions { DataDirectory = dataDirectory, Arguments = arguments });

    /// <summary>Starts it without waiting, for a server that is expected to fail or to be killed early.</summary>
    public static ServerProcess Launch(ServerProcessOptions options)
    {
        if (!File.Exists(options.Program ?? BuiltProgram))
            throw new FileNotFoundException("The server is not built.", options.Program ?? BuiltProgram);
        return new ServerProcess(options);
    }

    /// <summary>Returns when <c>/health/ready</c> answers 200.</summary>
    public async Task WaitUntilReadyAsync()
    {
        using var timeout = new CancellationTokenSource(Options.StartTimeout);
        var exited = _process.WaitForExitAsync(timeout.Token);
        if (await Task.WhenAny(_url.Task, exited) == exited)
            throw new InvalidOperationException($"The server {(timeout.IsCancellationRequested ? "did not listen in time" : "ended")}:\n{Output}");

        Address = new Uri(await _url.Task + "/");
        Client = new HttpClient(new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30), UseProxy = false })
        {
            BaseAddress = Address,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        while (!await IsReadyAsync(timeout.Token))
        {
            if (_process.HasExited || timeout.IsCancellationRequested)
                throw new InvalidOperationException($"The server did not become ready:\n{Output}");
            await Task.Delay(10, CancellationToken.None);
        }
    }

    /// <summary>kill -9: no code of the server runs any more. Returns when the process is gone.</summary>
    public async Task KillAsync()
    {
        KillAll();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM; <see cref="WaitForExitAsync"/> tells when it has ended.</summary>
    public void Terminate() => Signals.Send(Id, Signals.Terminate);

    /// <summary>SIGSTOP: it stands still until <see cref="Continue"/>.</summary>
    public void Suspend() => Signals.Send(Id, Signals.Stop);

    /// <summary>SIGCONT.</summary>
    public void Continue() => Signals.Send(Id, Signals.Continue);

    /// <summary>The exit code.</summary>
    /// <exception cref="TimeoutException">It still runs.</exception>
    public async Task<int> WaitForExitAsync(TimeSpan timeout)
    {
        await _process.WaitForExitAsync().WaitAsync(timeout);
        return _process.ExitCode;
    }

    /// <summary>SIGTERM and wait, as an operator does; throws when it takes longer than promised.</summary>
    public async Task<int> StopAsync()
    {
        Terminate();
        try
        {
            return await WaitForExitAsync(TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"The server does not stop:\n{Output}");
        }
    }

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes() =>
        1024 * long.Parse(StatusLine("VmRSS").Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture);

    /// <summary>Processor time used so far, user and system.</summary>
    public TimeSpan ProcessorTime()
    {
        // Fields 14 and 15 of /proc/<pid>/stat in clock ticks of 10 ms; the name in field 2 may hold spaces and ends at the last ')'.
        var stat = File.ReadAllText($"/proc/{Id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromMilliseconds(10 * (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        s_running.TryRemove(_process.Id, out _);
        Client?.Dispose();
        _process.Dispose();
    }

    private string StatusLine(string name) =>
        File.ReadLines($"/proc/{Id}/status").First(line => line.StartsWith(name + ":", StringComparison.Ordinal))[(name.Length + 1)..].Trim();

    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await Client.GetAsync("health/ready", cancellationToken);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    private void KillAll()
    {
        try
        {
            // The server first: a launcher that dies alone would leave it behind.
            if (Options.Launcher.Count > 0)
                Signals.Send(Id, Signals.Kill);
            if (!_process.HasExited)
                Signals.Send(_process.Id, Signals.Kill);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException)
        {
            // Never started, or the launcher is gone and with it the server.
        }
    }

    private int FindServerId()
    {
        // A launcher that stays (strace) has the server as its child; one that execs (prlimit) is the server.
        var children = Options.Launcher.Count == 0 ? "" : File.ReadAllText($"/proc/{_process.Id}/task/{_process.Id}/children").Trim();
        return children.Length == 0 ? _process.Id : int.Parse(children.Split(' ')[0], CultureInfo.InvariantCulture);
    }

    private void Take(string? line)
    {
        if (line is null)
            return;
        lock (_output)
            _output.AppendLine(line);
        if (ListeningLine().Match(line) is { Success: true } listening)
            _url.TrySetResult(listening.Groups["url"].Value);
    }

    [GeneratedRegex(@"listening\b.*?(?<url>http://127\.0\.0\.1:\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex ListeningLine();
}
