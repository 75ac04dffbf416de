using System.Diagnostics;
using RestStream.TestKit;

namespace RestStream.Benchmarks.Load.Bare;

/// <summary>The bare endpoints as a process of their own, as the server is.</summary>
internal sealed class BareProcess : IDisposable
{
    private readonly Process _process;
    private readonly TempFolder _folder;

    private BareProcess(Process process, TempFolder folder, Uri address)
    {
        _process = process;
        _folder = folder;
        Address = address;
    }

    public Uri Address { get; }

    public static async Task<BareProcess> StartAsync()
    {
        var folder = new TempFolder("bare");
        var process = Process.Start(new ProcessStartInfo(
            "dotnet", [typeof(BareProcess).Assembly.Location, "bare", "--urls", "http://127.0.0.1:0", "--file", folder["fsync-each"]]) { RedirectStandardOutput = true })!;
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
