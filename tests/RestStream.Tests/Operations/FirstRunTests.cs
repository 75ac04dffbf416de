using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Operations;

public sealed class FirstRunTests : IDisposable
{
    private readonly TempFolder _folder = new("first-run");

    public void Dispose() => _folder.Dispose();

    [RequiresToolTheory("curl")]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task The_lines_of_the_banner_work_as_they_are_printed(string environment)
    {
        await using var server = await ServerProcess.StartAsync(_folder["data"], "--environment", environment);
        var lines = server.Output.Split('\n').Select(l => l.Trim()).Where(l => l.StartsWith("curl ", StringComparison.Ordinal)).ToList();

        foreach (var line in lines[..^1])
        {
            var (exitCode, output) = await ProgramRun.Async("sh", ["-c", line + " --fail-with-body --silent --show-error"]);
            Assert.True(exitCode == 0, $"{line}: {output}");
        }

        using var follow = Process.Start(new ProcessStartInfo("sh", ["-c", "exec " + lines[^1] + " --silent"]) { RedirectStandardOutput = true })!;
        try
        {
            while (await follow.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)) is { } line && !line.Contains("hello"))
            {
            }

            Assert.False(follow.HasExited);
        }
        finally
        {
            follow.Kill();
        }

        Assert.Equal(environment == "Development" ? 2 : 3, lines.Count);
    }

    [Fact]
    public async Task The_banner_says_where_everything_is()
    {
        await using var server = await ServerProcess.StartAsync(_folder["data"]);
        var url = server.Address.GetLeftPart(UriPartial.Authority);

        Assert.Matches(@"RestStream \d+\.\d+\.\d+ \(\w+\)", server.Output);
        Assert.Contains($"listening   {url}", server.Output);
        Assert.Contains($"data        {_folder["data"]}", server.Output);
        Assert.Contains("no authentication, reachable from this machine only", server.Output);
        Assert.Contains("answered after fsync", server.Output);
        Assert.True((await server.Client.GetAsync(Regex.Match(server.Output, @"swagger\s+(\S+)").Groups[1].Value)).IsSuccessStatusCode);
        Assert.True((await server.Client.GetAsync(Regex.Match(server.Output, @"metrics\s+(\S+)").Groups[1].Value)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task Http2_without_tls_is_spoken_on_an_endpoint_that_is_configured_for_it()
    {
        // Kestrel's own setting; the banner names the address that it got.
        await using var server = await ServerProcess.StartAsync(_folder["data"], "--Kestrel:Endpoints:Http2:Url=http://127.0.0.1:0", "--Kestrel:Endpoints:Http2:Protocols=Http2",
            "--Kestrel:Endpoints:Http:Url=http://127.0.0.1:0");
        var urls = Regex.Matches(server.Output[..server.Output.IndexOf("data  ", StringComparison.Ordinal)], @"http://127\.0\.0\.1:[1-9]\d*").Select(m => m.Value).Distinct().ToList();

        var versions = new List<Version>();
        foreach (var url in urls)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url + "/health/live") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            try
            {
                versions.Add((await server.Client.SendAsync(request)).Version);
            }
            catch (HttpRequestException)
            {
                // The endpoint for HTTP/1.1.
            }
        }

        Assert.Equal(2, urls.Count);
        Assert.Equal([HttpVersion.Version20], versions);
    }

    [Fact]
    public async Task Dotnet_run_works_in_the_folder_where_it_is_called()
    {
        Directory.CreateDirectory(_folder["here"]);
        var configuration = Path.GetFileName(Path.GetDirectoryName(ServerProcess.BuiltProgram))!;

        var (_, output) = await ProgramRun.Async("dotnet",
            ["run", "--no-build", "-c", configuration, "--project", Path.Combine(Locations.RepositoryRoot, "src", "RestStream"), "--", "verify", "./here"], _folder.Path);

        Assert.StartsWith($"'{_folder["here"]}' has neither segments", output);
    }

    [Fact]
    public async Task Log_lines_can_be_json()
    {
        await using var server = await ServerProcess.StartAsync(_folder["data"], "--Logging:Console:FormatterName=json");
        await server.StopAsync();

        var line = server.Output.Split('\n').First(l => l.Contains("Stopping"));
        Assert.Equal("Information", System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("LogLevel").GetString());
    }
}
