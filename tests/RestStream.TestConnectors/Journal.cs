using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.TestConnectors;

/// <summary>What the tests and a connector in another process tell each other by files: the connector writes what happens to it, the test says what shall fail.</summary>
internal sealed class Journal
{
    private static readonly Lock s_lock = new();
    private readonly string? _journal;
    private readonly string? _failures;

    private Journal(string? journal, string? failures) => (_journal, _failures) = (journal, failures);

    public static ConfigDef Keys() => new ConfigDef()
        .Optional("journal", ConfigType.String, null, "File to which starts and stops are written.")
        .Optional("failures", ConfigType.String, null, "File that says what fails: lines 'connector', 'task 0', 'start 0', 'hang 0'.")
        .Optional("secret", ConfigType.Password, null, "A secret that nobody may see.")
        .Optional("url", ConfigType.String, null, "An address that may hold a password.")
        .Optional("tasks", ConfigType.Int, null, "How many tasks there are; as many as allowed unless given.");

    public static Journal Open(ConfigValues config, FileRoots files) => new(
        config.FindString("journal") is { } journal ? files.Resolve(journal) : null,
        config.FindString("failures") is { } failures ? files.Resolve(failures) : null);

    public void Write(string line)
    {
        if (_journal is null)
            return;
        lock (s_lock)
            File.AppendAllText(_journal, line + "\n");
    }

    public bool Shall(string what) => _failures is not null && File.Exists(_failures) && File.ReadAllLines(_failures).Contains(what);

    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Split(ConfigValues config, int maxTasks) =>
        [.. Enumerable.Range(0, config["tasks"] as int? ?? maxTasks).Select(_ => config.Originals)];
}
