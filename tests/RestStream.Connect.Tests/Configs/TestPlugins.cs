using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Connect.Config;
using RestStream.Connect.Plugins;
using RestStream.Connect.Tests.Plugins;

namespace RestStream.Connect.Tests.Configs;

/// <summary>A catalog with the file connectors as they are built, and the connectors below, loaded as any stranger's plugins are.</summary>
internal sealed class TestPlugins : IDisposable
{
    public const string DatabaseSink = "test.DatabaseSink", HangingSource = "test.HangingSource", OtherVersion = "9.9.0", Version = "2.5.0";

    private readonly TempFolder _folder = new("plugins");

    public TestPlugins()
    {
        var assembly = typeof(TestPlugins).Assembly.Location;
        foreach (var version in new[] { Version, OtherVersion })
        {
            var folder = _folder[$"test/{version}"];
            PluginBuilder.Manifest(folder, version, Path.GetFileNameWithoutExtension(assembly), (DatabaseSink, "sink", typeof(DatabaseSinkConnector).FullName!), ("test.Source", "source", typeof(PlainSourceConnector).FullName!),
                (HangingSource, "source", typeof(HangingSourceConnector).FullName!));
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
    /// <summary>The signal by which a check of the kind <c>late</c> comes back, and the one that it has been closed.</summary>
    public const string Late = "DatabaseSink.late", Closed = "DatabaseSink.closed";

    /// <summary>The signal that a check which does not come back has begun.</summary>
    public const string Entered = "DatabaseSink.entered";

    private bool _late;

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
                (AppContext.GetData(Entered) as TaskCompletionSource)?.TrySetResult();
                // Looks at no token, as code of strangers may.
                await new TaskCompletionSource().Task;
                break;
            case "late":
                _late = true;
                (AppContext.GetData(Entered) as TaskCompletionSource)?.TrySetResult();
                await ((TaskCompletionSource)AppContext.GetData(Late)!).Task;
                break;
        }
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        if (_late)
            ((TaskCompletionSource)AppContext.GetData(Closed)!).TrySetResult();
        return base.DisposeAsync();
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

/// <summary>A source that hangs, where and while a test wants it: in its constructor, or when it is asked about exactly-once.</summary>
public sealed class HangingSourceConnector : SourceConnector
{
    /// <summary>The signals' names begin with this.</summary>
    public const string Gate = "HangingSource.";

    /// <summary>Hangs.</summary>
    public HangingSourceConnector() => WaitAt("constructor");

    /// <inheritdoc/>
    public override ConfigDef Config { get; } = new ConfigDef();

    /// <inheritdoc/>
    public override Type TaskType => typeof(SourceTask);

    /// <inheritdoc/>
    public override bool? SupportsExactlyOnce(IReadOnlyDictionary<string, string> config)
    {
        WaitAt("exactly-once");
        return true;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => [];

    private static void WaitAt(string place)
    {
        if (AppContext.GetData(Gate + place) is not TaskCompletionSource gate)
            return;
        ((TaskCompletionSource)AppContext.GetData(DatabaseSinkConnector.Entered)!).TrySetResult();
        gate.Task.Wait();
    }
}
