using Xunit;

namespace RestStream.Connect.Testing;

/// <summary>What holds for every connector. Derive from <see cref="SourceContract"/> or <see cref="SinkContract"/>.</summary>
public abstract class ConnectorContract
{
    /// <summary>What the connector and its tasks get. One for the whole test.</summary>
    protected TestWorker Worker => field ??= CreateWorker();

    /// <summary>A configuration that works, for the system that this test set up.</summary>
    protected abstract IReadOnlyDictionary<string, string> Config { get; }

    /// <summary>
    /// Values that must be refused, by the key that is at fault: a number that is too small, a file outside of the roots, two keys that exclude each other. A null value: the key is left out.
    /// </summary>
    protected abstract IEnumerable<(string Key, string? Value)> BadConfig { get; }

    /// <summary>Longest that anything may take in real time. Default 10 s: slow machines, and not the time of a hang.</summary>
    protected virtual TimeSpan Patience => TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether what a crash left behind is disposed before the next start. Default: no, so that data which only a dispose would write is seen to be lost. True for a task that holds what only one may hold and
    /// the death of its process frees: a lock, a port.
    /// </summary>
    protected virtual bool ReleaseAfterCrash => false;

    /// <summary>A new connector, not started.</summary>
    protected abstract Connector NewConnector();

    /// <summary>Clock, folders and network of the test. Default: real time, temporary folders, public addresses and this machine.</summary>
    protected virtual TestWorker CreateWorker() => new();

    /// <summary>Forms and documentation are made from the definition; it is asked on instances that are never started.</summary>
    [Fact]
    public async Task Every_setting_says_what_it_does_and_all_instances_define_the_same()
    {
        await using var one = NewConnector();
        await using var other = NewConnector();

        Assert.All(one.Config.Keys, key => Assert.False(string.IsNullOrWhiteSpace(key.Documentation), $"'{key.Name}' has no documentation."));
        Assert.Equal(one.Config.Keys.Select(key => key.Name), other.Config.Keys.Select(key => key.Name));
    }

    /// <summary>The configuration of the test itself is accepted.</summary>
    [Fact]
    public async Task A_configuration_that_works_is_valid()
    {
        await using var connector = NewConnector();

        Assert.Empty(await ErrorsAsync(connector, Config));
    }

    /// <summary>A mistake is found before the start, and told at the key where it was made.</summary>
    [Fact]
    public async Task A_bad_configuration_is_reported_by_key()
    {
        foreach (var (key, value) in BadConfig)
        {
            var config = Config.Where(e => e.Key != key).ToDictionary();
            if (value is not null)
                config[key] = value;
            await using var connector = NewConnector();

            var errors = await ErrorsAsync(connector, config);

            Assert.True(errors.Any(error => error.Name == key), $"{key}={value ?? "(left out)"} was not refused at '{key}'; told was: {(errors.Count == 0 ? "nothing" : string.Join("; ", errors))}");
            Assert.All(errors, error => Assert.False(string.IsNullOrWhiteSpace(error.Message)));
        }
    }

    /// <summary>The work is split into at most as many tasks as are allowed, with configurations that the connector's own definition accepts.</summary>
    [Fact]
    public async Task There_are_never_more_tasks_than_allowed()
    {
        foreach (var most in (int[])[1, 2, 10])
        {
            await using var connector = NewConnector();
            await connector.StartAsync(Worker.ConnectorContext(TestConfig.Parse(connector.Config, Config)), default);

            var tasks = connector.TaskConfigs(most);

            Assert.InRange(tasks.Count, 0, most);
            Assert.All(tasks, task => TestConfig.Parse(connector.Config, task));
        }
    }

    /// <summary>For listing and validation an instance is made and disposed without a start; so is a task when its connector fails in between.</summary>
    [Fact]
    public async Task What_was_never_started_is_disposed_without_error()
    {
        var connector = NewConnector();
        var task = NewTask(connector);

        await task.DisposeAsync();
        await connector.DisposeAsync();
    }

    /// <summary>A new task of the connector: public, with a constructor without parameters.</summary>
    private protected static IAsyncDisposable NewTask(Connector connector) => (IAsyncDisposable)Activator.CreateInstance(connector.TaskType)!;

    private protected Task<IReadOnlyList<(string Name, string Message)>> ErrorsAsync(Connector connector, IReadOnlyDictionary<string, string> config) =>
        TestConfig.ErrorsAsync(connector, config, Worker, CancellationToken.None).WaitAsync(Patience);
}
