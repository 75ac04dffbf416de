using System.Text;
using System.Text.Json;
using RestStream.Broker.Topics;
using RestStream.TestKit;

namespace RestStream.Broker.Tests;

public class PartitionerTests
{
    [Fact]
    public void Keys_go_to_the_partitions_that_the_Java_client_picks()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Locations.Golden, "connect", "functions.json")));
        var cases = golden.RootElement.GetProperty("cases").EnumerateArray().Where(c => c.GetProperty("op").GetString() == "murmur2").ToList();

        Assert.True(cases.Count >= 30);
        foreach (var vector in cases)
        {
            var key = KeyOf(vector);
            Assert.Equal(vector.GetProperty("hash").GetInt32(), Partitioner.Murmur2(key));
            var partitions = vector.GetProperty("partitions").EnumerateArray().Select(p => p.GetInt32()).ToArray();
            for (var count = 1; count <= partitions.Length; count++)
                Assert.Equal(partitions[count - 1], Partitioner.ForKey(key, count));
        }
    }

    private static byte[] KeyOf(JsonElement vector)
    {
        var key = vector.GetProperty("key");
        var bytes = key.ValueKind == JsonValueKind.Object
            ? Convert.FromBase64String(key.GetProperty("$bytes").GetString()!)
            : Encoding.UTF8.GetBytes(key.GetString()!);
        var repeat = vector.TryGetProperty("repeat", out var times) ? times.GetInt32() : 1;
        return [.. Enumerable.Repeat(bytes, repeat).SelectMany(b => b)];
    }
}
