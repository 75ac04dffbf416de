using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Connect.Model;
using RestStream.Connect.Stores;
using RestStream.Storage.Files;

namespace RestStream.Connect.Tests.Herding;

/// <summary>Secrets of configurations are not to be read in the topic, and come back to whoever has the key.</summary>
public sealed class SecretSealTests : IDisposable
{
    private const string Password = "s3cret-ä";

    private static readonly Dictionary<string, string> s_config = new()
    {
        ["name"] = "c",
        ["password"] = Password,
        ["url"] = "https://me:in-url@example.com/",
        ["topic"] = "t",
        ["odd"] = "sealed:v1:no",
    };

    private readonly TempFolder _folder = new("seal");
    private readonly ManualClock _clock = new();
    private readonly ConnectOptions _options = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_topic_holds_no_secret_and_a_restart_brings_them_back()
    {
        await using (var broker = await OpenAsync())
        {
            var store = await StoreAsync(broker, "connect.key");
            await store.PutAsync("c", s_config, TargetState.Started);
            await store.PutTasksAsync("c", [s_config]);
            Assert.Equal(s_config, store.Find("c")!.Config);

            var text = await TopicAsync(broker);
            Assert.DoesNotContain(Password, text);
            Assert.DoesNotContain("in-url", text);
            Assert.Contains("\"topic\":\"t\"", text);
        }

        await using var again = await OpenAsync();
        var read = (await StoreAsync(again, "connect.key")).Find("c")!;

        Assert.Equal(s_config, read.Config);
        Assert.Equal(s_config, Assert.Single(read.Tasks));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["connect.key"]));
    }

    [Fact]
    public async Task With_another_key_they_stay_sealed_and_the_right_key_opens_them_later()
    {
        await using (var broker = await OpenAsync())
            await (await StoreAsync(broker, "connect.key")).PutAsync("c", s_config, TargetState.Started);

        await using (var broker = await OpenAsync())
        {
            var other = await StoreAsync(broker, "other.key");
            var config = other.Find("c")!.Config;
            Assert.StartsWith("sealed:v1:", config["password"]);
            Assert.Equal("t", config["topic"]);

            // A change of something else does not lose them.
            await other.PutAsync("c", new Dictionary<string, string>(config) { ["topic"] = "u" }, null);
        }

        await using var again = await OpenAsync();
        var read = (await StoreAsync(again, "connect.key")).Find("c")!.Config;

        Assert.Equal((Password, "u"), (read["password"], read["topic"]));
    }

    [Fact]
    public void A_sealed_value_opens_only_where_it_was_written()
    {
        var seal = Seal("connect.key");
        var topic = seal.Seal("c", s_config);

        var moved = seal.Open("d", new Dictionary<string, string> { ["password"] = topic["password"], ["name"] = "d" });
        var renamed = seal.Open("c", new Dictionary<string, string> { ["http.url"] = topic["password"] });

        Assert.Equal(["password"], moved.Lost);
        Assert.Equal(["http.url"], renamed.Lost);
        Assert.NotEqual(topic["password"], seal.Seal("c", s_config)["password"]);
    }

    [Fact]
    public async Task What_kafka_connect_wrote_in_clear_is_read_and_without_a_key_file_nothing_is_sealed()
    {
        await using var broker = await OpenAsync();
        await (await StoreAsync(broker, null)).PutAsync("c", s_config, TargetState.Started);
        Assert.Contains(Password, await TopicAsync(broker));

        Assert.Equal(s_config, (await StoreAsync(broker, "connect.key")).Find("c")!.Config);
    }

    [Fact]
    public void A_file_that_holds_no_key_is_named()
    {
        File.WriteAllText(_folder["connect.key"], "hello");

        Assert.Contains("connect.key", Assert.Throws<ConnectException>(() => Seal("connect.key")).Message);
    }

    private SecretSeal Seal(string? file) => new(SecretSeal.OpenKey(file is null ? null : _folder[file]), config => config.Keys.Where(k => k == "password").ToHashSet());

    private Task<ConfigStore> StoreAsync(IBroker broker, string? file) => ConfigStore.OpenAsync(broker, _options, _clock, Seal(file), NullLogger.Instance, default);

    private Task<EmbeddedBroker> OpenAsync() =>
        EmbeddedBroker.OpenAsync(_folder["data"], new BrokerOptions(), new LinuxFileSystem(), _clock, NullLogger.Instance, new GroupOptions());

    private async Task<string> TopicAsync(IBroker broker)
    {
        var text = new StringBuilder();
        await StoreTopic.OpenAsync(broker, _options.ConfigTopic, 1, _clock, (_, record) => text.Append(Encoding.UTF8.GetString(record.Value)), default);
        return text.ToString();
    }
}
