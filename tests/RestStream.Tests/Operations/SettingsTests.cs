using Microsoft.Extensions.Configuration;
using RestStream.Settings;

namespace RestStream.Tests.Operations;

public class SettingsTests
{
    [Theory]
    [InlineData("RestStream:Limits:MaxStreams", "0", "RestStream:Limits:MaxStreams is '0', but must be 1 to 1000000.")]
    [InlineData("RestStream:Limits:MaxStreams", "many", "RestStream:Limits:MaxStreams is 'many', but must be 1 to 1000000.")]
    [InlineData("RestStream:Limits:MaxStreams", "99999999999999999999", "RestStream:Limits:MaxStreams is '99999999999999999999', but must be 1 to 1000000.")]
    [InlineData("RestStream:ShutdownTimeout", "10", "RestStream:ShutdownTimeout is '10', but must be 00:00:01 to 00:10:00 (hours:minutes:seconds).")]
    [InlineData("RestStream:AllowAnonymous", "yes", "RestStream:AllowAnonymous is 'yes', but must be true or false.")]
    [InlineData("RestStream:Broker:DefaultPartitions", "-1", "RestStream:Broker:DefaultPartitions is '-1', but must be 1 to 10000.")]
    [InlineData("RestStream:DataDirectory", "", "RestStream:DataDirectory is '', but must be a text.")]
    [InlineData(
        "RestStream:Connect:ClientOverrides", "acks,interceptor.classes",
        "The setting RestStream:Connect:ClientOverrides is All, None, Principal or a list of settings of Kafka's clients that load no code; 'interceptor.classes' is none.")]
    public void A_wrong_value_is_named_with_its_setting_and_what_is_allowed(string key, string value, string expected) =>
        Assert.Equal([expected], SettingsCheck.Errors(Configured((key, value))));

    [Theory]
    [InlineData("RestStream:DataDirctory", "RestStream:DataDirctory is not a setting. Did you mean RestStream:DataDirectory?")]
    [InlineData("RestStream:Limits:MaxStream", "RestStream:Limits:MaxStream is not a setting. Did you mean RestStream:Limits:MaxStreams?")]
    [InlineData("RestStream:Zookeeper", "RestStream:Zookeeper is not a setting. docs/settings.md lists them all.")]
    public void An_unknown_setting_is_refused_with_the_nearest_one(string key, string expected) =>
        Assert.Equal([expected], SettingsCheck.Errors(Configured((key, "x"))));

    [Fact]
    public void Every_wrong_setting_is_reported_and_not_only_the_first() =>
        Assert.Equal(2, SettingsCheck.Errors(Configured(("RestStream:Limits:MaxStreams", "0"), ("RestStream:Limits:MaxConnections", "0"))).Count);

    [Fact]
    public void Rules_over_several_settings_are_checked() =>
        Assert.StartsWith("RestStream:Broker:JournalMaxBytes", Assert.Single(SettingsCheck.Errors(Configured(("RestStream:Broker:JournalMaxBytes", "262144")))));

    [Fact]
    public void Names_of_settings_have_no_case_and_other_sections_are_not_ours() =>
        Assert.Empty(SettingsCheck.Errors(Configured(
            ("reststream:limits:maxstreams", "5"), ("Logging:LogLevel:Default", "x"), ("RestStream:Broker:TopicDefaults:retention.ms", "1000"), ("RestStream:AllowedHosts:0", "a"))));

    [Fact]
    public void A_list_is_an_array_or_a_text_with_commas()
    {
        Assert.Equal(["a", "b"], SettingsCheck.List(Configured(("RestStream:AllowedHosts", "a, b")), "RestStream:AllowedHosts"));
        Assert.Equal(["a", "b"], SettingsCheck.List(Configured(("RestStream:AllowedHosts:0", "a"), ("RestStream:AllowedHosts:1", "b")), "RestStream:AllowedHosts"));
    }

    [Theory]
    [InlineData("http://127.0.0.1:8082", true)]
    [InlineData("http://localhost:0", true)]
    [InlineData("http://[::1]:8082", true)]
    [InlineData("http://unix:/run/reststream.sock", true)]
    [InlineData("http://0.0.0.0:8082", false)]
    [InlineData("http://*:8082", false)]
    [InlineData("http://+:8082", false)]
    [InlineData("http://[::]:8082", false)]
    [InlineData("http://10.0.0.1:8082", false)]
    [InlineData("http://example.com:8082", false)]
    public void An_address_is_loopback_or_open_to_the_network(string url, bool loopback) => Assert.Equal(loopback, Listeners.IsLoopback(url));

    [Theory]
    [InlineData("urls", "http://127.0.0.1:1;http://0.0.0.0:2")]
    [InlineData("http_ports", "8080")]
    [InlineData("https_ports", "8443")]
    [InlineData("Kestrel:Endpoints:Http:Url", "http://*:8080")]
    public void Every_way_to_listen_on_the_network_needs_consent(string key, string value)
    {
        var configuration = Configured((key, value));

        var refusal = Assert.Throws<SettingsException>(() => Listeners.ThrowIfOpenToTheNetwork(configuration, allowAnonymous: false));
        Listeners.ThrowIfOpenToTheNetwork(configuration, allowAnonymous: true);

        Assert.Contains("--RestStream:AllowAnonymous=true", refusal.Message);
    }

    [Fact]
    public void The_address_of_the_default_listener_needs_no_consent() => Listeners.ThrowIfOpenToTheNetwork(Configured(), allowAnonymous: false);

    [Theory]
    [InlineData("http://0.0.0.0:8082", "http://localhost:8082")]
    [InlineData("http://*:8082", "http://localhost:8082")]
    [InlineData("http://127.0.0.1:8082/", "http://127.0.0.1:8082")]
    public void An_address_for_all_interfaces_is_shown_as_one_that_can_be_used(string listening, string reachable) =>
        Assert.Equal(reachable, Listeners.Reachable(listening));

    [Fact]
    public void The_page_of_settings_lists_every_setting_with_its_default() => Snapshot.Matches("docs/settings.md", SettingsPage.Text());

    private static IConfiguration Configured(params (string Key, string? Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value))).Build();
}
