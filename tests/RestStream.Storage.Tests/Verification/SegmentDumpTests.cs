using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using RestStream.Storage.Records;
using RestStream.Storage.Verification;
using RestStream.TestKit;
using RestStream.TestKit.Tools;

namespace RestStream.Storage.Tests.Verification;

public sealed class SegmentDumpTests : IDisposable
{
    private readonly TempFolder _folder = new("dump");

    public void Dispose() => _folder.Dispose();

    [RequiresToolFact("kafka")]
    public void The_dump_is_word_for_word_that_of_Kafkas_tool()
    {
        var files = Directory.EnumerateFiles(Path.Combine(Locations.Golden, "log", "partitions"), "*", SearchOption.AllDirectories)
            .Where(f => Path.GetExtension(f) is ".log" or ".index" or ".timeindex" or ".txnindex" or ".snapshot" && new FileInfo(f).Length > 0)
            .Order(StringComparer.Ordinal).ToList();
        var ours = new StringWriter();
        foreach (var file in files)
            SegmentDump.Write(file, json: false, printData: true, ours);

        var kafka = KafkaDump(files);

        Assert.True(files.Count > 100);
        Assert.Equal(Words(kafka.Output), Words(ours.ToString()));
    }

    [RequiresToolFact("kafka")]
    public void Kafka_reads_what_every_codec_of_ours_wrote()
    {
        var log = _folder["00000000000000000000.log"];
        var random = new Random(7);
        var offset = 0L;
        using (var file = File.Create(log))
        {
            foreach (var codec in Enum.GetValues<CompressionCodec>())
            {
                foreach (var bytes in new[] { 1, 100, 32_768, 65_536, 200_000 })
                {
                    using var builder = new RecordBatchBuilder();
                    for (var i = 0; i < 3; i++)
                    {
                        var value = new byte[bytes];
                        random.NextBytes(value.AsSpan(0, bytes / 3));
                        value.AsSpan(0, bytes / 4).CopyTo(value.AsSpan(bytes / 2));
                        for (var j = 0; j < bytes; j++)
                            value[j] = (byte)('a' + (value[j] % 16));
                        builder.Append(1000 + i, keyIsNull: true, default, valueIsNull: false, value);
                    }
                    using var batch = builder.Build(codec);
                    RecordBatch.SetBaseOffset(batch.Span, offset);
                    RecordBatch.SetPartitionLeaderEpoch(batch.Span, 0);
                    offset += 3;
                    file.Write(batch.Span);
                }
            }
        }
        var ours = new StringWriter();
        SegmentDump.Write(log, json: false, printData: true, ours);

        var kafka = KafkaDump([log]);

        Assert.Equal("", kafka.Errors);
        Assert.Equal(offset, kafka.Output.Split('\n').Count(line => line.StartsWith("| offset:", StringComparison.Ordinal)));
        Assert.Equal(Words(kafka.Output), Words(ours.ToString()));
    }

    [Fact]
    public void Json_has_the_same_fields_as_objects_line_by_line()
    {
        var log = Path.Combine(Locations.Golden, "log", "partitions", "transactions", "00000000000000000015.log");

        var lines = Dump(log, json: true, printData: true).Select(line => JsonDocument.Parse(line).RootElement).ToList();

        var batch = lines[0];
        Assert.Equal(15, batch.GetProperty("baseOffset").GetInt64());
        Assert.Equal(JsonValueKind.Null, batch.GetProperty("deleteHorizonMs").ValueKind);
        Assert.True(batch.GetProperty("isvalid").GetBoolean());
        Assert.Contains(lines, line => line.TryGetProperty("endTxnMarker", out var marker) && marker.GetString() == "ABORT");
        Assert.Contains(lines, line => line.TryGetProperty("payload", out _));
    }

    [Fact]
    public void Without_data_there_are_only_batches()
    {
        var log = Path.Combine(Locations.Golden, "log", "partitions", "codec-zstd", "00000000000000000000.log");

        var lines = Dump(log, json: false, printData: false).Skip(2).ToList();

        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.StartsWith("baseOffset: ", line));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_base64_in_json()
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(1, keyIsNull: false, "k"u8, valueIsNull: false, [0xff, 0xfe]);
        using var batch = builder.Build();
        File.WriteAllBytes(_folder["00000000000000000000.log"], batch.Span);

        var record = JsonDocument.Parse(Dump(_folder["00000000000000000000.log"], json: true, printData: true)[1]).RootElement;

        Assert.Equal(("k", "//4="), (record.GetProperty("key").GetString(), record.GetProperty("payloadBase64").GetString()));
    }

    [Fact]
    public void Damage_is_said_and_the_rest_printed()
    {
        var log = new PlantedLog(_folder["orders-0"]);
        log.Flip("00000000000000000000.log", 70);
        log.Put("00000000000000000006.log", 8, 5);
        log.Append("00000000000000000012.log", [1, 2, 3]);
        log.Flip("00000000000000000006.snapshot", 20);
        log.Append("00000000000000000006.index", [1]);

        Assert.EndsWith("isvalid: false", Dump(log.File("00000000000000000000.log"), json: false, printData: false)[2]);
        Assert.Contains($"Found {PlantedLog.BatchBytes} bytes at position 0", Dump(log.File("00000000000000000006.log"), json: false, printData: false)[2]);
        Assert.Contains("baseOffset: 9", Dump(log.File("00000000000000000006.log"), json: false, printData: false)[3]);
        Assert.Equal("Found 3 invalid bytes at the end of 00000000000000000012.log", Dump(log.File("00000000000000000012.log"), json: false, printData: true)[^1]);
        Assert.StartsWith("Snapshot is corrupt", Dump(log.File("00000000000000000006.snapshot"), json: false, printData: false)[1]);
        Assert.Contains("Found 9 bytes", Dump(log.File("00000000000000000006.index"), json: false, printData: false)[^1]);
    }

    [Fact]
    public void Other_files_are_refused()
    {
        var log = new PlantedLog(_folder["orders-0"]);

        Assert.Throws<ArgumentException>(() => Dump(log.File("partition.metadata"), json: false, printData: false));
        Assert.Throws<ArgumentException>(() => Dump(log.File("00000000000000000099.log"), json: false, printData: false));
        log.Write("00000000000000000000.txt", "");
        Assert.Contains(".txnindex", Assert.Throws<ArgumentException>(() => Dump(log.File("00000000000000000000.txt"), json: false, printData: false)).Message);
    }

    private static string[] Dump(string file, bool json, bool printData)
    {
        var output = new StringWriter();
        SegmentDump.Write(file, json, printData, output);
        return output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static (string Output, string Errors) KafkaDump(IReadOnlyList<string> files)
    {
        var start = new ProcessStartInfo(Path.Combine(Locations.KafkaHome!, "bin", "kafka"), ["dump-log", "--deep-iteration", "--print-data-log", "--files", string.Join(',', files)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var kafka = Process.Start(start)!;
        var errors = kafka.StandardError.ReadToEndAsync();
        var output = kafka.StandardOutput.ReadToEnd();
        kafka.WaitForExit();
        return (output, errors.Result);
    }

    /// <summary>
    /// The lines, with runs of U+FFFD as one: for bytes that are no UTF-8, Java and .NET put it in different numbers.
    /// </summary>
    private static string[] Words(string dump) => Regex.Replace(dump, "\uFFFD+", "\uFFFD").Split('\n');
}
