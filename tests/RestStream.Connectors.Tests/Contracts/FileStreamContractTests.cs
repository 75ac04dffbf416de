using RestStream.Connect;
using RestStream.Connect.Testing;
using RestStream.Connectors.Files;
using RestStream.TestKit;

namespace RestStream.Connectors.Tests.Contracts;

public sealed class FileStreamSourceContractTests : SourceContract, IDisposable
{
    private readonly TempFolder _folder = new("contract");

    public void Dispose() => _folder.Dispose();

    protected override IReadOnlyDictionary<string, string> Config => new Dictionary<string, string> { ["file"] = _folder["in.txt"], ["topic"] = "lines", ["batch.size"] = "2" };

    protected override IEnumerable<(string Key, string? Value)> BadConfig => [("topic", null), ("topic", ""), ("batch.size", "x"), ("file", null), ("file", "/etc/passwd")];

    protected override SourceConnector CreateConnector() => new FileStreamSourceConnector();

    protected override async Task<IReadOnlyList<string>> FillAsync()
    {
        string[] lines = ["one", "zwölf", "", "日本語", "fünf", "last"];
        await File.WriteAllTextAsync(_folder["in.txt"], string.Join('\n', lines) + "\n");
        return lines;
    }
}

public sealed class FileStreamSinkContractTests : SinkContract, IDisposable
{
    private readonly TempFolder _folder = new("contract");

    public void Dispose() => _folder.Dispose();

    protected override IReadOnlyDictionary<string, string> Config => new Dictionary<string, string> { ["file"] = _folder["out.txt"] };

    protected override IEnumerable<(string Key, string? Value)> BadConfig => [("file", "/etc/out.txt")];

    protected override SinkConnector CreateConnector() => new FileStreamSinkConnector();

    protected override async Task<IReadOnlyList<string>> ReadAsync() => File.Exists(_folder["out.txt"]) ? await File.ReadAllLinesAsync(_folder["out.txt"]) : [];
}
