using System.Net;
using System.Net.Sockets;
using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connectors.Http.Source;

namespace RestStream.Connectors.Tests;

/// <summary>What validation says of a source's settings.</summary>
public sealed class HttpSourceSettingsTests
{
    [Theory]
    [InlineData("http.request.params", "since=${offset.timestamp?datetime.iso}")]
    [InlineData("http.request.params", "since=${ofset.timestamp}")]
    [InlineData("http.request.body", "${offset}")]
    [InlineData("http.request.headers", "X-A: 1,X-Token: ${env:TOKEN}")]
    [InlineData("http.request.url", "http://127.0.0.1:1/${topic}")]
    public async Task A_placeholder_that_means_nothing_is_an_error(string setting, string text)
    {
        var validation = await ValidateAsync((setting, text), ("http.offset.initial", "timestamp=1"));

        Assert.Equal(setting, Assert.Single(validation.Errors).Name);
    }

    [Fact]
    public async Task A_part_of_the_offset_that_nothing_sets_is_a_warning()
    {
        var validation = await ValidateAsync(("mode", "webhook"), ("http.request.params", "a=${offset.timestamp}&b=${offset.cursor}&c=${offset.y}"), ("http.response.record.offset.pointer", "timestamp=/at"));

        Assert.Empty(validation.Errors);
        Assert.Contains("${offset.y}", Assert.Single(validation.Warnings).Message);
    }

    [Fact]
    public void A_content_type_that_is_none_is_an_error() =>
        Assert.Contains("http.request.content.type", Assert.Throws<ConfigException>(() => new HttpSourceConnector().Config.Parse(Config(("http.request.content.type", "json")))).Message);

    [Fact]
    public async Task An_address_where_nobody_listens_is_a_warning_and_one_that_may_not_be_reached_an_error()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var url = $"http://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}/";
        var there = await ValidateAsync(("http.request.url", url));
        listener.Stop();
        var gone = await ValidateAsync(("http.request.url", url));
        var refused = new ConfigValidation(new HttpSourceConnector().Config.Parse(Config(("http.request.url", url))), new FileRoots([]), new OutboundPolicy([]));
        await new HttpSourceConnector().ValidateAsync(refused, default);

        Assert.Empty(there.Errors.Concat(there.Warnings));
        Assert.Empty(gone.Errors);
        Assert.Equal("http.request.url", Assert.Single(gone.Warnings).Name);
        Assert.Equal("http.request.url", Assert.Single(refused.Errors).Name);
    }

    private static async Task<ConfigValidation> ValidateAsync(params (string Name, string Value)[] settings)
    {
        var connector = new HttpSourceConnector();
        var validation = new ConfigValidation(connector.Config.Parse(Config(settings)), new FileRoots([]), new OutboundPolicy([IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128")]));
        await connector.ValidateAsync(validation, default);
        return validation;
    }

    private static Dictionary<string, string?> Config(params (string Name, string Value)[] settings)
    {
        var config = new Dictionary<string, string?> { ["kafka.topic"] = "t", ["http.request.url"] = "http://127.0.0.1:1/" };
        foreach (var (name, value) in settings)
            config[name] = value;
        return config;
    }
}
