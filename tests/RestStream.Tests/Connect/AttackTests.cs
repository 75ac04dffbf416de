using System.Net;
using System.Net.Sockets;

namespace RestStream.Tests.Connect;

/// <summary>What somebody who may configure connectors, and nothing else, tries: files of the server, its network, its classes, its processor.</summary>
[Collection(ConnectChecks.Name)]
public class AttackTests(ConnectFixture fixture)
{
    private readonly ConnectServer _connect = fixture.Connect;

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../../etc/passwd")]
    [InlineData("FILES/../../../../etc/passwd")]
    [InlineData("/proc/self/environ")]
    [InlineData("/dev/zero")]
    [InlineData("FILES/../meta.properties")]
    [InlineData("FILES/../connect-configs-0/00000000000000000000.log")]
    public async Task A_file_outside_of_the_roots_is_refused_and_nothing_of_it_shown(string file)
    {
        var name = _connect.NewName("attack");
        var path = file.Replace("FILES", _connect.Files);

        foreach (var config in new[] { ConnectServer.FileSource(path, name), ConnectServer.FileSink(path, name) })
        {
            var validated = await _connect.PutAsync($"connector-plugins/{config["connector.class"]}/config/validate", new Dictionary<string, string>(config) { ["name"] = name });
            var created = await _connect.PostAsync("connectors", new { name, config });

            Assert.Contains("not below a folder", validated.Text);
            Assert.Equal(400, created.Status);
            Assert.DoesNotContain("root:", validated.Text + created.Text);
            Assert.Equal(404, (await _connect.GetAsync($"connectors/{name}")).Status);
        }
    }

    [Fact]
    public async Task A_link_that_leads_out_of_the_roots_is_not_followed_also_when_it_is_laid_later()
    {
        var (early, late) = (_connect.NewName("attack"), _connect.NewName("attack"));
        File.CreateSymbolicLink(_connect.FilePath($"{early}.txt"), "/etc/passwd");
        Assert.Equal(400, (await _connect.PostAsync("connectors", new { name = early, config = ConnectServer.FileSource($"{early}.txt", early) })).Status);

        await _connect.CreateAsync(late, ConnectServer.FileSource($"{late}.txt", late));
        File.CreateSymbolicLink(_connect.FilePath($"{late}.txt"), "/etc/passwd");
        var failed = await _connect.UntilAsync(late, "RUNNING", "FAILED");

        Assert.Contains("not below a folder", failed.GetProperty("tasks")[0].GetProperty("trace").GetString());
        Assert.Empty(await _connect.RecordsAsync(late));
    }

