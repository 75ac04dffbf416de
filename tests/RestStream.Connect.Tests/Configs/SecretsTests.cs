using RestStream.Connect.Configs;

namespace RestStream.Connect.Tests.Configs;

public class SecretsTests
{
    private static readonly HashSet<string> s_keys = ["connection.password"];

    private static readonly Dictionary<string, string> s_stored = new()
    {
        ["connection.password"] = "canary",
        ["connection.url"] = "jdbc:postgresql://bob:canary2@db:5432/shop?sslpassword=canary3&ssl=true",
        ["table"] = "orders",
    };

    [Fact]
    public void Passwords_are_masked_wherever_they_stand()
    {
        var masked = Secrets.Mask(s_stored, s_keys);

        Assert.Equal("[hidden]", masked["connection.password"]);
        Assert.Equal("jdbc:postgresql://bob:[hidden]@db:5432/shop?sslpassword=[hidden]&ssl=true", masked["connection.url"]);
        Assert.Equal("orders", masked["table"]);
    }

    [Fact]
    public void A_masked_configuration_that_is_sent_back_keeps_what_is_stored()
    {
        var sent = Secrets.Mask(s_stored, s_keys).ToDictionary(e => e.Key, e => (string?)e.Value);
        sent["table"] = "users";

        var restored = Secrets.Restore(sent, s_stored, s_keys);

        Assert.Equal("canary", restored["connection.password"]);
        Assert.Equal(s_stored["connection.url"], restored["connection.url"]);
        Assert.Equal("users", restored["table"]);
    }

    [Fact]
    public void A_stored_password_is_not_put_into_a_URL_whose_host_was_changed()
    {
        var sent = new Dictionary<string, string?> { ["connection.url"] = "jdbc:postgresql://bob:[hidden]@evil:5432/shop?sslpassword=[hidden]&ssl=true" };

        Assert.Equal(sent, Secrets.Restore(sent, s_stored, s_keys));
    }

    [Fact]
    public void A_new_password_a_removed_one_and_a_mask_for_nothing_stay_as_they_were_sent()
    {
        var sent = new Dictionary<string, string?> { ["connection.password"] = "new", ["connection.url"] = null, ["other.password"] = "[hidden]" };

        Assert.Equal(sent, Secrets.Restore(sent, s_stored, s_keys));
    }

    [Theory]
    [InlineData("https://token@host/x", "https://[hidden]@host/x")]
    [InlineData("https://u:p@ss@host/x", "https://u:[hidden]@host/x")]
    [InlineData("see http://a:b@c/ and amqp://d:e@f", "see http://a:[hidden]@c/ and amqp://d:[hidden]@f")]
    [InlineData("Host=db;Username=u;Password=canary;Port=1", "Host=db;Username=u;Password=[hidden];Port=1")]
    [InlineData("https://host/path?mail=a@b&access_token=canary#x", "https://host/path?mail=a@b&access_token=[hidden]#x")]
    [InlineData("mail a@b.c about http://host:8080/p", "mail a@b.c about http://host:8080/p")]
    public void Passwords_in_URLs_of_a_text_are_hidden_and_nothing_else(string text, string masked) => Assert.Equal(masked, Secrets.MaskUrls(text));

    [Theory]
    [InlineData("producer.override.sasl.jaas.config", true)]
    [InlineData("ssl.keystore.password", true)]
    [InlineData("aws.secret.access.key", true)]
    [InlineData("api_key", true)]
    [InlineData("github.token", true)]
    [InlineData("oauth.client.secret", true)]
    [InlineData("key.converter", false)]
    [InlineData("token.endpoint.url", false)]
    [InlineData("transforms.key.type", false)]
    [InlineData("document.key", false)]
    public void A_key_that_nobody_defines_is_secret_when_its_name_says_so(string key, bool secret) => Assert.Equal(secret, Secrets.LooksSecret(key));

    [Fact]
    public void Secrets_are_scrubbed_out_of_texts_as_they_are_percent_encoded_and_in_JSON()
    {
        var scrubber = Scrubber(("connection.password", "can\"ary/1+ü"), ("connection.url", "https://u:canary2@h/"));

        var text = scrubber.Scrub("a can\"ary/1+ü b can%22ary%2F1%2B%C3%BC c {\"p\":\"can\\\"ary/1+ü\"} d {\"p\":\"can\\u0022ary/1\\u002B\\u00FC\"} e canary2 f https://u:other@h");

        Assert.Equal("a [hidden] b [hidden] c {\"p\":\"[hidden]\"} d {\"p\":\"[hidden]\"} e [hidden] f https://u:[hidden]@h", text);
    }

    [Fact]
    public void What_references_were_replaced_by_is_scrubbed_whatever_setting_they_stand_in()
    {
        var scrubber = SecretScrubber.For(
            new Dictionary<string, string> { ["table"] = "x-${env:CONNECT_A}", ["tasks.max"] = "${env:CONNECT_N}" }, new Dictionary<string, string> { ["table"] = "x-canary", ["tasks.max"] = "1" }, ["canary", "1"], s_keys);

        Assert.Equal("table x-[hidden] of task 1 is not there", scrubber.Scrub("table x-canary of task 1 is not there"));
    }

    [Fact]
    public void A_secret_that_begins_another_leaves_nothing_of_it_behind_and_a_short_one_leaves_words_whole()
    {
        var scrubber = SecretScrubber.For(
            new Dictionary<string, string> { ["a"] = "canary", ["b"] = "canary-long", ["c"] = "ab" }, new Dictionary<string, string>(), [], new HashSet<string> { "a", "b", "c" });

        Assert.Equal("[hidden] [hidden] table [hidden]!", scrubber.Scrub("canary-long canary table ab!"));
    }

    private static SecretScrubber Scrubber(params (string Key, string Value)[] config)
    {
        var settings = config.ToDictionary(e => e.Key, e => e.Value);
        return SecretScrubber.For(settings, settings, [], s_keys);
    }
}
