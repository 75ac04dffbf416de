using System.Net;
using System.Text.RegularExpressions;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Connect;

/// <summary>Checks 29 to 32: loggers, health, listeners of their own, CORS, time limits; and what every path does with a bad request.</summary>
[Collection(ConnectChecks.Name)]
public class WorkerChecks(ConnectFixture fixture)
{
    private readonly ConnectServer _connect = fixture.Connect;

    [Fact]
    public async Task Check_29_The_level_of_a_logger_is_shown_and_changed_for_all_below_it()
    {
        var all = (await _connect.GetAsync("admin/loggers")).Json;
        Assert.Equal("INFO", all.GetProperty("root").GetProperty("level").GetString());
        Assert.True(all.EnumerateObject().Count() > 5);

        var changed = await _connect.PutAsync("admin/loggers/RestStream.Hosting", """{"level":"debug"}""");
        var modified = (await _connect.GetAsync("admin/loggers/RestStream.Hosting.RequestGuards")).Json.GetProperty("last_modified").GetInt64();
        var again = await _connect.PutAsync("admin/loggers/RestStream.Hosting", """{"level":"DEBUG"}""");
        await _connect.Client.GetAsync("connectors"); // any request; a refused one is logged at DEBUG
        using (var refused = new HttpRequestMessage(HttpMethod.Post, new Uri(_connect.Client.BaseAddress!, "connectors")) { Headers = { { "Origin", "http://evil.example" } } })
            await _connect.Client.SendAsync(refused);

        var names = changed.Json.EnumerateArray().Select(n => n.GetString()!).ToList();
        Assert.Contains("RestStream.Hosting", names);
        Assert.Contains("RestStream.Hosting.RequestGuards", names);
        Assert.All(names, n => Assert.StartsWith("RestStream.Hosting", n));
        Assert.Equal("200 []", again.ToString());
        Assert.Equal($$"""{"level":"DEBUG","last_modified":{{modified}}}""", (await _connect.GetAsync("admin/loggers/RestStream.Hosting.RequestGuards")).Text);
        await _connect.UntilAsync(() => Task.FromResult(_connect.Server.Output.Contains("Refused POST /connectors")), "the debug line of the refused request");

        Assert.Equal("204 ", (await _connect.PutAsync("admin/loggers/RestStream.Hosting?scope=CLUSTER", """{"level":"INFO"}""")).ToString());
        Assert.StartsWith("200", (await _connect.PutAsync("admin/loggers/RestStream.Hosting?scope=solar-system", """{"level":"INFO"}""")).ToString());
        Assert.Equal("INFO", (await _connect.GetAsync("admin/loggers/RestStream.Hosting.RequestGuards")).Json.GetProperty("level").GetString());
    }

    [Fact]
    public async Task Check_29_Loggers_and_levels_that_do_not_exist_are_refused()
    {
        Assert.Equal("404 Logger nobody not found.", Said(await _connect.GetAsync("admin/loggers/nobody")));
        Assert.Equal("404 Logger RestStre not found.", Said(await _connect.GetAsync("admin/loggers/RestStre")));
        Assert.Equal("400 Desired 'level' parameter was not specified in request.", Said(await _connect.PutAsync("admin/loggers/root", "{}")));
        Assert.Equal("404 invalid log level 'loud'.", Said(await _connect.PutAsync("admin/loggers/root", """{"level":"loud"}""")));
        Assert.Equal("""200 ["somebody.new"]""", (await _connect.PutAsync("admin/loggers/somebody.new", """{"level":"TRACE"}""")).ToString());
    }

    [Fact]
    public async Task Check_29_Admin_may_have_a_listener_of_its_own_or_none()
    {
        await using var connect = await ConnectServer.StartAsync("--RestStream:Connect:Listener", "http://127.0.0.1:0", "--RestStream:Connect:AdminListener", "http://127.0.0.1:0");
        await using var off = await ConnectServer.StartAsync("--RestStream:Connect:AdminListener=");
        var urls = Regex.Matches(connect.Server.Output, @"http://127\.0\.0\.1:\d+").Select(m => m.Value).Distinct().ToList();
        var (main, own, admin) = (urls[0], urls[1], urls[2]);

        Assert.Equal(404, (await connect.GetAsync($"{main}/admin/loggers")).Status);
        Assert.Equal(404, (await connect.GetAsync($"{own}/admin/loggers")).Status);
        Assert.Equal(200, (await connect.GetAsync($"{admin}/admin/loggers")).Status);
        Assert.Equal("404 HTTP 404 Not Found", Said(await connect.GetAsync($"{admin}/connectors")));
        Assert.Equal("404 HTTP 404 Not Found", Said(await connect.GetAsync($"{admin}/health")));
        Assert.Equal(404, (await off.GetAsync("admin/loggers")).Status);
        Assert.Equal(200, (await off.GetAsync("connectors")).Status);
    }

