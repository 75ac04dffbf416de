using RestStream.Connect.Configs;
using RestStream.Connect.Tests.Golden;

namespace RestStream.Connect.Tests.Configs;

public sealed class ConfigReferencesTests : IDisposable
{
    private static readonly GoldenFile s_file = GoldenFile.Open("config-references.json");

    private readonly TempFolder _folder = new();

    public static TheoryData<string> References => s_file.Ids(golden => golden.Has("providers"));

    public static TheoryData<string> PropertiesFiles => s_file.Ids(golden => golden.Has("properties"));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(References))]
    public void A_reference_is_replaced_as_Kafkas_ConfigTransformer_does(string id)
    {
        var golden = s_file[id];
        var providers = golden.Json.GetProperty("providers").EnumerateObject().ToDictionary(p => p.Name, p => (ReferenceProvider)((path, keys) =>
            p.Value.TryGetProperty(path, out var values) ? keys.ToDictionary(key => key, key => values.TryGetProperty(key, out var value) ? value.GetString() : null) : new Dictionary<string, string?>()));

        var resolved = new ConfigReferences(providers).Resolve(golden.Config().ToDictionary(e => e.Key, e => e.Value!));

        Assert.Equal(golden.Config("output"), resolved.ToDictionary(e => e.Key, e => (string?)e.Value));
    }

    [Theory]
    [MemberData(nameof(PropertiesFiles))]
    public void A_properties_file_is_read_as_Java_reads_it(string id)
    {
        var golden = s_file[id];
        Dictionary<string, string> settings = [];
        var error = Record.Exception(() => settings = PropertiesFile.Parse(golden.Text("properties")));

        if (golden.Error is { } expected)
        {
            Assert.Null(expected.Difference(error));
            return;
        }

        Assert.Null(error);
        var wanted = golden.Json.TryGetProperty("keys", out var keys) ? keys.EnumerateArray().Select(k => k.GetString()).ToHashSet() : null;
        Assert.Equal(golden.Config("output"), settings.Where(e => wanted?.Contains(e.Key) != false).ToDictionary(e => e.Key, e => (string?)e.Value));
    }

    [Fact]
    public void References_to_files_and_folders_are_read_below_the_allowed_paths_and_what_replaced_them_is_told()
    {
        File.WriteAllText(_folder["db.properties"], "user=bob\npassword = canary\\u0031 \n");
        Directory.CreateDirectory(_folder["dir"]);
        File.WriteAllText(_folder["dir/token"], "canary2\n");
        var replaced = new List<string>();

        var resolved = Create().Resolve(new Dictionary<string, string>
        {
            ["url"] = $"${{file:{_folder["db.properties"]}:user}}:${{file:db.properties:password}}@host",
            ["token"] = $"${{dir:{_folder["dir"]}:token}}",
            ["missing"] = "${file:db.properties:nope} ${dir:dir:nope}",
        }, replaced);

        Assert.Equal("bob:canary1 @host", resolved["url"]);
        Assert.Equal("canary2\n", resolved["token"]);
        Assert.Equal("${file:db.properties:nope} ${dir:dir:nope}", resolved["missing"]);
        Assert.Equal(["bob", "canary1 ", "canary2\n"], replaced);
    }

    [Theory]
    [InlineData("${file:/etc/passwd:root}")]
    [InlineData("${file:../outside.properties:k}")]
    [InlineData("${dir:/proc/self:environ}")]
    [InlineData("${dir:.:../outside.properties}")]
    [InlineData("${dir:.:link}")]
    public void A_reference_out_of_the_allowed_paths_is_refused(string reference)
    {
        var root = Directory.CreateDirectory(_folder["root"]).FullName;
        File.WriteAllText(_folder["outside.properties"], "k=canary");
        File.CreateSymbolicLink(Path.Combine(root, "link"), _folder["outside.properties"]);
        var references = new ConfigReferences(new ConnectOptions { SecretPaths = [root] });

        var refused = Assert.ThrowsAny<ConnectException>(() => references.Resolve(new Dictionary<string, string> { ["a"] = reference }));

        Assert.Contains("RestStream:Connect:SecretPaths", refused.Message);
        Assert.DoesNotContain("canary", refused.Message);
    }

    [Fact]
    public void Only_environment_variables_whose_whole_name_is_allowed_are_shown()
    {
        var name = $"CONNECT_TEST_{Guid.NewGuid():N}";
        Environment.SetEnvironmentVariable(name, "canary");
        Environment.SetEnvironmentVariable("X" + name, "other");

        var resolved = Create().Resolve(new Dictionary<string, string> { ["a"] = $"${{env:{name}}}", ["b"] = $"${{env:X{name}}}", ["c"] = "${env:PATH}" });

        Assert.Equal("canary", resolved["a"]);
        Assert.Equal($"${{env:X{name}}}", resolved["b"]);
        Assert.Equal("${env:PATH}", resolved["c"]);
    }

    [Fact]
    public void A_file_that_is_not_there_is_an_error_that_names_it()
    {
        var error = Assert.Throws<ConnectException>(() => Create().Resolve(new Dictionary<string, string> { ["a"] = "${file:nope.properties:k}" }));

        Assert.StartsWith("Could not read properties from file nope.properties", error.Message);
    }

    private ConfigReferences Create() => new(new ConnectOptions { SecretPaths = [_folder.Path] });
}
