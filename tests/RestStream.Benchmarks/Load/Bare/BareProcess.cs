using System.Diagnostics;

namespace RestStream.Benchmarks.Load.Bare;

/// <summary>The bare endpoints as a process of their own, as the server is.</summary>
internal sealed class BareProcess : IDisposable
{
    private readonly Process _process;
    private readonly DataFolder _folder;

    private BareProcess(Process process, DataFolder folder, Uri address)
    {
        _process = process;
        _folder = folder;
        Address = address;
    }

    public Uri Address { get; }

    /// <summary>Processor time used so far.</summary>
    public TimeSpan ProcessorTime()
    {
        _process.Refresh();
        return _process.TotalProcessorTime;
    }

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes()
    {
        _process.Refresh();
        return _process.WorkingSet64;
    }

    public static async Task<BareProcess> StartAsync(LoadSession session)
    {
        var folder = session.NewFolder("bare");
        var process = Process.Start(new ProcessStartInfo(
            "dotnet", [typeof(BareProcess).Assembly.Location, "bare", "--urls", "http://127.0.0.1:0", "--file", Path.Combine(folder.Path, "fsync-each")])
        { RedirectStandardOutput = true })!;
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The bare server ended.");
        return new BareProcess(process, folder, new Uri(line["listening ".Length..]));
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _folder.Dispose();
    }
}
