using System.Globalization;
using System.Text;

namespace RestStream.Benchmarks.Load.Client;

/// <summary>Ready-made requests. Values are JSON objects of a given size with a few fields, as an application would send them.</summary>
internal static class Requests
{
    public static byte[] Post(string path, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        return
        [
            .. Encoding.ASCII.GetBytes(
                $"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {bytes.Length}\r\n\r\n"),
            .. bytes,
        ];
    }

    public static byte[] Get(string pathAndQuery) => Encoding.ASCII.GetBytes($"GET {pathAndQuery} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");

    /// <summary><c>[{"value":…},…]</c>.</summary>
    public static string Batch(int records, int valueBytes, int seed)
    {
        var json = new StringBuilder("[");
        for (var i = 0; i < records; i++)
            json.Append(i == 0 ? "" : ",").Append("{\"value\":").Append(Value(valueBytes, (seed * 1000) + i)).Append('}');
        return json.Append(']').ToString();
    }

    public static string Single(int valueBytes, int seed) => $"{{\"value\":{Value(valueBytes, seed)}}}";

    /// <summary>A JSON object of about so many bytes.</summary>
    public static string Value(int bytes, int seed)
    {
        var random = new Random(seed);
        var json = new StringBuilder(
            string.Create(CultureInfo.InvariantCulture, $"{{\"id\":{random.Next(1_000_000, 9_999_999)},\"price\":{random.Next(100, 999)}.50,\"active\":true"));
        for (var field = 0; json.Length < bytes - 40; field++)
            json.Append(CultureInfo.InvariantCulture, $",\"field{field % 10}\":\"{Convert.ToHexStringLower(BitConverter.GetBytes(random.NextInt64()))}\"");
        json.Append(",\"pad\":\"").Append('x', Math.Max(0, bytes - json.Length - 10)).Append("\"}");
        return json.ToString();
    }
}
