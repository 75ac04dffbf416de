using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using RestStream.TestKit.Web;

namespace RestStream.Tests.Connect;

/// <summary>A secret in a PASSWORD key, behind a reference, and inside an address: nobody finds it in an answer, the log or the metrics, whatever fails.</summary>
public class CanaryTests
{
    private const string Password = "canary-password-5c1f";
    private const string InFile = "canary-file-5c1f";
    private const string InUrl = "canary-url-5c1f";

    [Fact]
    public async Task A_secret_appears_in_no_answer_log_metric_or_error()
    {
        await using var connect = await ConnectServer.StartAsync("--Logging:LogLevel:RestStream", "Debug", "--RestStream:Connect:AllowedNetworks:0", "127.0.0.0/8");
        var secrets = Path.Combine(Path.GetDirectoryName(connect.Files)!, "secrets");
        Directory.CreateDirectory(secrets);
        var file = Path.Combine(secrets, "db.properties");
        File.WriteAllText(file, $"password={InFile}\n");
        var config = new Dictionary<string, string>(ConnectServer.Source("plain", maxTasks: 2))
        {
            ["secret"] = Password,
            ["url"] = $"https://user:{InUrl}@example.com/?api_key={InUrl}",
        };
        var referring = new Dictionary<string, string>(ConnectServer.Source("referring"))
        {
            ["secret"] = $"${{file:{file}:password}}",
            ["url"] = $"https://user:${{file:{file}:password}}@example.com/",
            ["transforms"] = "add",
            ["transforms.add.type"] = "org.apache.kafka.connect.transforms.InsertField$Value",
            ["transforms.add.static.field"] = "added",
            ["transforms.add.static.value"] = $"${{file:{file}:password}}",
        };

        // In the path, in a parameter that the server repeats in the address of its next page, and in a header.
        await using var server = await WebReceiver.StartAsync((request, response) =>
        {
            response.Headers.Link = request.Target.Contains("page=") ? "" : $"<{request.Target}&page=2>; rel=next";
            response.StatusCode = request.Target.Contains("page=") ? 400 : 200;
            return response.WriteAsync("""[{"id":1}]""");
        });
        var asking = new Dictionary<string, string>
        {
            ["connector.class"] = "HttpSource",
            ["kafka.topic"] = "asking",
            ["http.request.url"] = $"{server.Address}${{file:{file}:password}}/x",
            ["http.request.params"] = $"api_key=${{file:{file}:password}}",
            ["http.request.headers"] = $"X-Key: ${{file:{file}:password}}",
            ["http.paging"] = "link",
            ["restart.policy"] = "never",
        };

        var seen = new List<(string What, string Text)>();
        async Task<Answer> Look(Task<Answer> call, string what)
        {
            var answer = await call;
            seen.Add((what, $"{answer.Text}\n{answer.Headers}"));
            return answer;
        }

        Assert.Equal(201, (await Look(connect.PostAsync("connectors", new { name = "plain", config }), "create")).Status);
        Assert.Equal(201, (await Look(connect.PutAsync("connectors/referring/config", referring), "put")).Status);
        await connect.UntilAsync("plain", "RUNNING", "RUNNING", "RUNNING");
        await connect.UntilAsync("referring", "RUNNING", "RUNNING");
        Assert.Contains("${file:", (await connect.GetAsync("connectors/referring/config")).Text);
        Assert.Equal(201, (await Look(connect.PutAsync("connectors/asking/config", asking), "put of a source that asks")).Status);
        await connect.UntilAsync("asking", "RUNNING", "FAILED");
        Assert.Contains($"/{InFile}/x?api_key={InFile}&page=2", server.Requests.Select(r => r.Target));
        Assert.Contains("${file:", (await connect.GetAsync("connectors/asking/offsets")).Text);
        connect.Fail("plain", "task 1");
        connect.Fail("referring", "task 0");
        await connect.UntilAsync("plain", "RUNNING", "RUNNING", "FAILED");
        await connect.UntilAsync("referring", "RUNNING", "FAILED");

        // A broken configuration repeats what is wrong with it.
        await Look(connect.PatchAsync("connectors/plain/config", new { batch = "x" }), "patch with a wrong value");
        await Look(connect.PutAsync("connector-plugins/MonitorableSource/config/validate", new Dictionary<string, string>(config) { ["topic"] = "", ["batch"] = "x" }), "validate");
        await Look(connect.PostAsync("connector-plugins/MonitorableSource/config/preview", new { config, records = new[] { new { value = 1 } } }), "preview of a configuration");
        foreach (var name in new[] { "plain", "referring", "asking" })
        {
            foreach (var path in new[] { "", "/config", "/status", "/tasks", "/tasks/0/status", "/tasks/1/status", "/topics", "/offsets" })
                await Look(connect.GetAsync($"connectors/{name}{path}"), $"GET {name}{path}");
            await Look(connect.PostAsync($"connectors/{name}/restart?includeTasks=true"), $"restart {name}");
            await Look(connect.PostAsync($"connectors/{name}/preview", new { records = new[] { new { topic = "t", value = new { a = 1 } } } }), $"preview {name}");
            await Look(connect.PostAsync($"connectors/{name}/dlq/replay", "{}"), $"replay {name}");
        }

        connect.Fail("plain", "connector");
        await Look(connect.PostAsync("connectors/plain/restart"), "restart that fails");
        foreach (var path in new[] { "connectors", "connectors?expand=status&expand=info", "health/connectors", "metrics", "connector-plugins?connectorsOnly=false", "connector-plugins/MonitorableSource/config", "admin/loggers", "openapi/reststream.json", "",
            "topics/connect-configs/records?from=earliest", "topics/connect-status/records?from=earliest", "topics/connect-offsets/records?from=earliest", "topics/connect-configs/partitions/0/messages?offset=0" })
            await Look(connect.CallAsync(HttpMethod.Get, path, accept: "*/*"), $"GET /{path}");

        // The connector tells all it knows over an offset that it refuses.
        foreach (var name in new[] { "plain", "referring" })
        {
            await connect.PutAsync($"connectors/{name}/stop");
            await connect.UntilAsync(name, "STOPPED");
            foreach (var refused in new[] { -1, -2 })
                Assert.True((await Look(connect.PatchAsync($"connectors/{name}/offsets", OffsetsAt(refused)), $"offsets {refused} of {name}")).Status is 400 or 500);
            Assert.Equal(200, (await Look(connect.PatchAsync($"connectors/{name}/offsets", OffsetsAt(0)), $"offsets of {name}")).Status);
            await connect.PutAsync($"connectors/{name}/resume");
        }

        foreach (var name in new[] { "plain", "referring" })
        {
            foreach (var (method, path) in await OperationsAsync(connect, name))
                await Look(connect.CallAsync(method, path, method == HttpMethod.Get || method == HttpMethod.Delete ? null : "{}", accept: "*/*"), $"{method} {path}");
        }

        seen.Add(("the log", connect.Server.Output));

        var found = from secret in new[] { Password, InFile, InUrl }
                    from s in seen
                    where s.Text.Contains(secret)
                    select $"{secret} is in {s.What}: {Around(s.Text, secret)}";
        Assert.Equal([], found);
    }

