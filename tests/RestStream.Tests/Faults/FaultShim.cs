using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using RestStream.TestKit.Processes;

namespace RestStream.Tests.Faults;

/// <summary>System calls that a fault can hit. Several together: whichever comes.</summary>
[Flags]
internal enum FaultCall
{
    Write = 1,
    Flush = 2,
    Rename = 4,
    Delete = 8,
    Truncate = 16,
    Reserve = 32,
    Any = Write | Flush | Rename | Delete | Truncate | Reserve,
}

internal enum FaultAction
{
    None = 0,

    /// <summary>The process is gone before the call does anything.</summary>
    KillBefore = 1,

    /// <summary>The call is done, but its result never seen.</summary>
    KillAfter = 2,

    /// <summary>Half of the bytes are written, then the process is gone.</summary>
    TornWrite = 3,

    /// <summary>The call fails with EIO (as the kernel does once after a lost write).</summary>
    IoError = 4,

    /// <summary>The call fails with ENOSPC.</summary>
    NoSpace = 5,

    /// <summary>The call takes 300 ms longer.</summary>
    Slow = 6,

    /// <summary>Half of the bytes are written, which the caller is told.</summary>
    ShortWrite = 7,
}

/// <summary>
/// A small C library in front of the server's libc (LD_PRELOAD), built with gcc when the tests run, that counts file calls and does harm at the n-th one.
/// The orders are in a shared memory-mapped file, so they can change while the server runs.
/// </summary>
internal sealed class FaultShim : IDisposable
{
    private const int ActionAt = 0, CallsAt = 4, WhenAt = 8, SeenAt = 12, HitAt = 16;

    private static readonly Lazy<string> s_library = new(Build);

    private readonly TempFolder _folder = new("faults");
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _orders;

    public FaultShim()
    {
        var path = _folder["orders"];
        File.WriteAllBytes(path, new byte[4096]);
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open);
        _orders = _file.CreateViewAccessor();
        Environment = new Dictionary<string, string> { ["LD_PRELOAD"] = s_library.Value, ["FAULT_ORDERS"] = path };
    }

    /// <summary>What the server needs to be started with.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>Calls of the ordered kind since the order was given.</summary>
    public int Seen => _orders.ReadInt32(SeenAt);

    /// <summary>How often harm was done.</summary>
    public int Hits => _orders.ReadInt32(HitAt);

    /// <summary>From now on: at the <paramref name="when"/>-th such call (1 = the next), or at every one (0).</summary>
    public void Order(FaultAction action, FaultCall calls, int when = 0)
    {
        _orders.Write(ActionAt, (int)FaultAction.None);
        _orders.Write(CallsAt, (int)calls);
        _orders.Write(WhenAt, when);
        _orders.Write(SeenAt, 0);
        _orders.Write(HitAt, 0);
        _orders.Write(ActionAt, (int)action);
    }

    /// <summary>No more harm.</summary>
    public void Stop() => Order(FaultAction.None, FaultCall.Any);

    public ServerProcessOptions Options(string dataDirectory, params string[] arguments) =>
        new() { DataDirectory = dataDirectory, Arguments = arguments, Environment = Environment };

    public void Dispose()
    {
        _orders.Dispose();
        _file.Dispose();
        _folder.Dispose();
    }

    private static string Build()
    {
        var source = Path.Combine(Locations.RepositoryRoot, "tests", "RestStream.Tests", "Faults", "faultshim.c");
        var library = Path.Combine(AppContext.BaseDirectory, $"faultshim-{System.Environment.ProcessId}.so");
        using var gcc = Process.Start(new ProcessStartInfo("gcc", ["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"]) { RedirectStandardError = true })!;
        var errors = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(library);
        return gcc.ExitCode == 0 ? library : throw new InvalidOperationException(errors);
    }
}
