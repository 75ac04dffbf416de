using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Http;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Http.Produce;
using RestStream.Settings;
using RestStream.TestKit.Disks;

namespace RestStream.Tests.Produce;

/// <summary>
/// Hostile bodies end in records or in <see cref="HttpError"/>, never in anything else. RESTSTREAM_FUZZ_SECONDS sets how long (default 2),
/// RESTSTREAM_FUZZ_SEED repeats a failure.
/// </summary>
public sealed class ProduceFuzzTests : IAsyncLifetime
{
    private static readonly string[] s_valid =
    [
        """{"value":1}""",
        """[{"key":"a","value":{"total":12.50},"headers":[{"key":"h","value":"x"},{"key":"h","value":"YQ==","value_format":"base64"}]},{"value":null,"partition":1}]""",
        """{"records":[{"key":{"a":[1,2]},"value":"text \u00e9\ud83d\ude00","timestamp":1790000000000,"value_format":"text"},{"value":[[[[]]]]}]}""",
        """{"value":"aGVsbG8=","value_format":"base64","key":"aw==","key_format":"base64","headers":{"trace":"abc"}}""",
        "{\"value\":0.0}\n{\"key\":\"k\",\"value\":1e400}\n\n{\"value\":\"x\"}\r\n",
        """{"records":[{"key":null,"value":{"a":1}},{"key":"k","value":"v","partition":0}]}""",
    ];

    private static readonly string[] s_pieces =
    [
        "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud800", "\"value\"", "\"key\"", "\"headers\"", "\"records\"", "\"partition\"", "\"timestamp\"", "\"value_format\"",
        "null", "true", "-1", "1e999", "9223372036854775808", "0.0000", "\n", "\r\n", "\0", "\u00e9", "/*x*/", "\ufeff", "base64", "=", "%",
    ];

    private readonly SimulatedDisk _disk = new();
    private EmbeddedBroker _broker = null!;

    public async Task InitializeAsync()
    {
        _broker = await EmbeddedBroker.OpenAsync("/data", new BrokerOptions { MinFreeBytes = 0 }, _disk, new ManualClock(), NullLogger.Instance);
        await _broker.CreateTopicAsync(new TopicSpec("t", 2, new Dictionary<string, string>()), default);
    }

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Fact]
    public void No_body_breaks_the_readers()
    {
        var seconds = double.Parse(Environment.GetEnvironmentVariable("RESTSTREAM_FUZZ_SECONDS") ?? "2", CultureInfo.InvariantCulture);
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RESTSTREAM_FUZZ_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        var policy = new ProduceWork.Policy(_broker, new LimitOptions());
        var work = policy.Create();
        var watch = Stopwatch.StartNew();
        var (good, bad) = (0, 0);

        for (; watch.Elapsed.TotalSeconds < seconds || good + bad < 1000; seed = unchecked(seed + 1))
        {
            var body = MakeBody(new Random(seed));
            try
            {
                if (Survives(work, body, seed % 3))
                    good++;
                else
                    bad++;
            }
            catch (Exception e)
            {
                Assert.Fail($"RESTSTREAM_FUZZ_SEED={seed}: {e}\nbody: {Convert.ToHexStringLower(body.AsSpan(0, Math.Min(body.Length, 2000)))}");
            }
            policy.Return(work);
        }

        // Both ends are reached, else the fuzzer fuzzes nothing.
        Assert.True(good > 0 && bad > 0, $"{good} good, {bad} bad");
    }

    /// <summary>True when every record of the body was read.</summary>
    private static bool Survives(ProduceWork work, byte[] body, int form)
    {
        try
        {
            var rules = new RecordRules { Target = work.Records.Target("t"), Partition = -1, KeyFormat = form == 2 ? DataFormat.Json : DataFormat.Text, ValueFormat = DataFormat.Json, Family = form == 2 ? Profile.Get(ProfileName.Confluent) : null };
            if (form == 0)
                work.Parser.ReadBody(body, work.Records, rules);
            else if (form == 1)
                new LineReader(body, firstLine: 0, new LimitOptions()).Read(work, rules, int.MaxValue, lines: null, throwOnBadLine: false);
            else
                work.Parser.ReadV2Body(body, work.Records, rules);
            return work.Records.RefusedCount == 0 && work.Records.Count > 0;
        }
        catch (HttpError error)
        {
            Assert.InRange(error.Status, 400, 499);
            Assert.False(string.IsNullOrWhiteSpace(error.Message));
            return false;
        }
    }

    private static byte[] MakeBody(Random random)
    {
        var body = Encoding.UTF8.GetBytes(s_valid[random.Next(s_valid.Length)]).ToList();
        for (var changes = random.Next(6); changes > 0; changes--)
        {
            var at = random.Next(body.Count + 1);
            switch (random.Next(6))
            {
                case 0 when at < body.Count:
                    body[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    body.InsertRange(at, Encoding.UTF8.GetBytes(s_pieces[random.Next(s_pieces.Length)]));
                    break;
                case 2:
                    body.RemoveRange(at, random.Next(Math.Min(20, body.Count - at) + 1));
                    break;
                case 3:
                    body.InsertRange(at, body.GetRange(at, random.Next(body.Count - at + 1)));
                    break;
                case 4:
                    body.InsertRange(at, Enumerable.Repeat((byte)"[{\"1 "[random.Next(5)], random.Next(200)));
                    break;
                default:
                    body.Insert(at, (byte)random.Next(256));
                    break;
            }
        }
        return [.. body];
    }
}
