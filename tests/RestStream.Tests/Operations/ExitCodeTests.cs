using RestStream.TestKit.Processes;

namespace RestStream.Tests.Operations;

public sealed class ExitCodeTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly TempFolder _folder = new("exit-codes");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("--RestStream:Limits:MaxStreams=0", "RestStream:Limits:MaxStreams is '0', but must be 1 to 1000000.")]
    [InlineData("--RestStream:DataDirctory=x", "RestStream:DataDirctory is not a setting. Did you mean RestStream:DataDirectory?")]
    [InlineData("--urls=http://0.0.0.0:0", "--RestStream:AllowAnonymous=true")]
    [InlineData("--urls=nonsense", "'nonsense' is not an address to listen on")]
    public async Task Bad_settings_end_with_2_and_one_line(string argument, string expected)
    {
        await using var server = Launch(_folder["data"], argument);

        Assert.Equal(2, await server.WaitForExitAsync(s_patience));

        Assert.Contains(expected, Assert.Single(server.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.False(Directory.Exists(_folder["data"]));
    }

    [Fact]
    public async Task Consent_opens_the_network()
    {
        await using var server = await ServerProcess.StartAsync(_folder["data"], "--urls=http://127.0.0.1:0;http://0.0.0.0:0", "--RestStream:AllowAnonymous=true");

        Assert.Contains("NO AUTHENTICATION, reachable from other machines", server.Output);
    }

    [Fact]
    public async Task A_second_process_on_one_data_directory_ends_with_3_and_the_first_is_unharmed()
    {
        await using var first = await ServerProcess.StartAsync(_folder["data"]);

        await using var second = Launch(_folder["data"]);
        Assert.Equal(3, await second.WaitForExitAsync(s_patience));

        Assert.Contains(first.Id.ToString(), Assert.Single(second.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.True((await first.Client.GetAsync("health/ready")).IsSuccessStatusCode);
        Assert.Equal(0, await first.StopAsync());
    }

    [Fact]
    public async Task A_data_directory_that_cannot_be_used_ends_with_4_and_names_it()
    {
        await File.WriteAllTextAsync(_folder["file"], "not a folder");

        await using var server = Launch(_folder["file"]);
        Assert.Equal(4, await server.WaitForExitAsync(s_patience));

        Assert.Contains(_folder["file"], Assert.Single(server.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task A_log_that_cannot_be_closed_cleanly_ends_with_4_and_says_so()
    {
        await using var server = await ServerProcess.StartAsync(_folder["data"]);
        Directory.CreateDirectory(_folder["data/.kafka_cleanshutdown.tmp"]);

        var ended = await server.StopAsync();

        Assert.True(ended == 4, $"{ended}\n{server.Output}");
        Assert.Contains("The log was not closed cleanly; the next start repairs it.", server.Output);
    }

    [Fact]
    public async Task An_address_in_use_ends_with_2_and_says_so()
    {
        await using var first = await ServerProcess.StartAsync(_folder["a"]);

        await using var second = Launch(_folder["b"], $"--urls={first.Address.GetLeftPart(UriPartial.Authority)}");
        Assert.Equal(2, await second.WaitForExitAsync(s_patience));

        Assert.Contains("address already in use", second.Output);
        Assert.DoesNotContain("   at ", second.Output);
    }

    [Fact]
    public async Task The_health_command_tells_by_its_exit_code()
    {
        await using var server = await ServerProcess.StartAsync(_folder["data"]);

        Assert.Equal(0, (await ProgramRun.Async("health", server.Address.ToString())).ExitCode);
        Assert.Equal(0, await server.StopAsync());
        Assert.Equal(1, (await ProgramRun.Async("health", server.Address.ToString())).ExitCode);
    }

    private static ServerProcess Launch(string dataDirectory, params string[] arguments) =>
        ServerProcess.Launch(new ServerProcessOptions { DataDirectory = dataDirectory, Arguments = arguments });
}