    [Fact]
    public async Task A_mask_that_is_sent_back_keeps_the_secret()
    {
        await using var connect = await ConnectServer.StartAsync();
        var config = new Dictionary<string, string>(ConnectServer.Source("keeps")) { ["secret"] = Password };
        await connect.CreateAsync("keeps", config);

        var shown = (await connect.GetAsync("connectors/keeps/config")).Json.Deserialize<Dictionary<string, string>>()!;
        shown["batch"] = "3";
        var put = await connect.PutAsync("connectors/keeps/config", shown);
        await connect.UntilAsync(() => Task.FromResult(connect.Journal("keeps.journal").Count(l => l == "task 0 start") == 2), "the task to be started again");

        Assert.Equal("[hidden]", shown["secret"]);
        Assert.Equal(200, put.Status);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Password)));
        Assert.Equal(2, connect.Journal("keeps.journal").Count(l => l.EndsWith(hash, StringComparison.Ordinal)));
    }

    private static object OffsetsAt(int saved) => new { offsets = new[] { new { partition = new { task = "0" }, offset = new { saved } } } };

    /// <summary>Everything that the document of the API lists, deletions last, and the pages. Streams are left out: they show records as pages do.</summary>
    private static async Task<IEnumerable<(HttpMethod Method, string Path)>> OperationsAsync(ConnectServer connect, string connector)
    {
        var operations = from path in (await connect.GetAsync("openapi/reststream.json")).Json.GetProperty("paths").EnumerateObject()
                         from operation in path.Value.EnumerateObject()
                         where operation.Name is "get" or "post" or "put" or "patch" or "delete" && !path.Name.EndsWith("/stream", StringComparison.Ordinal)
                         orderby operation.Name == "delete"
                         select (HttpMethod.Parse(operation.Name), path.Name.TrimStart('/').Replace("{connector}", connector).Replace("{task}", "0").Replace("{plugin}", "MonitorableSource")
                             .Replace("{logger}", "RestStream.Connect").Replace("{topic}", operation.Name == "get" ? "connect-configs" : connector).Replace("{partition}", "0").Replace("{hook}", connector)
                             .Replace("{group}", $"connect-{connector}").Replace("{member}", "m").Replace("{instance}", "i"));
        var all = operations.ToList();
        Assert.True(all.Count > 60, $"the document lists {all.Count} operations");
        Assert.DoesNotContain(all, o => o.Item2.Contains('{'));
        return all.Concat(new[] { "swagger/index.html", $"connectors/{connector}/tasks-config", "openapi/v1.json" }.Select(page => (HttpMethod.Get, page)));
    }

    private static string Around(string text, string secret)
    {
        var at = text.IndexOf(secret, StringComparison.Ordinal);
        return at < 0 ? "" : text[Math.Max(0, at - 100)..Math.Min(text.Length, at + 100)];
    }
}
