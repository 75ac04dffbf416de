using System.Text.RegularExpressions;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;
using RestStream.Tests.Operations;

namespace RestStream.Tests;

/// <summary>Runs what the README shows, against a server of its own. Programs that follow a topic do not end by themselves; they get a few seconds.</summary>
public sealed partial class ReadmeTests : IAsyncLifetime
{
    /// <summary>What <c>timeout</c> answers when it had to end a program.</summary>
    private const int TimedOut = 124;

    private readonly TempFolder _folder = new("readme");
    private ServerProcess _server = null!;

    public async Task InitializeAsync() => _server = await ServerProcess.StartAsync(_folder["data"]);

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [RequiresToolFact("curl", "jq", "timeout")]
    public async Task The_commands_work_as_they_are_written()
    {
        foreach (var block in Blocks("sh").Where(b => b.Contains("curl")))
        {
            var follows = block.Contains("curl -N") || block.Contains("while");
            var (exitCode, output) = await RunAsync("sh", "sh", "set -e\ncurl() { command curl -fsS \"$@\"; }\n" + block, seconds: follows ? 4 : 60);

            Assert.True(exitCode == (follows ? TimedOut : 0), $"{block}\n{output}");
            if (block.Contains("curl -N"))
                Assert.Contains("\"value\":{\"total\":12.50}", output);
            if (block.Contains("while"))
                Assert.Contains("[0,\"a\",1]\n[1,\"b\",2]\n", output);
        }
    }

    [RequiresToolFact("python3", "timeout")]
    public Task The_python_program_writes_and_follows() => FollowsAsync("python", "python3", "py");

    [RequiresToolFact("node", "timeout")]
    public Task The_javascript_program_writes_and_follows() => FollowsAsync("js", "node", "mjs");

    [RequiresToolFact("php", "timeout")]
    public Task The_php_program_writes_and_follows() => FollowsAsync("php", "php", "php");

    [Fact]
    public async Task The_settings_and_files_that_it_names_exist()
    {
        var text = await TextAsync();

        Assert.All(SettingName().Matches(text).Select(m => m.Value), name => Assert.Contains(name, Settings.SettingsCheck.All.Select(s => s.Path)));
        Assert.All(Link().Matches(text).Select(m => m.Groups[1].Value).Where(l => !l.StartsWith("http", StringComparison.Ordinal)),
            link => Assert.True(File.Exists(Path.Combine(Locations.RepositoryRoot, link)), link));
    }

    private async Task FollowsAsync(string language, string program, string extension)
    {
        await _server.Client.PutAsync("topics/demo", null);

        var (exitCode, output) = await RunAsync(program, extension, Blocks(language).Single(), seconds: 4);

        Assert.True(exitCode == TimedOut, output);
        Assert.Matches(@"\b0 c-17 \{.?'?""?total'?""?: ?12\.5.?\}", output);
    }

    private async Task<(int ExitCode, string Output)> RunAsync(string program, string extension, string text, int seconds)
    {
        var file = _folder[$"{Guid.NewGuid():N}.{extension}"];
        await File.WriteAllTextAsync(file, text.Replace("localhost:8082", _server.Address.Authority));
        return await ProgramRun.Async("timeout", [$"{seconds}", program, file], _folder.Path);
    }

    private static IEnumerable<string> Blocks(string language) =>
        Block().Matches(File.ReadAllText(Path.Combine(Locations.RepositoryRoot, "README.md"))).Where(m => m.Groups[1].Value == language).Select(m => m.Groups[2].Value);

    private static Task<string> TextAsync() => File.ReadAllTextAsync(Path.Combine(Locations.RepositoryRoot, "README.md"));

    [GeneratedRegex(@"^```(\w*)\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex(@"RestStream:(?:\w+:)?[A-Z]\w+\b")]
    private static partial Regex SettingName();

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex Link();
}
