using RestStream.Connect;
using RestStream.Connect.Testing;
using RestStream.Connectors.Folders;
using RestStream.TestKit;

namespace RestStream.Connectors.Tests;

public abstract class DirectorySourceContract : SourceContract, IDisposable
{
    private readonly TempFolder _folder = new("folder-contract");

    protected DirectorySourceContract()
    {
        foreach (var name in (string[])["in", "done", "bad"])
            Directory.CreateDirectory(_folder[name]);
    }

    protected abstract string Format { get; }

    protected override IReadOnlyDictionary<string, string> Config => new Dictionary<string, string>
    {
        ["topic"] = "t",
        ["format"] = Format,
        ["input.path"] = _folder["in"],
        ["finished.path"] = _folder["done"],
        ["error.path"] = _folder["bad"],
        ["file.minimum.age.ms"] = "0",
        ["empty.poll.wait.ms"] = "20",
        ["batch.size"] = "2",
    };

    protected override IEnumerable<(string Key, string? Value)> BadConfig =>
    [
        ("topic", null), ("input.path", "/etc"), ("input.path", _folder["nowhere"]), ("finished.path", null), ("error.path", "/root"), ("input.file.pattern", "("), ("cleanup.policy", "x"), ("format", "xml"), ("batch.size", "0"),
        ("file.charset", "x"), ("files.sort.attributes", ""),
    ];

    public void Dispose()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    protected override SourceConnector CreateConnector() => new DirectorySourceConnector();

    protected abstract string ContentOf(IReadOnlyList<string> items);

    protected override async Task<IReadOnlyList<string>> FillAsync()
    {
        string[] items = ["a", "ü😀", "c", "d", "e", "f", "g"];
        foreach (var (name, range) in (IEnumerable<(string, Range)>)[("1", ..3), ("2", 3..4), ("3", 4..)])
        {
            // As a careful writer does it: under a name that is not read, then renamed.
            await File.WriteAllTextAsync(_folder[$"in/.{name}"], ContentOf(items[range]));
            File.Move(_folder[$"in/.{name}"], _folder[$"in/{name}"]);
        }

        return items;
    }
}

public sealed class LineFilesContract : DirectorySourceContract
{
    protected override string Format => "lines";

    protected override IEnumerable<(string Key, string? Value)> BadConfig => [.. base.BadConfig, ("key.fields", "a"), ("file.charset", "utf-16")];

    protected override string ContentOf(IReadOnlyList<string> items) => string.Join("\r\n", items);
}

public sealed class CsvFilesContract : DirectorySourceContract
{
    protected override string Format => "csv";

    protected override IReadOnlyDictionary<string, string> Config =>
        base.Config.Concat([new("csv.first.row.as.header", "true"), new("key.fields", "item"), new("timestamp.mode", "FIELD"), new("timestamp.field", "time")]).ToDictionary();

    protected override IEnumerable<(string Key, string? Value)> BadConfig => [.. base.BadConfig, ("timestamp.field", null)];

    protected override string ContentOf(IReadOnlyList<string> items) => "item,time\n" + string.Concat(items.Select(i => $"\"{i}\",2026-01-01\n"));

    protected override string ItemOf(SourceRecord record) => (string)record.Key!;
}

public sealed class JsonFilesContract : DirectorySourceContract
{
    protected override string Format => "json";

    protected override IReadOnlyDictionary<string, string> Config =>
        base.Config.Concat([new("key.fields", "item,n"), new("timestamp.mode", "FIELD"), new("timestamp.field", "n"), new("schema.generation.enabled", "true")]).ToDictionary();

    protected override string ContentOf(IReadOnlyList<string> items) => "[" + string.Join(",\n", items.Select(i => $$"""{"item":"{{i}}","n":1767225600000}""")) + "]";

    protected override string ItemOf(SourceRecord record) => (string)((Connect.Data.Struct)record.Key!)["item"]!;
}
