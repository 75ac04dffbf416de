using RestStream.Connect;
using RestStream.Connect.Testing;
using RestStream.Connectors.Files;
using RestStream.TestKit;

namespace RestStream.Connectors.Tests;

public sealed class FileStreamSourceContract : SourceContract, IDisposable
{
    private readonly TempFolder _folder = new("file-contract");

    protected override IReadOnlyDictionary<string, string> Config => new Dictionary<string, string> { ["file"] = _folder["in.txt"], ["topic"] = "t", ["batch.size"] = "2" };

    protected override IEnumerable<(string Key, string? Value)> BadConfig => [("file", "/etc/passwd"), ("file", null), ("topic", null), ("topic", ""), ("batch.size", "many"), ("max.line.bytes", "0")];

    public void Dispose() => _folder.Dispose();

    protected override SourceConnector CreateConnector() => new FileStreamSourceConnector();

    protected override async Task<IReadOnlyList<string>> FillAsync()
    {
        string[] lines = ["a", "ü😀", "c", "d\te", "", "f"];
        await File.AppendAllTextAsync(_folder["in.txt"], string.Concat(lines.Select(l => l + "\n")));
        return lines;
    }
}

public sealed class FileStreamSinkContract : SinkContract, IDisposable
{
    private readonly TempFolder _folder = new("file-contract");

    protected override IReadOnlyDictionary<string, string> Config => new Dictionary<string, string> { ["file"] = _folder["out.txt"] };

    protected override IEnumerable<(string Key, string? Value)> BadConfig => [("file", "/etc/passwd")];

    public void Dispose() => _folder.Dispose();

    protected override SinkConnector CreateConnector() => new FileStreamSinkConnector();

    protected override async Task<IReadOnlyList<string>> ReadAsync() => File.Exists(_folder["out.txt"]) ? await File.ReadAllLinesAsync(_folder["out.txt"]) : [];
}