    [Fact]
    public async Task Check_30_A_listener_of_Connect_alone_has_the_root_and_health_of_Kafka_and_nothing_else()
    {
        await using var connect = await ConnectServer.StartAsync("--RestStream:Connect:Listener", "http://127.0.0.1:0");
        var own = Regex.Match(connect.Server.Output, @"connectors  (http://127\.0\.0\.1:\d+)/connectors").Groups[1].Value;
        await ConnectServer.UntilAsync(async () => (await connect.GetAsync($"{own}/health")).Status != 503, () => "the worker");

        var root = (await connect.GetAsync($"{own}/")).Json;
        var health = await connect.GetAsync($"{own}/health");

        Assert.Equal("4.3.1", root.GetProperty("version").GetString());
        Assert.NotEmpty(root.GetProperty("commit").GetString()!);
        Assert.NotEmpty(root.GetProperty("kafka_cluster_id").GetString()!);
        Assert.Equal("""200 {"status":"healthy","message":"Worker has completed startup and is ready to handle requests."}""", health.ToString());
        Assert.Equal(200, (await connect.GetAsync($"{own}/connectors")).Status);
        Assert.Equal(200, (await connect.GetAsync($"{own}/admin/loggers")).Status);
        await Assert.AllAsync(["topics", "metrics", "swagger/index.html", "openapi/reststream.json", "groups", "health/live"], async path => Assert.Equal(404, (await connect.GetAsync($"{own}/{path}")).Status));
        await connect.CreateAsync("w", ConnectServer.Source("w"));
        Assert.Equal(new Uri(own).Authority, (await connect.GetAsync("connectors/w/status")).Json.GetProperty("connector").GetProperty("worker_id").GetString());
    }

    [RequiresToolFact("strace")]
    public async Task Check_30_Health_says_that_the_worker_starts_and_requests_wait_for_it()
    {
        // Each folder that is made takes its time: the log is open long before the worker has made its topics.
        using var folder = new TempFolder("slow-start");
        await using var server = await ServerProcess.StartAsync(new ServerProcessOptions
        {
            DataDirectory = folder["data"],
            Arguments = ["--RestStream:Connect:Listener", "http://127.0.0.1:0"],
            Launcher = ["strace", "-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null", "-e", "trace=mkdir,mkdirat", "-e", "inject=mkdir,mkdirat:delay_enter=100000"],
        });
        var own = Regex.Match(server.Output, @"connectors  (http://127\.0\.0\.1:\d+)/connectors").Groups[1].Value;

        using var starting = await server.Client.GetAsync($"{own}/health");
        using var list = await server.Client.GetAsync($"{own}/connectors");
        using var started = await server.Client.GetAsync($"{own}/health");

        Assert.Equal("503 {\"status\":\"starting\",\"message\":\"Worker is still starting up.\"}", $"{(int)starting.StatusCode} {await starting.Content.ReadAsStringAsync()}");
        Assert.Equal("200 []", $"{(int)list.StatusCode} {await list.Content.ReadAsStringAsync()}");
        Assert.Equal(200, (int)started.StatusCode);
    }

    [Fact]
    public async Task Check_30_Health_says_when_the_worker_cannot_start_and_topics_are_served_all_the_same()
    {
        await using var connect = await ConnectServer.StartAsync("--RestStream:Connect:Listener", "http://127.0.0.1:0", "--RestStream:Connect:SecretKeyFile", "/dev/null");
        var own = Regex.Match(connect.Server.Output, @"connectors  (http://127\.0\.0\.1:\d+)/connectors").Groups[1].Value;
        await ConnectServer.UntilAsync(async () => (await connect.GetAsync($"{own}/health")).Status != 503, () => "the worker");

        var health = await connect.GetAsync($"{own}/health");
        var list = await connect.GetAsync("connectors");

        Assert.Equal("""500 {"status":"unhealthy","message":"Worker was unable to handle this request and may be unable to handle other requests."}""", health.ToString());
        Assert.Equal(500, list.Status);
        await ConnectServer.UntilAsync(() => Task.FromResult(connect.Server.Output.Contains("'/dev/null' does not hold a key", StringComparison.Ordinal)), () => connect.Server.Output);
        Assert.Equal(200, (await connect.GetAsync("topics")).Status);
    }

