using System.Text.Json;

namespace RestStream.Tests.Connect;

/// <summary>Checks 1 to 10 of Kafka Connect's own REST tests: connectors are made, listed, changed, restarted and deleted.</summary>
[Collection(ConnectChecks.Name)]
public class ConnectorChecks(ConnectFixture fixture)
{
    private readonly ConnectServer _connect = fixture.Connect;

    [Fact]
    public async Task Check_01_Connectors_are_listed_by_name_and_expanded_on_request()
    {
        var (a, b) = (_connect.NewName("list"), _connect.NewName("list"));
        await _connect.CreateAsync(a, ConnectServer.Source(a));
        await _connect.CreateAsync(b, ConnectServer.Source(b));

        var names = await _connect.GetAsync("connectors/");
        var status = (await _connect.GetAsync("connectors?expand=status")).Json.GetProperty(a);
        var info = (await _connect.GetAsync("connectors?expand=info")).Json.GetProperty(a);
        var both = (await _connect.GetAsync("connectors?expand=status&expand=info")).Json.GetProperty(b);
        var neither = (await _connect.GetAsync("connectors?expand=status,info")).Json.GetProperty(b);

        Assert.Equal("application/json", names.Content.ContentType!.ToString());
        Assert.Superset(new HashSet<string> { a, b }, names.Json.EnumerateArray().Select(n => n.GetString()!).ToHashSet());
        Assert.Equal(["status"], status.EnumerateObject().Select(m => m.Name));
        Assert.Equal("RUNNING", status.GetProperty("status").GetProperty("connector").GetProperty("state").GetString());
        Assert.Equal("test.MonitorableSourceConnector", info.GetProperty("info").GetProperty("config").GetProperty("connector.class").GetString());
        Assert.Equal(2, both.EnumerateObject().Count());
        Assert.Empty(neither.EnumerateObject());
    }

    [Theory]
    [InlineData("a?b")]
    [InlineData("a#b")]
    [InlineData("a=b")]
    [InlineData("a&b")]
    [InlineData("a+b")]
    [InlineData("a;b")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("a%b")]
    [InlineData("a%2Fb")]
    [InlineData("a\\b")]
    [InlineData("äöü-ß-漢字-😀")]
    [InlineData("<img src=x>")]
    public async Task Check_02_A_connector_of_any_name_is_where_Location_says(string name)
    {
        var created = await _connect.PostAsync("connectors", new { name, config = ConnectServer.Source("names"), initial_state = "STOPPED" });

        Assert.True(created.Status == 201, created.ToString());
        var location = created.Headers.GetValues("Location").Single();
        Assert.StartsWith(_connect.Client.BaseAddress + "connectors/", location);
        var path = location[_connect.Client.BaseAddress!.ToString().Length..];
        Assert.Equal(name, Uri.UnescapeDataString(path["connectors/".Length..]));
        Assert.Equal(name, (await _connect.GetAsync(path)).Json.GetProperty("name").GetString());
        Assert.Equal("STOPPED", (await _connect.UntilAsync(name, "STOPPED")).GetProperty("connector").GetProperty("state").GetString());
        Assert.Equal(204, (await _connect.DeleteAsync(path)).Status);
        Assert.Equal(404, (await _connect.GetAsync(path)).Status);
    }

    [Theory]
    [InlineData("a\nb")]
    [InlineData("a\rb")]
    [InlineData("a\u0000b")]
    [InlineData("a\u001bb")]
    public async Task Check_02_Control_characters_in_a_name_are_refused(string name)
    {
        var refused = await _connect.PostAsync("connectors", new { name, config = ConnectServer.Source("names") });

        Assert.Equal(400, refused.Status);
        Assert.Contains("String may not contain control sequences but had the following ASCII chars", refused.Message);
    }

