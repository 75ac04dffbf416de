using System.Net;
using System.Net.Sockets;
using Microsoft.Playwright;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Browsers;

/// <summary>The system's Chromium without a window, driven by Playwright; nothing is downloaded.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private readonly IPlaywright _playwright;
    private readonly IBrowser _chromium;

    private Browser(IPlaywright playwright, IBrowser chromium, IPage page)
    {
        (_playwright, _chromium, Page) = (playwright, chromium, page);
        page.SetDefaultTimeout(30_000);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                Errors.Add(message.Text);
        };
        page.PageError += (_, error) => Errors.Add(error);
        page.Request += (_, request) => Requests.Add(new Uri(request.Url));
    }

    public IPage Page { get; }

    /// <summary>What went to the console as an error, and exceptions that no script caught.</summary>
    public List<string> Errors { get; } = [];

    public List<Uri> Requests { get; } = [];

    /// <param name="ownScripts">The test's scripts run in the page, which the server's Content-Security-Policy would not let them.</param>
    public static async Task<Browser> StartAsync(bool ownScripts = false)
    {
        var playwright = await Playwright.CreateAsync();

        // Chromium's own sandbox does not work for root, as which a build container runs; the pages are our own.
        var chromium = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Tool.Find("chromium"), Args = ["--no-sandbox", "--disable-dev-shm-usage"] });
        return new Browser(playwright, chromium, await chromium.NewPageAsync(new() { BypassCSP = ownScripts }));
    }

    /// <summary>A port that was free a moment ago, for a server that must come back at the same address.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        await _chromium.DisposeAsync();
        _playwright.Dispose();
    }
}
