using RestStream.TestKit.Processes;

namespace RestStream.Tests.Operations;

/// <summary>One server process for all tests of a class.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    private readonly TempFolder _folder = new("operations");

    public ServerProcess Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await ServerProcess.StartAsync(_folder["data"],
        "--RestStream:AllowedHosts", "log.example.com", "--RestStream:CorsOrigins", "https://app.example.com");

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        _folder.Dispose();
    }
}
