using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace RestStream.Hosting;

/// <summary>
/// The levels of the process's loggers, as Kafka Connect's <c>/admin/loggers</c> shows and changes them: names are categories (<c>RestStream.Connect.Herder</c>), a level counts for a name and everything
/// below it, and below <c>root</c> is everything. Changes live as long as the process. Safe on any thread.
/// Knows the names because it is registered as a provider, which is told of every logger that is made; it writes nothing.
/// </summary>
internal sealed class LogLevels(TimeProvider time) : ILoggerProvider, IPostConfigureOptions<LoggerFilterOptions>, IOptionsChangeTokenSource<LoggerFilterOptions>
{
    public const string Root = "root";

    private readonly ConcurrentDictionary<string, long?> _modified = new(StringComparer.Ordinal) { [Root] = null };
    private readonly Lock _changing = new();
    private volatile IReadOnlyList<(string Name, LogLevel Level)> _changes = [];
    private CancellationTokenSource _changed = new();

    public string? Name => Options.DefaultName;

    /// <summary>Every logger's name, in order.</summary>
    public IReadOnlyList<string> Names => [.. _modified.Keys.Order(StringComparer.Ordinal)];

    public bool Exists(string name) => _modified.ContainsKey(name);

    /// <summary>When the level was changed last, in epoch milliseconds; null: never.</summary>
    public long? LastModified(string name) => _modified.GetValueOrDefault(name);

    /// <summary>Sets the level of a name and of all below it. A name that nobody logs under yet is remembered.</summary>
    /// <returns>The names whose level is another now, in order.</returns>
    public IReadOnlyList<string> Set(string name, LogLevel level, ILoggerFactory loggers)
    {
        lock (_changing)
        {
            _modified.TryAdd(name, null);
            var before = Names.Where(n => IsAtOrBelow(n, name)).ToDictionary(n => n, n => Of(n, loggers));
            _changes = [.. _changes.Where(c => !IsAtOrBelow(c.Name, name)), (name, level)];

            // The framework computes the filters of every logger anew before this returns.
            using (var old = Interlocked.Exchange(ref _changed, new CancellationTokenSource()))
                old.Cancel();

            var changed = before.Where(b => Of(b.Key, loggers) != b.Value).Select(b => b.Key).Order(StringComparer.Ordinal).ToList();
            foreach (var one in changed)
                _modified[one] = time.GetUtcNow().ToUnixTimeMilliseconds();
            return changed;
        }
    }

    /// <summary>The lowest level that is written under this name.</summary>
    public LogLevel Of(string name, ILoggerFactory loggers)
    {
        var logger = loggers.CreateLogger(name);
        for (var level = LogLevel.Trace; level < LogLevel.None; level++)
        {
            if (logger.IsEnabled(level))
                return level;
        }

        return LogLevel.None;
    }

    public ILogger CreateLogger(string categoryName)
    {
        _modified.TryAdd(categoryName, null);
        return NullLogger.Instance;
    }

    public IChangeToken GetChangeToken() => new CancellationChangeToken(_changed.Token);

    public void PostConfigure(string? name, LoggerFilterOptions options)
    {
        foreach (var (category, level) in _changes)
        {
            foreach (var narrower in options.Rules.Where(r => IsAtOrBelow(r.CategoryName ?? Root, category)).ToList())
                options.Rules.Remove(narrower);
            options.Rules.Add(new LoggerFilterRule(providerName: null, category == Root ? null : category, level, filter: null));
        }
    }

    public void Dispose() => _changed.Dispose();

    private static bool IsAtOrBelow(string name, string above) =>
        above == Root || name == above || (name.StartsWith(above, StringComparison.Ordinal) && name[above.Length] == '.');
}

internal static class LogLevelsSetup
{
    public static void AddLogLevels(this IServiceCollection services)
    {
        services.AddSingleton<LogLevels>();
        services.AddSingleton<ILoggerProvider>(s => s.GetRequiredService<LogLevels>());
        services.AddSingleton<IPostConfigureOptions<LoggerFilterOptions>>(s => s.GetRequiredService<LogLevels>());
        services.AddSingleton<IOptionsChangeTokenSource<LoggerFilterOptions>>(s => s.GetRequiredService<LogLevels>());
    }
}