    [Fact]
    public async Task Metrics_tell_of_the_worker_its_connectors_and_what_tasks_are_made_of()
    {
        await using var connect = await ConnectServer.StartAsync();
        await connect.CreateAsync("good", new(ConnectServer.Source("good", maxTasks: 2))
        {
            ["transforms"] = "f",
            ["transforms.f.type"] = "org.apache.kafka.connect.transforms.Filter",
            ["transforms.f.predicate"] = "p",
            ["predicates"] = "p",
            ["predicates.p.type"] = "RecordIsTombstone",
        }, tasks: 2);
        connect.Fail("good", "task 1");
        await connect.UntilAsync("good", "RUNNING", "RUNNING", "FAILED");

        var metrics = (await connect.CallAsync(HttpMethod.Get, "metrics", accept: "*/*")).Text;

        const string Worker = "kafka_connect_connect_worker_metrics_";
        Assert.All(
            [
                $"{Worker}connector_count 1\n", $"{Worker}task_count 2\n", $"{Worker}connector_startup_attempts_total 1\n", $"{Worker}connector_startup_failure_total 0\n", $"{Worker}task_startup_success_total 2\n",
                $"{Worker}connector_total_task_count{{connector=\"good\"}} 2\n", $"{Worker}connector_running_task_count{{connector=\"good\"}} 1\n", $"{Worker}connector_failed_task_count{{connector=\"good\"}} 1\n",
            ],
            line => Assert.Contains(line, metrics));
        Assert.Matches("""kafka_connect_connector_metrics_info\{connector="good",connector_class="test.MonitorableSourceConnector",connector_type="source",connector_version="[^"]+",status="running"\} 1""", metrics);
        Assert.Matches("""kafka_connect_connector_task_metrics_info\{[^}]*key_converter_class="org.apache.kafka.connect.json.JsonConverter",key_converter_version="4.3.1"[^}]*\} 1""", metrics);
        Assert.Matches("""kafka_connect_connector_transform_metrics_info\{[^}]*transform="f",transform_class="org.apache.kafka.connect.transforms.Filter",transform_version="4.3.1"[^}]*\} 1""", metrics);
        string[] ofTasks = ["connector_task_metrics_running_ratio", "connector_task_metrics_offset_commit_success_percentage", "source_task_metrics_source_record_poll_total", "source_task_metrics_source_record_write_rate",
            "source_task_metrics_source_record_active_count_max", "source_task_metrics_poll_batch_avg_time_ms", "source_task_metrics_transaction_size_max", "task_error_metrics_total_record_errors_total",
            "task_error_metrics_total_retries_total", "task_error_metrics_deadletterqueue_produce_failures_total", "task_error_metrics_last_error_timestamp"];
        Assert.All(ofTasks, name => Assert.Contains($"kafka_connect_{name}{{connector=\"good\",task=\"0\"}} ", metrics));
        Assert.Matches("""kafka_connect_connector_predicate_metrics_info\{[^}]*predicate_class="org.apache.kafka.connect.transforms.predicates.RecordIsTombstone"[^}]*\} 1""", metrics);
    }

