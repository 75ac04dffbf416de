using System.Text.Json;
using RestStream.Commands;

namespace RestStream.Tests.Plugins;

/// <summary><c>connect test</c> as its users call it.</summary>
public sealed class ConnectTestCommandTests : IDisposable
{
    private const string Config = """
        { "connector.class": "FileStreamSink", "topics": "orders", "file": "out.txt",
          "value.converter": "JsonConverter", "value.converter.schemas.enable": "false",
          "transforms": "mask", "transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value", "transforms.mask.fields": "card" }
        """;

    private readonly TempFolder _folder = new("connect-test");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Records_that_come_out_as_expected_end_with_0()
    {
        var (code, output, error) = Run("""[{ "topic": "orders", "value": { "id": 1, "card": "4111" } }]""", """[{ "topic": "orders", "value": { "id": 1, "card": "" } }]""");

        Assert.Equal((0, "ok    cards are masked\n", "1 passed, 0 failed.\n"), (code, output, error));
    }

    [Fact]
    public void Records_that_come_out_otherwise_end_with_1_and_show_where()
    {
        var (code, output, error) = Run("""[{ "topic": "orders", "value": { "id": 1, "card": "4111" } }]""", """[{ "value": { "id": "1", "card": "" , "total": 5 } }]""");

        Assert.Equal(1, code);
        Assert.Equal("0 passed, 1 failed.\n", error);
        Assert.Equal(
            """
            FAIL  cards are masked
                  record 1.value.id
                    expected: "1"
                    got:      1
                  record 1.value.total
                    expected: 5
                    got:      (nothing)

            """,
            output);
    }

    [Fact]
    public void Programs_get_json()
    {
        var (code, output, _) = Run("""[{ "topic": "orders", "value": { "id": 1, "card": "4111" } }]""", "[]", "-o", "json");

        var test = JsonDocument.Parse(output).RootElement[0];
        Assert.Equal(1, code);
        Assert.Equal("record 1", test.GetProperty("differences")[0].GetProperty("path").GetString());
    }

    [Fact]
    public void A_file_that_is_missing_a_class_that_is_unknown_and_a_record_that_is_none_end_with_2()
    {
        Assert.Equal(2, Run(["connect", "test", _folder["nowhere.json"]]).Code);

        File.WriteAllText(_folder["test.json"], """{ "config": { "connector.class": "Nope" }, "input": [], "expected": [] }""");
        var unknown = Run(["connect", "test", _folder["test.json"]]);
        Assert.Equal(2, unknown.Code);
        Assert.Contains("which name matches Nope", unknown.Error);

        var (code, _, error) = Run("""[{ "value": 1 }]""", "[]");
        Assert.Equal((2, "A record of \"input\" has no \"topic\".\n"), (code, error));
    }

    private (int Code, string Output, string Error) Run(string input, string expected, params string[] arguments)
    {
        File.WriteAllText(_folder["test.json"], $$"""{ "config": {{Config}}, "tests": [{ "name": "cards are masked", "input": {{input}}, "expected": {{expected}} }] }""");
        return Run(["connect", "test", _folder["test.json"], .. arguments]);
    }

    private static (int Code, string Output, string Error) Run(string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var code = CommandLine.TryRun(arguments, output, error);
        return (Assert.NotNull(code), output.ToString(), error.ToString());
    }
}
