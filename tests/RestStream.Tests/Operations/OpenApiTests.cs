using System.Net.Http.Json;
using System.Text.Json;

namespace RestStream.Tests.Operations;

public class OpenApiTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task The_http_api_is_the_committed_openapi_file() =>
        Snapshot.Matches("openapi/reststream.json", await fixture.Server.Client.GetStringAsync("openapi/reststream.json") + "\n");

    [Fact]
    public async Task Every_operation_has_an_id_of_its_own_a_summary_and_one_tag()
    {
        var operations = await OperationsAsync();

        Assert.All(operations, o =>
        {
            Assert.False(string.IsNullOrEmpty(o.Json.GetProperty("operationId").GetString()), o.Name);
            Assert.False(string.IsNullOrEmpty(o.Json.GetProperty("summary").GetString()), o.Name);
            Assert.Equal(1, o.Json.GetProperty("tags").GetArrayLength());
        });
        Assert.Equal(operations.Count, operations.Select(o => o.Json.GetProperty("operationId").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task Every_body_has_an_example()
    {
        foreach (var operation in await OperationsAsync())
        {
            var bodies = operation.Json.GetProperty("responses").EnumerateObject().Select(r => r.Value);
            if (operation.Json.TryGetProperty("requestBody", out var request))
                bodies = bodies.Append(request);
            foreach (var media in bodies.Where(b => b.TryGetProperty("content", out _)).SelectMany(b => b.GetProperty("content").EnumerateObject()))
                Assert.True(media.Value.TryGetProperty("example", out _), $"{operation.Name}: {media.Name} has no example in ApiExamples");
        }
    }

    [Fact]
    public async Task Every_example_of_a_request_is_taken_and_answered_as_documented()
    {
        foreach (var operation in await OperationsAsync())
        {
            var (method, path) = (operation.Name[..operation.Name.IndexOf(' ')], operation.Name[(operation.Name.IndexOf(' ') + 1)..]);
            var query = new List<string>();
            foreach (var parameter in Members(operation.Json, "parameters").Where(p => p.TryGetProperty("required", out var required) && required.GetBoolean()))
            {
                var (name, value) = (parameter.GetProperty("name").GetString(), parameter.GetProperty("example").ToString());
                if (parameter.GetProperty("in").GetString() == "query")
                    query.Add($"{name}={value}");
                path = path.Replace($"{{{name}}}", value);
            }

            var url = path[1..] + (query.Count > 0 ? "?" + string.Join('&', query) : "");
            var bodies = operation.Json.TryGetProperty("requestBody", out var body) ? body.GetProperty("content").EnumerateObject().ToArray() : [];
            var answers = operation.Json.GetProperty("responses").EnumerateObject()
                .Where(r => r.Name == "200" && r.Value.TryGetProperty("content", out _)).SelectMany(r => r.Value.GetProperty("content").EnumerateObject()).Select(c => c.Name).ToArray();
            foreach (var sent in bodies.Select(b => (JsonProperty?)b).DefaultIfEmpty())
            {
                foreach (var accepted in answers.DefaultIfEmpty("*/*"))
                {
                    await MakeDemoAsync(operation.Json.GetProperty("operationId").GetString()!, accepted, withMember: path.Contains("/members/") || path.EndsWith("/ack", StringComparison.Ordinal));
                    using var request = new HttpRequestMessage(new HttpMethod(method.ToUpperInvariant()), url) { Headers = { { "Accept", accepted } } };
                    if (sent is { } media)
                    {
                        var example = media.Value.GetProperty("example");
                        request.Content = new StringContent(example.ValueKind == JsonValueKind.String ? example.GetString()! : example.GetRawText());
                        request.Content.Headers.ContentType = new(media.Name);
                    }

                    using var answer = await fixture.Server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);

                    var what = $"{operation.Name}, {sent?.Name} to {accepted}: {(int)answer.StatusCode}";
                    Assert.True(answer.IsSuccessStatusCode, what);
                    var documented = operation.Json.GetProperty("responses").EnumerateObject().Single(r => r.Name == $"{(int)answer.StatusCode}").Value;
                    if (documented.TryGetProperty("content", out var types))
                        Assert.True(types.TryGetProperty(answer.Content.Headers.ContentType!.MediaType!, out _), $"{what} as {answer.Content.Headers.ContentType}");
                }
            }
        }
    }

    [Fact]
    public async Task Every_parameter_says_what_it_means() =>
        Assert.All(await OperationsAsync(), o => Assert.All(Members(o.Json, "parameters"), p => Assert.True(p.TryGetProperty("description", out _), $"{o.Name}: {p}")));

    [Fact]
    public async Task Every_operation_that_can_fail_says_how()
    {
        foreach (var operation in (await OperationsAsync()).Where(o => o.Name.Contains("{topic}") || o.Name.Contains("/records")))
        {
            var errors = operation.Json.GetProperty("responses").EnumerateObject().Where(r => r.Name[0] is '4' or '5').ToList();

            Assert.Contains("503", errors.Select(e => e.Name));
            Assert.All(errors, e => Assert.All(e.Value.GetProperty("content").EnumerateObject(),
                c => Assert.Equal("#/components/schemas/Problem", c.Value.GetProperty("schema").GetProperty("$ref").GetString())));
        }
    }

    [Fact]
    public async Task Every_parameter_of_a_path_is_declared()
    {
        foreach (var operation in await OperationsAsync())
        {
            var declared = operation.Json.TryGetProperty("parameters", out var parameters)
                ? parameters.EnumerateArray().Where(p => p.GetProperty("in").GetString() == "path").Select(p => p.GetProperty("name").GetString()).ToList()
                : [];

            Assert.All(operation.Name.Split('/').Where(s => s.StartsWith('{')), segment => Assert.Contains(segment.Trim('{', '}'), declared));
        }
    }

    [Fact]
    public async Task Nothing_is_used_that_client_generators_choke_on()
    {
        var text = await fixture.Server.Client.GetStringAsync("openapi/reststream.json");

        Assert.StartsWith("3.0.", JsonDocument.Parse(text).RootElement.GetProperty("openapi").GetString());
        Assert.DoesNotContain("\"oneOf\"", text);
        Assert.DoesNotContain("\"anyOf\"", text);
    }

    [Fact]
    public async Task The_swagger_pages_need_nothing_from_elsewhere()
    {
        foreach (var page in new[] { "swagger/index.html", "swagger/index.css", "swagger/swagger-ui.css" })
        {
            var answer = await fixture.Server.Client.GetAsync(page);

            Assert.True(answer.IsSuccessStatusCode, page);
            Assert.DoesNotMatch("(src|href|url\\()[=\"']*https?://", await answer.Content.ReadAsStringAsync());
            Assert.Contains("default-src 'none'", answer.Headers.GetValues("Content-Security-Policy").Single());
        }

        Assert.Contains("../openapi/reststream.json", await fixture.Server.Client.GetStringAsync("swagger/index.js"));
    }

    /// <summary>
    /// What the examples speak of: the topic as the example of CreateTopic makes it, with a few records; a group that has offsets of it, and a member or none;
    /// and a consumer instance that reads one of its partitions in the format that is asked for.
    /// </summary>
    private async Task MakeDemoAsync(string operation, string accepted, bool withMember)
    {
        var client = fixture.Server.Client;
        await client.DeleteAsync("topics/demo");
        using var created = await client.PutAsync("topics/demo", new StringContent("""{"partitions":3,"configs":{"retention.ms":"86400000"}}"""));
        using var produced = await client.PostAsync("topics/demo/records", JsonContent.Create(new[] { new { value = 1 }, new { value = 2 }, new { value = 3 } }));
        produced.EnsureSuccessStatusCode();
        using var keyed = await client.PostAsync("topics/demo/records", JsonContent.Create(new { key = "c-17", value = 4 }));
        keyed.EnsureSuccessStatusCode();

        using var before = await client.GetAsync("groups/billing");
        if (before.IsSuccessStatusCode)
        {
            foreach (var member in (await before.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("members").EnumerateArray())
                await client.DeleteAsync($"groups/billing/members/{member.GetProperty("member").GetString()}");
        }

        using var group = await client.PutAsync("groups/billing/offsets", new StringContent("""{"to":"earliest","topics":["demo"]}"""));
        group.EnsureSuccessStatusCode();
        if (withMember)
        {
            using var joined = await client.PostAsync("groups/billing/poll", new StringContent("""{"topics":["demo"],"member":"w1"}"""));
            joined.EnsureSuccessStatusCode();
        }

        if (operation == "CreateTopicV2")
            await client.DeleteAsync("topics/demo-v2");
        if (operation is "CallHook" or "ReplayDeadLetters" || operation.Contains("Connector") || operation.EndsWith("Task") || operation.EndsWith("TaskStatus"))
            await MakeConnectorsAsync(operation);
        if (!operation.Contains("Consumer"))
            return;

        foreach (var instance in new[] { "c1", "c2" })
            await client.DeleteAsync($"consumers/billing/instances/{instance}");
        var format = accepted.Contains("binary") ? "binary" : accepted.Contains("text") ? "text" : "json";
        using var made = await client.PostAsync("consumers/billing", JsonContent.Create(new { name = "c1", format }));
        made.EnsureSuccessStatusCode();
        if (operation == "SubscribeConsumer")
            return;
        using var assigned = await client.PostAsync(
            "consumers/billing/instances/c1/assignments", JsonContent.Create(new { partitions = new[] { new { topic = "demo", partition = 0 } } }));
        assigned.EnsureSuccessStatusCode();
    }

    /// <summary>The connector that the examples speak of, with its task; stopped where its offsets are changed; a source that listens under the hook of the example.</summary>
    private async Task MakeConnectorsAsync(string operation)
    {
        var client = fixture.Server.Client;
        await client.DeleteAsync("connectors/demo-source");
        if (operation == "CreateConnector")
            return;
        await client.DeleteAsync("connectors/demo-hook");
        if (operation == "CallHook")
        {
            var hook = new Dictionary<string, string> { ["connector.class"] = "HttpSource", ["mode"] = "webhook", ["hook.name"] = "demo", ["kafka.topic"] = "demo" };
            using var hooked = await client.PutAsJsonAsync("connectors/demo-hook/config", hook);
            hooked.EnsureSuccessStatusCode();
            await UntilAsync(async () => (await client.GetStringAsync("connectors/demo-hook/status")).Split("RUNNING").Length > 2);
            return;
        }

        if (operation == "ReplayDeadLetters")
        {
            await client.PutAsync("topics/demo-dlq", new StringContent("{}"));
            using var sink = await client.PutAsJsonAsync("connectors/demo-source/config", new Dictionary<string, string>
            {
                ["connector.class"] = "FileStreamSink",
                ["file"] = "demo.out",
                ["topics"] = "demo",
                ["errors.tolerance"] = "all",
                ["errors.deadletterqueue.topic.name"] = "demo-dlq",
            });
            sink.EnsureSuccessStatusCode();
            return;
        }

        using var made = await client.PostAsJsonAsync(
            "connectors", new { name = "demo-source", config = new Dictionary<string, string> { ["connector.class"] = "FileStreamSource", ["file"] = "demo.txt", ["topic"] = "demo" } });
        made.EnsureSuccessStatusCode();
        await UntilAsync(async () => (await client.GetAsync("connectors/demo-source/tasks/0/status")).IsSuccessStatusCode);
        if (operation is not ("AlterConnectorOffsets" or "ResetConnectorOffsets"))
            return;
        using var stopped = await client.PutAsync("connectors/demo-source/stop", null);
        stopped.EnsureSuccessStatusCode();
        await UntilAsync(async () => !(await client.GetAsync("connectors/demo-source/tasks/0/status")).IsSuccessStatusCode);
    }

    private static async Task UntilAsync(Func<Task<bool>> reached)
    {
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await reached())
            await Task.Delay(20, enough.Token);
    }

    private static IEnumerable<JsonElement> Members(JsonElement json, string name) => json.TryGetProperty(name, out var list) ? list.EnumerateArray() : [];

    private async Task<List<(string Name, JsonElement Json)>> OperationsAsync()
    {
        var document = JsonDocument.Parse(await fixture.Server.Client.GetStringAsync("openapi/reststream.json"));
        return [.. document.RootElement.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(o => ($"{o.Name} {path.Name}", o.Value)))];
    }
}