    [Fact]
    public async Task Check_31_Foreign_pages_get_headers_of_CORS_only_when_they_are_allowed()
    {
        await using var connect = await ConnectServer.StartAsync("--RestStream:CorsOrigins", "https://app.example.com", "--RestStream:Connect:ResponseHeaders:X-Frame-Options", "DENY");
        using var foreign = new HttpRequestMessage(HttpMethod.Get, new Uri(_connect.Client.BaseAddress!, "connectors")) { Headers = { { "Origin", "https://app.example.com" } } };
        using var allowed = new HttpRequestMessage(HttpMethod.Get, new Uri(connect.Client.BaseAddress!, "connectors")) { Headers = { { "Origin", "https://app.example.com" } } };

        using var without = await _connect.Client.SendAsync(foreign);
        using var with = await connect.Client.SendAsync(allowed);

        Assert.DoesNotContain(without.Headers, h => h.Key.StartsWith("Access-Control"));
        Assert.Equal("https://app.example.com", with.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Equal("DENY", with.Headers.GetValues("X-Frame-Options").Single());
        Assert.False((await connect.GetAsync("topics")).Headers.Contains("X-Frame-Options"));
    }

    [Theory]
    [InlineData("connectors", "GET, HEAD, POST, OPTIONS")]
    [InlineData("connectors/x/status", "GET, HEAD, OPTIONS")]
    public async Task Check_31_OPTIONS_names_the_methods_and_describes_nothing(string path, string methods)
    {
        var answer = await _connect.CallAsync(HttpMethod.Options, path);

        Assert.Equal($"200 {methods}", answer.ToString());
        Assert.Equal("text/plain", answer.Content.ContentType!.ToString());
        Assert.Equal(methods, string.Join(", ", answer.Content.Allow.Select(a => a)));
    }

    [Fact]
    public async Task Check_32_A_request_that_waits_too_long_says_what_the_worker_is_doing()
    {
        await using var connect = await ConnectServer.StartAsync("--RestStream:Connect:RequestTimeout", "00:00:05", "--RestStream:Connect:TaskShutdownTimeout", "00:00:30");
        await connect.CreateAsync("slow", ConnectServer.Sink("slow", "slow-topic"));
        connect.Fail("slow", "hang 0");
        await connect.ProduceAsync("slow-topic", "a");
        await connect.UntilAsync(() => Task.FromResult(connect.Journal("slow.journal").Contains("task 0 hangs")), "the task to hang");

        // It is stopped at once for whoever asks, and its offsets cannot be touched before its task has ended.
        var stopped = await connect.PutAsync("connectors/slow/stop");
        var reset = await connect.DeleteAsync("connectors/slow/offsets");

        Assert.Equal((204, 500), (stopped.Status, reset.Status));
        Assert.Matches(@"^Request timed out\. The worker is currently resetting the offsets of connector slow, which began at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", reset.Message);
        Assert.Equal(200, (await connect.GetAsync("connectors")).Status);
        connect.Fail("slow");
    }

    [Theory]
    [InlineData("POST", "connectors", "{\"name\":\"a\",\"config\":{")]
    [InlineData("POST", "connectors", "")]
    [InlineData("POST", "connectors", "[]")]
    [InlineData("POST", "connectors", "null")]
    [InlineData("POST", "connectors", "{\"name\":\"a\"}")]
    [InlineData("POST", "connectors", "{\"name\":\"a\",\"config\":null}")]
    [InlineData("POST", "connectors", "{\"name\":\"a\",\"config\":{},\"more\":1}")]
    [InlineData("POST", "connectors", "{\"name\":\"a\",\"name\":\"b\",\"config\":{}}")]
    [InlineData("POST", "connectors", "{\"name\":\"\\ud800\",\"config\":{}}")]
    [InlineData("POST", "connectors", "{\"name\":\"a\",\"config\":{\"x\":{}}}")]
    [InlineData("POST", "connectors", "{\"name\":\"a\",\"config\":{\"x\":[1]}}")]
    [InlineData("PUT", "connectors/a/config", "[1]")]
    [InlineData("PATCH", "connectors/a/config", "{")]
    [InlineData("PATCH", "connectors/a/offsets", "[]")]
    [InlineData("PATCH", "connectors/a/offsets", "{\"offsets\":[null]}")]
    [InlineData("PATCH", "connectors/a/offsets", "{\"offsets\":[{\"partition\":1}]}")]
    [InlineData("PATCH", "connectors/a/offsets", "{\"offsets\":[],\"more\":1}")]
    [InlineData("PUT", "connector-plugins/FileStreamSource/config/validate", "{\"x\":[]}")]
    [InlineData("PUT", "admin/loggers/root", "{")]
    [InlineData("POST", "connector-plugins/FileStreamSource/config/preview", "{}")]
    public async Task A_body_that_is_wrong_is_answered_400_with_the_reason(string method, string path, string body)
    {
        var answer = await _connect.CallAsync(new HttpMethod(method), path, body);

        Assert.True(answer.Status == 400, answer.ToString());
        Assert.Equal(400, answer.Json.GetProperty("error_code").GetInt32());
        Assert.NotEmpty(answer.Message);
        Assert.Equal(["error_code", "message"], answer.Json.EnumerateObject().Select(m => m.Name));
    }

    [Theory]
    [InlineData("text/html", 406)]
    [InlineData("application/vnd.kafka.v2+json", 406)]
    [InlineData("application/*", 200)]
    [InlineData("text/html, */*;q=0.1", 200)]
    [InlineData("application/json; charset=utf-8", 200)]
    public async Task An_answer_that_is_not_accepted_is_406(string accept, int status)
    {
        var answer = await _connect.CallAsync(HttpMethod.Get, "connectors", accept: accept);

        Assert.Equal(status, answer.Status);
        if (status == 406)
            Assert.Equal("""{"error_code":406,"message":"HTTP 406 Not Acceptable"}""", answer.Text);
    }

    [Theory]
    [InlineData("POST", "connectors", "text/plain")]
    [InlineData("POST", "connectors", null)]
    [InlineData("PUT", "connectors/a/pause", "application/x-www-form-urlencoded")]
    [InlineData("PATCH", "connectors/a/config", "application/merge-patch")]
    public async Task A_body_that_is_not_named_JSON_is_415(string method, string path, string? type)
    {
        var answer = await _connect.CallAsync(new HttpMethod(method), path, "{}", type: type);

        Assert.Equal("""415 {"error_code":415,"message":"HTTP 415 Unsupported Media Type"}""", answer.ToString());
    }

    [Fact]
    public async Task A_method_that_is_not_there_is_405_and_a_path_404_in_the_words_of_Connect()
    {
        Assert.Equal("405 HTTP 405 Method Not Allowed", Said(await _connect.DeleteAsync("connectors")));
        Assert.Equal("404 HTTP 404 Not Found", Said(await _connect.GetAsync("connectors/a/b/c")));
        Assert.Equal("", (await _connect.CallAsync(HttpMethod.Head, "connectors")).Text);
        Assert.Equal(200, (await _connect.CallAsync(HttpMethod.Head, "connectors")).Status);
    }

    [Fact]
    public async Task Without_Connect_none_of_its_paths_is_there()
    {
        await using var connect = await ConnectServer.StartAsync("--RestStream:Connect:Enabled", "false");

        await Assert.AllAsync(["connectors", "connector-plugins", "admin/loggers", "health/connectors"], async path => Assert.Equal(404, (await connect.GetAsync(path)).Status));
        Assert.DoesNotContain("connectors  http", connect.Server.Output);
    }

    [Fact]
    public async Task A_hook_that_no_task_opened_is_404()
    {
        var answer = await _connect.CallAsync(HttpMethod.Post, "hooks/nobody/below?x=1", "anything", type: "text/plain");

        Assert.Equal(HttpStatusCode.NotFound, (HttpStatusCode)answer.Status);
        Assert.Contains("nobody", answer.Message);
    }

    [Fact]
    public async Task A_sender_whose_record_the_topic_does_not_take_is_refused_and_the_hook_goes_on_until_it_is_paused()
    {
        var name = _connect.NewName("hook");
        await _connect.CreateAsync(name, new() { ["connector.class"] = "HttpSource", ["mode"] = "webhook", ["kafka.topic"] = name, ["http.response.record.timestamp.pointer"] = "/t", ["restart.policy"] = "never" });

        var large = await _connect.PostAsync($"hooks/{name}", new { a = new string('x', 1_200_000) });
        var early = await _connect.PostAsync($"hooks/{name}", new { t = 9999999999999999 });
        var good = await _connect.PostAsync($"hooks/{name}", new { a = 2 });
        await _connect.PutAsync($"connectors/{name}/pause");
        await _connect.UntilAsync(name, "PAUSED", "PAUSED");
        var paused = await _connect.PostAsync($"hooks/{name}", new { a = 3 });

        Assert.Equal([400, 400, 200, 503], [large.Status, early.Status, good.Status, paused.Status]);
        Assert.Contains("max.message.bytes", large.Message);
        Assert.Contains("timestamp", early.Message);
        Assert.NotNull(paused.Headers.RetryAfter);
        Assert.Single(await _connect.RecordsAsync(name));
    }

    private static string Said(Answer answer) => $"{answer.Status} {answer.Message}";
}
