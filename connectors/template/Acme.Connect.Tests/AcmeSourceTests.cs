using RestStream.Connect;
using RestStream.Connect.Testing;

namespace Acme.Connect.Tests;

/// <summary>What every source promises: loses nothing in a crash, resumes, ends when asked. The tests are in <see cref="SourceContract"/>.</summary>
public sealed class AcmeSourceTests : SourceContract, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("acme-").FullName;

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, string> Config => new Dictionary<string, string> { ["file"] = Path.Combine(_folder, "in.txt"), ["topic"] = "lines", ["batch.size"] = "2" };

    /// <inheritdoc/>
    protected override IEnumerable<(string Key, string? Value)> BadConfig => [("file", null), ("file", "/etc/passwd"), ("topic", ""), ("batch.size", "0")];

    /// <summary>Takes the folder away.</summary>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <inheritdoc/>
    protected override SourceConnector CreateConnector() => new AcmeSourceConnector();

    /// <inheritdoc/>
    protected override async Task<IReadOnlyList<string>> FillAsync()
    {
        string[] lines = ["one", "two", "drei", "四", "five"];
        await File.WriteAllTextAsync(Path.Combine(_folder, "in.txt"), string.Join('\n', lines) + "\n");
        return lines;
    }
}
