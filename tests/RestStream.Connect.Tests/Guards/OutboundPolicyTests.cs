using System.Net;
using System.Net.Sockets;

namespace RestStream.Connect.Tests.Guards;

public class OutboundPolicyTests
{
    private readonly OutboundPolicy _strict = new([]);

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.0.3")]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.1.1")]
    [InlineData("169.254.169.254")]
    [InlineData("100.64.0.1")]
    [InlineData("198.18.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::1")]
    [InlineData("::")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%1")]
    [InlineData("fc00::1")]
    [InlineData("fd12::1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::127.0.0.1")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("64:ff9b:1::1")]
    [InlineData("2002:7f00:1::1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    public void Addresses_that_are_not_public_are_refused(string address) => Assert.False(_strict.IsAllowed(IPAddress.Parse(address)));

    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("172.32.0.1")]
    [InlineData("100.128.0.1")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("64:ff9b::808:808")]
    [InlineData("2606:4700:4700::1111")]
    public void Public_addresses_are_reachable(string address) => Assert.True(_strict.IsAllowed(IPAddress.Parse(address)));

    [Fact]
    public void A_network_that_the_setting_names_is_reachable_and_no_other()
    {
        var policy = new OutboundPolicy([IPNetwork.Parse("10.1.0.0/16"), IPNetwork.Parse("::1/128")]);

        Assert.True(policy.IsAllowed(IPAddress.Parse("10.1.2.3")));
        Assert.True(policy.IsAllowed(IPAddress.Parse("::ffff:10.1.2.3")));
        Assert.True(policy.IsAllowed(IPAddress.IPv6Loopback));
        Assert.False(policy.IsAllowed(IPAddress.Parse("10.2.0.1")));
        Assert.False(policy.IsAllowed(IPAddress.Loopback));
    }

    [Theory]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://0.0.0.0/")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("http://2130706433/")]
    [InlineData("http://0x7f000001/")]
    [InlineData("http://0x7f.1/")]
    [InlineData("http://0177.0.0.1/")]
    [InlineData("http://127.1/")]
    [InlineData("http://[::ffff:127.0.0.1]/")]
    [InlineData("http://user:canary@10.0.0.1/")]
    public async Task An_address_that_is_refused_is_refused_in_every_spelling_when_the_URL_is_read_and_when_it_is_connected_to(string url)
    {
        var read = Assert.Throws<FatalException>(() => _strict.ParseUrl(url));
        using var client = new HttpClient(_strict.CreateHandler());
        var connected = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri(url)));

        Assert.Contains("is not allowed", read.Message);
        Assert.DoesNotContain("canary", read.Message);
        Assert.IsType<FatalException>(connected.InnerException);
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://example.com/")]
    [InlineData("ftp://example.com/")]
    [InlineData("jar:file:/x")]
    [InlineData("//example.com")]
    [InlineData("example.com")]
    [InlineData("/etc/passwd")]
    [InlineData("")]
    public void Only_the_schemes_that_are_asked_for_are_read(string url) => Assert.Contains("http:// or https://", Assert.Throws<FatalException>(() => _strict.ParseUrl(url)).Message);

    [Fact]
    public void A_URL_of_another_scheme_is_read_when_it_is_asked_for() => Assert.Equal("s3", _strict.ParseUrl("s3://bucket/x", "s3").Scheme);

    [Fact]
    public async Task A_name_that_resolves_to_loopback_is_refused_at_the_connect_and_nothing_arrives()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var url = $"http://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}/";
        using var client = new HttpClient(_strict.CreateHandler());

        // The name itself says nothing: only what it resolves to does.
        _strict.ParseUrl(url);
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri(url)));

        Assert.Contains("RestStream:Connect:AllowedNetworks", Assert.IsType<FatalException>(refused.InnerException).Message);
        Assert.False(listener.Pending());
    }

    [Fact]
    public async Task Only_the_allowed_addresses_of_a_name_are_connected_to()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var policy = new OutboundPolicy([IPNetwork.Parse("127.0.0.0/8")]);

        await using var stream = await policy.ConnectAsync("localhost", ((IPEndPoint)listener.LocalEndpoint).Port, default);
        using var accepted = await listener.AcceptSocketAsync();

        Assert.True(accepted.Connected);
        Assert.All(await policy.ResolveAsync("localhost", default), address => Assert.Equal(AddressFamily.InterNetwork, address.AddressFamily));
    }

    [Fact]
    public void The_handler_follows_no_redirect_and_uses_no_proxy()
    {
        using var handler = _strict.CreateHandler();

        Assert.False(handler.AllowAutoRedirect);
        Assert.False(handler.UseProxy);
    }
}