    [Fact]
    public async Task Check_03_A_name_is_trimmed_and_a_blank_or_missing_one_refused()
    {
        var name = _connect.NewName("trim");

        var created = await _connect.PostAsync("connectors", new { name = $"  {name} ", config = ConnectServer.Source(name) });
        var blank = await _connect.PostAsync("connectors", new { name = "   ", config = ConnectServer.Source(name) });
        var missing = await _connect.PostAsync("connectors", new { config = ConnectServer.Source(name) });

        Assert.Equal(201, created.Status);
        Assert.Equal(name, created.Json.GetProperty("name").GetString());
        Assert.Equal(name, created.Json.GetProperty("config").EnumerateObject().Last().Value.GetString());
        Assert.Equal("name", created.Json.GetProperty("config").EnumerateObject().Last().Name);
        Assert.Empty(created.Json.GetProperty("tasks").EnumerateArray());
        Assert.Equal("source", created.Json.GetProperty("type").GetString());
        Assert.All([blank, missing], a => Assert.Equal(400, a.Status));
        Assert.All([blank, missing], a => Assert.Contains("Invalid value  for configuration name: String may not be empty", a.Message));
    }

    [Fact]
    public async Task Check_04_A_second_connector_of_a_name_is_a_conflict()
    {
        var name = _connect.NewName("twice");
        await _connect.CreateAsync(name, ConnectServer.Source(name));

        var second = await _connect.PostAsync("connectors", new { name, config = ConnectServer.Source(name) });

        Assert.Equal(409, second.Status);
        Assert.Equal(409, second.Json.GetProperty("error_code").GetInt32());
        Assert.Equal($"Connector {name} already exists", second.Message);
    }

    [Fact]
    public async Task Check_05_Another_name_in_the_configuration_is_refused_except_by_PATCH()
    {
        var name = _connect.NewName("other-name");
        var config = new Dictionary<string, string>(ConnectServer.Source(name)) { ["name"] = "z" };

        var posted = await _connect.PostAsync("connectors", new { name, config });
        var put = await _connect.PutAsync($"connectors/{name}/config", config);

        Assert.All([posted, put], a => Assert.Equal($"400 Connector name configuration (z) doesn't match connector name in the URL ({name})", $"{a.Status} {a.Message}"));
        await _connect.CreateAsync(name, ConnectServer.Source(name));
        Assert.Equal(200, (await _connect.PatchAsync($"connectors/{name}/config", new { name = "z" })).Status);
    }

    [Fact]
    public async Task Check_06_PUT_creates_a_connector_and_replaces_its_configuration()
    {
        var name = _connect.NewName("put");

        // A null is a key that is not set; with the name, as in Kafka, too.
        var created = await _connect.PutAsync($"connectors/{name}/config", new Dictionary<string, string?>(ConnectServer.Source(name)!) { ["name"] = null });
        await _connect.UntilAsync(name, "RUNNING", "RUNNING");
        var replaced = await _connect.PutAsync($"connectors/{name}/config", new Dictionary<string, string>(ConnectServer.Source(name)) { ["batch"] = "3" });

        Assert.Equal(201, created.Status);
        Assert.Equal($"{_connect.Client.BaseAddress}connectors/{name}", created.Headers.GetValues("Location").Single());
        Assert.Equal(200, replaced.Status);
        Assert.False(replaced.Headers.Contains("Location"));
        Assert.Equal("3", (await _connect.GetAsync($"connectors/{name}/config")).Json.GetProperty("batch").GetString());
        Assert.Equal(name, (await _connect.GetAsync($"connectors/{name}/config")).Json.GetProperty("name").GetString());
    }

    [Fact]
    public async Task Check_07_PATCH_merges_and_null_removes()
    {
        var name = _connect.NewName("patch");
        await _connect.CreateAsync(name, new Dictionary<string, string>(ConnectServer.Source(name)) { ["batch"] = "3" });

        var patched = await _connect.PatchAsync($"connectors/{name}/config", """{"batch":null,"messages":7}""");
        var same = await _connect.PatchAsync($"connectors/{name}/config", "{}");
        var wrong = await _connect.PatchAsync($"connectors/{name}/config", """{"topic":null}""");
        var unknown = await _connect.PatchAsync("connectors/nobody/config", "{}");

        Assert.Equal(200, patched.Status);
        Assert.False(patched.Json.GetProperty("config").TryGetProperty("batch", out _));
        Assert.Equal("7", patched.Json.GetProperty("config").GetProperty("messages").GetString());
        Assert.Equal(200, same.Status);
        Assert.Equal(400, wrong.Status);
        Assert.Equal("404 Connector nobody not found", $"{unknown.Status} {unknown.Message}");
    }