    [Theory]
    [InlineData("http://127.0.0.1:{0}/")]
    [InlineData("http://[::1]:{0}/")]
    [InlineData("http://0.0.0.0:{0}/")]
    [InlineData("http://2130706433:{0}/")]
    [InlineData("http://0x7f000001:{0}/")]
    [InlineData("http://0177.0.0.1:{0}/")]
    [InlineData("http://[::ffff:127.0.0.1]:{0}/")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://127.0.0.1:{0}/")]
    public async Task An_address_of_the_servers_own_network_is_refused_when_it_is_configured_and_nothing_arrives_there(string url)
    {
        using var listener = Listen();
        var name = _connect.NewName("attack");

        foreach (var config in HttpConnectors(string.Format(url, Port(listener)), name))
        {
            var created = await _connect.PostAsync("connectors", new { name, config });
            Assert.True(created.Status == 400, created.ToString());
        }

        Assert.False(listener.Pending());
    }

    [Fact]
    public async Task A_name_that_resolves_to_the_servers_own_network_is_refused_by_whoever_connects_first_and_nothing_arrives_there()
    {
        // What rebinding comes to: the name is no address when it is read, and is one of ours when it is connected to. A source is tried out by its validation, a sink by its task.
        using var listener = Listen();
        foreach (var config in HttpConnectors($"http://localhost:{Port(listener)}/", "names"))
        {
            var name = _connect.NewName("attack");
            await _connect.ProduceAsync(name, "x");
            config["topics"] = name;
            var created = await _connect.PostAsync("connectors", new { name, config });
            if (config["connector.class"] == "HttpSource")
            {
                Assert.Equal(400, created.Status);
                Assert.Contains("RestStream:Connect:AllowedNetworks", created.Text);
                continue;
            }
            Assert.True(created.Status == 201, created.ToString());

            var failed = await _connect.UntilAsync(name, "RUNNING", "FAILED");

            Assert.Contains("RestStream:Connect:AllowedNetworks", failed.GetProperty("tasks")[0].GetProperty("trace").GetString());
            await _connect.DeleteAsync($"connectors/{name}");
        }

        Assert.False(listener.Pending());
    }

    [Theory]
    [InlineData("connector.class", "System.Diagnostics.Process")]
    [InlineData("connector.class", "System.Diagnostics.Process, System.Diagnostics.Process, Version=10.0.0.0, Culture=neutral, PublicKeyToken=b03f5f7f11d50a3a")]
    [InlineData("connector.class", "RestStream.Connect.Herder")]
    [InlineData("connector.class", "../plugins/RestStream.Connectors.File")]
    [InlineData("value.converter", "System.IO.FileStream")]
    [InlineData("transforms.x.type", "System.Activator")]
    [InlineData("producer.override.sasl.jaas.config", "com.sun.security.auth.module.JndiLoginModule required;")]
    public async Task A_class_that_is_no_listed_plugin_is_refused_by_its_name(string key, string value)
    {
        var name = _connect.NewName("attack");
        var config = new Dictionary<string, string>(ConnectServer.FileSource("x.txt", name)) { ["transforms"] = "x", ["transforms.x.type"] = "org.apache.kafka.connect.transforms.HoistField$Value", ["transforms.x.field"] = "f" };
        Assert.Equal(201, (await _connect.PostAsync("connectors", new { name, config })).Status);

        config[key] = value;
        var changed = await _connect.PutAsync($"connectors/{name}/config", config);

        Assert.True(changed.Status == 400, changed.ToString());
        Assert.DoesNotContain("   at ", changed.Text);
        Assert.NotEqual(value, (await _connect.GetAsync($"connectors/{name}/config")).Json.TryGetProperty(key, out var now) ? now.GetString() : null);
        await _connect.DeleteAsync($"connectors/{name}");
    }

    [Fact]
    public async Task A_pattern_without_end_costs_its_own_task_a_moment_and_nobody_else_anything()
    {
        var (source, other) = (_connect.NewName("attack"), _connect.NewName("attack"));
        await _connect.CreateAsync(other, ConnectServer.Source(other, messages: 1));
        File.WriteAllText(_connect.FilePath($"{source}.txt"), "x\n");
        var topic = new string('a', 200);
        var config = new Dictionary<string, string>(ConnectServer.FileSource($"{source}.txt", topic))
        {
            ["transforms"] = "x",
            ["transforms.x.type"] = "org.apache.kafka.connect.transforms.RegexRouter",
            ["transforms.x.regex"] = "(?=a)(a+)+b",
            ["transforms.x.replacement"] = "y",
            ["restart.policy"] = "never",
        };

        Assert.Equal(201, (await _connect.PostAsync("connectors", new { name = source, config })).Status);
        var failed = await _connect.UntilAsync(source, "RUNNING", "FAILED");

        Assert.Contains("100 ms", failed.GetProperty("tasks")[0].GetProperty("trace").GetString());
        await _connect.UntilRecordsAsync(other, 1);
    }

    private static TcpListener Listen()
    {
        // On every address, so that whichever way in is found leads here.
        var listener = new TcpListener(IPAddress.IPv6Any, 0);
        listener.Server.DualMode = true;
        listener.Start();
        return listener;
    }

    private static int Port(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private static IEnumerable<Dictionary<string, string>> HttpConnectors(string url, string topic)
    {
        yield return new() { ["connector.class"] = "HttpSink", ["topics"] = topic, ["http.url"] = url, ["max.retries"] = "0", ["restart.policy"] = "never" };
        yield return new() { ["connector.class"] = "HttpSource", ["kafka.topic"] = topic, ["http.request.url"] = url, ["http.response.list.pointer"] = "", ["restart.policy"] = "never", ["max.retries"] = "0" };
        yield return new() { ["connector.class"] = "HttpSource", ["kafka.topic"] = topic, ["http.request.url"] = url, ["mode"] = "sse", ["restart.policy"] = "never", ["max.retries"] = "0" };
    }
}
