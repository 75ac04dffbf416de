using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Connect.Config;
using RestStream.Connect.Plugins;
using RestStream.Connect.Tests.Plugins;

namespace RestStream.Connect.Tests.Configs;

/// <summary>A catalog with the file connectors as they are built, and the connectors below, loaded as any stranger's plugins are.</summary>
internal sealed class TestPlugins : IDisposable
{
    public const string DatabaseSink = "test.DatabaseSink", OtherVersion = "9.9.0", Version = "2.5.0";

    private readonly TempFolder _folder = new("plugins");

    public TestPlugins()
    {
        var assembly = typeof(TestPlugins).Assembly.Location;
        foreach (var version in new[] { Version, OtherVersion })
        {
            var folder = _folder[$"test/{version}"];
            PluginBuilder.Manifest(folder, version, Path.GetFileNameWithoutExtension(assembly), (DatabaseSink, "sink", typeof(DatabaseSinkConnector).FullName!), ("test.Source", "source", typeof(PlainSourceConnector).FullName!));
            File.Copy(assembly, Path.Combine(folder, Path.GetFileName(assembly)));
        }

        Catalog = PluginCatalog.Open([Path.Combine(AppContext.BaseDirectory, "../../RestStream.Connectors.File"), _folder.Path], NullLogger.Instance);
    }

    public PluginCatalog Catalog { get; }

    public void Dispose() => _folder.Dispose();
}

/// <summary>A sink with a password and a URL, whose check does what <c>check</c> says.</summary>
public sealed class DatabaseSinkConnector : SinkConnector
{
    /// <inheritdoc/>
    public override ConfigDef Config { get; } = new ConfigDef()
        .Optional("connection.url", ConfigType.String, null, "Where it is.", group: "Connection")
        .Optional("connection.password", ConfigType.Password, null, "The password.", group: "Connection")
        .Optional("table", ConfigType.String, "t", "The table.")
        .Optional("headers", ConfigType.String, null, "Headers.")
        .Optional("check", ConfigType.String, "", "What the check does.");

    /// <inheritdoc/>
    public override Type TaskType => typeof(SinkTask);

    /// <inheritdoc/>
    public override async Task ValidateAsync(ConfigValidation validation, CancellationToken cancellationToken)
    {
        switch (validation.Config.GetString("check"))
        {
            case "error":
                validation.Error("table", $"Table {validation.Config.GetString("table")} is not there; tried {validation.Config.FindString("connection.url")} with {validation.Config.FindSecret("connection.password")}.");
                break;
            case "choices":
                validation.Recommend("table", ["orders", "users"]);
                validation.Warn("table", "It is empty.");
                break;
            case "throw":
                throw new InvalidOperationException("login failed for canary-in-url");
            case "block":
                // Looks at no token, as code of strangers may.
                await new TaskCompletionSource().Task;
                break;
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => [];
}

/// <summary>A source that says nothing about exactly-once.</summary>
public sealed class PlainSourceConnector : SourceConnector
{
    /// <inheritdoc/>
    public override ConfigDef Config { get; } = new ConfigDef().Require("topic", ConfigType.String, "The topic.");

    /// <inheritdoc/>
    public override Type TaskType => typeof(SourceTask);

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => [];
}