    [Fact]
    public async Task Check_08_A_deleted_connector_is_gone()
    {
        var name = _connect.NewName("delete");
        await _connect.CreateAsync(name, ConnectServer.Source(name));

        var deleted = await _connect.DeleteAsync($"connectors/{name}");

        Assert.Equal(204, deleted.Status);
        Assert.Null(deleted.Content.ContentType);
        Assert.Equal(404, (await _connect.GetAsync($"connectors/{name}")).Status);
        Assert.Equal(404, (await _connect.DeleteAsync($"connectors/{name}")).Status);
        Assert.Equal(404, (await _connect.GetAsync($"connectors/{name}/status")).Status);
    }

    [Theory]
    [InlineData("GET", "", "Connector x? not found")]
    [InlineData("GET", "/config", "Connector x? not found")]
    [InlineData("PATCH", "/config", "Connector x? not found")]
    [InlineData("DELETE", "", "Connector x? not found")]
    [InlineData("GET", "/status", "No status found for connector x?")]
    [InlineData("GET", "/tasks", "Connector x? not found")]
    [InlineData("GET", "/tasks/0/status", "No status found for task x?-0")]
    [InlineData("GET", "/tasks/x/status", "HTTP 404 Not Found")]
    [InlineData("POST", "/tasks/0/restart", "Unknown connector: x?")]
    [InlineData("GET", "/offsets", "Connector x? not found")]
    [InlineData("DELETE", "/offsets", "Connector x? not found")]
    [InlineData("PUT", "/pause", "Unknown connector x?")]
    [InlineData("PUT", "/resume", "Unknown connector x?")]
    [InlineData("PUT", "/stop", "Unknown connector x?")]
    [InlineData("POST", "/restart", "Unknown connector: x?")]
    [InlineData("POST", "/restart?includeTasks=true", "Unknown connector: x?")]
    [InlineData("POST", "/restart?onlyFailed=true", "Unknown connector: x?")]
    [InlineData("POST", "/restart?includeTasks=true&onlyFailed=true", "Unknown connector: x?")]
    [InlineData("GET", "/tasks-config", "HTTP 404 Not Found")]
    public async Task Check_09_Everything_of_an_unknown_connector_is_404(string method, string path, string message)
    {
        var answer = await _connect.CallAsync(new HttpMethod(method), $"connectors/x%3F{path}", method == "PATCH" ? "{}" : null);

        Assert.Equal($"404 {message}", $"{answer.Status} {answer.Message}");
        Assert.Equal(404, answer.Json.GetProperty("error_code").GetInt32());
    }

    [Fact]
    public async Task Check_09_Topics_of_an_unknown_connector_are_an_empty_list()
    {
        var topics = await _connect.GetAsync("connectors/nobody/topics");
        var reset = await _connect.PutAsync("connectors/nobody/topics/reset");

        Assert.Equal("""200 {"nobody":{"topics":[]}}""", topics.ToString());
        Assert.Equal("202 ", reset.ToString());
        Assert.Null(reset.Content.ContentType);
    }

    [Theory]
    [InlineData("", false, false)]
    [InlineData("?includeTasks=false&onlyFailed=no", false, false)]
    [InlineData("?includeTasks=true", true, true)]
    [InlineData("?onlyFailed=true", true, false)]
    [InlineData("?includeTasks=TRUE&onlyFailed=true", true, false)]
    public async Task Check_10_A_restart_answers_with_the_chosen_ones_as_RESTARTING(string flags, bool withBody, bool restartsTask)
    {
        var name = _connect.NewName("restart");
        await _connect.CreateAsync(name, ConnectServer.Source(name));

        var restarted = await _connect.PostAsync($"connectors/{name}/restart{flags}");

        Assert.Equal(withBody ? 202 : 204, restarted.Status);
        if (withBody)
        {
            var onlyFailed = flags.Contains("onlyFailed");
            Assert.Equal(onlyFailed ? "RUNNING" : "RESTARTING", State(restarted.Json.GetProperty("connector")));
            Assert.Equal(restartsTask ? "RESTARTING" : "RUNNING", State(restarted.Json.GetProperty("tasks")[0]));
        }

        await _connect.UntilAsync(name, "RUNNING", "RUNNING");
    }

    private static string State(JsonElement of) => of.GetProperty("state").GetString()!;
}
