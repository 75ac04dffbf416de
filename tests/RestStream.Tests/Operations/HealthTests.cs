using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace RestStream.Tests.Operations;

public partial class HealthTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private HttpClient Client => fixture.Server.Client;

    [Theory]
    [InlineData("health")]
    [InlineData("health/live")]
    [InlineData("health/ready")]
    [InlineData("healthy")]
    [InlineData("ready")]
    [InlineData("_health")]
    [InlineData("status/ready")]
    public async Task A_healthy_server_says_so_at_every_path_that_products_ask(string path)
    {
        var health = await Client.GetFromJsonAsync<JsonElement>(path);

        Assert.Equal("healthy", health.GetProperty("status").GetString());
        Assert.NotEmpty(health.GetProperty("message").GetString()!);
    }

    [Fact]
    public async Task The_root_names_version_commit_and_cluster()
    {
        var server = await Client.GetFromJsonAsync<JsonElement>("");

        Assert.Equal("4.3.1", server.GetProperty("version").GetString());
        Assert.Matches(@"^\d+\.\d+\.\d+", server.GetProperty("reststream_version").GetString());
        Assert.NotEmpty(server.GetProperty("commit").GetString()!);
        Assert.Equal(server.GetProperty("reststream_version").GetString(), server.GetProperty("bridge_version").GetString());
        Assert.Equal(File.ReadLines(Path.Combine(fixture.Server.DataDirectory, "meta.properties")).Single(l => l.StartsWith("cluster.id=")), "cluster.id=" + server.GetProperty("kafka_cluster_id").GetString());
    }

    [Fact]
    public async Task Unknown_paths_and_methods_get_the_one_error_body()
    {
        var notFound = await Client.GetAsync("no/such/path");
        var notAllowed = await Client.DeleteAsync("health");

        Assert.Equal(HttpStatusCode.NotFound, notFound.StatusCode);
        Assert.Equal("application/problem+json", notFound.Content.Headers.ContentType!.MediaType);
        Assert.Equal(40400, (await notFound.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error_code").GetInt32());
        Assert.Equal(HttpStatusCode.MethodNotAllowed, notAllowed.StatusCode);
        Assert.Equal(40500, (await notAllowed.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error_code").GetInt32());
    }

    [Fact]
    public async Task Metrics_are_valid_Prometheus_text()
    {
        var answer = await Client.GetAsync("metrics");
        var text = await answer.Content.ReadAsStringAsync();

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        Assert.EndsWith("\n", text);
        var typed = new Dictionary<string, string>();
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            if (TypeLine().Match(line) is { Success: true } type)
                Assert.True(typed.TryAdd(type.Groups[1].Value, type.Groups[2].Value), $"{line} comes twice");
            else if (!line.StartsWith("# HELP ", StringComparison.Ordinal))
                Assert.Matches(SampleLine(), line);
        }

        Assert.All(typed.Where(t => t.Value == "counter"), t => Assert.EndsWith("_total", t.Key));
    }

    [Theory]
    [InlineData("reststream_build_info")]
    [InlineData("reststream_ready")]
    [InlineData("reststream_records_in_total")]
    [InlineData("reststream_records_out_total")]
    [InlineData("reststream_bytes_in_total")]
    [InlineData("reststream_bytes_out_total")]
    [InlineData("reststream_fsync_duration_seconds")]
    [InlineData("reststream_fsync_failures_total")]
    [InlineData("reststream_log_size_bytes")]
    [InlineData("reststream_segments")]
    [InlineData("reststream_disk_free_bytes")]
    [InlineData("reststream_corrupt_batches_total")]
    [InlineData("http_server_request_duration_seconds")]
    [InlineData("kestrel_active_connections")]
    [InlineData("dotnet_process_memory_working_set_bytes")]
    public async Task The_core_set_of_metrics_is_there(string name) => Assert.Contains($"# TYPE {name} ", await Client.GetStringAsync("metrics"));

    [GeneratedRegex(@"^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex("""^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*"(,[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*")*\})? (NaN|[+-]Inf|-?[0-9.]+(E[+-]?[0-9]+)?)$""")]
    private static partial Regex SampleLine();
}
