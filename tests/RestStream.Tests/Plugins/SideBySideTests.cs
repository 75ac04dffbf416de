using RestStream.Connect.Tests.Plugins;
using RestStream.Tests.Connect;

namespace RestStream.Tests.Plugins;

public sealed class SideBySideTests : IDisposable
{
    private readonly TempFolder _folder = new("versions");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Two_versions_of_a_connector_run_at_the_same_time_each_with_its_own_code()
    {
        foreach (var version in (string[])["1.0", "2.0"])
        {
            PluginBuilder.Compile(_folder[$"acme/{version}"], "Acme", Sink(version));
            PluginBuilder.Manifest(_folder[$"acme/{version}"], version, "Acme", ("com.acme.AcmeSink", "sink", "AcmeSink"));
        }

        await using var connect = await ConnectServer.StartAsync("--RestStream:Connect:PluginPath", _folder.Path);
        await connect.ProduceAsync("in", "a");
        await connect.CreateAsync("old", Config("old", "[1.0,2.0)"));
        await connect.CreateAsync("new", Config("new", "2.0"));
        await connect.CreateAsync("newest", Config("newest", null));

        await connect.UntilAsync(() => Task.FromResult(Written("old") && Written("new") && Written("newest")), "a line of each");
        string[] names = ["old", "new", "newest"];
        var statuses = await Task.WhenAll(names.Select(name => connect.GetAsync($"connectors/{name}/status")));
        var plugins = await connect.GetAsync("connector-plugins");

        Assert.Equal(["1.0 wrote \"a\"\n", "2.0 wrote \"a\"\n", "2.0 wrote \"a\"\n"], names.Select(name => File.ReadAllText(connect.FilePath(name))));
        Assert.Equal(["1.0", "2.0", "2.0"], statuses.Select(status => status.Json.GetProperty("connector").GetProperty("version").GetString()));
        Assert.Equal(["1.0", "2.0", "2.0"], statuses.Select(status => status.Json.GetProperty("tasks")[0].GetProperty("version").GetString()));
        Assert.Equal(["1.0", "2.0"], plugins.Json.EnumerateArray().Where(p => p.GetProperty("class").GetString() == "com.acme.AcmeSink").Select(p => p.GetProperty("version").GetString()).Order());

        bool Written(string name) => File.Exists(connect.FilePath(name)) && File.ReadAllText(connect.FilePath(name)).EndsWith('\n');
    }

    private static Dictionary<string, string> Config(string file, string? version)
    {
        var config = new Dictionary<string, string>
        {
            ["connector.class"] = "com.acme.AcmeSink",
            ["topics"] = "in",
            ["file"] = file,
            ["value.converter"] = "org.apache.kafka.connect.storage.StringConverter",
        };
        if (version is not null)
            config["connector.plugin.version"] = version;
        return config;
    }

    private static string Sink(string version) =>
        $$"""
        public sealed class AcmeSink : SinkConnector
        {
            private IReadOnlyDictionary<string, string> _config;
            public override ConfigDef Config { get; } = new ConfigDef().Require("file", ConfigType.String, "The file to write.");
            public override Type TaskType => typeof(AcmeTask);
            public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken)
            {
                _config = context.Config.Originals;
                return Task.CompletedTask;
            }
            public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => new[] { _config };
        }

        public sealed class AcmeTask : SinkTask
        {
            private string _file;
            public override Task StartAsync(ISinkTaskContext context, CancellationToken cancellationToken)
            {
                _file = context.Files.Resolve(context.Config.GetString("file"));
                return Task.CompletedTask;
            }
            public override Task PutAsync(IReadOnlyList<SinkRecord> records, CancellationToken cancellationToken)
            {
                foreach (var record in records)
                    System.IO.File.AppendAllText(_file, "{{version}} wrote " + record.Value + "\n");
                return Task.CompletedTask;
            }
        }
        """;
}
