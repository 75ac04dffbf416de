using System.Diagnostics;
using System.Text.RegularExpressions;

namespace RestStream.Tests.Judges;

/// <summary>
/// Kafka's own dump tool as a judge of our files. It reports most findings with exit status 0, some on stderr and some on stdout, so both are read.
/// A Java machine takes a second to start: one call looks at all files.
/// </summary>
internal static partial class KafkaDumpLog
{
    /// <summary>Every segment, index, time index and snapshot of a cleanly stopped data directory. Returns the number of records that the tool printed.</summary>
    public static async Task<int> AssertAcceptsAsync(string dataDirectory)
    {
        var logs = Files(dataDirectory, "*.log");
        Assert.NotEmpty(logs);
        var contents = await RunAsync(["--deep-iteration", "--print-data-log"], logs);
        Assert.DoesNotContain("isvalid: false", contents);
        Assert.DoesNotContain("invalid bytes at the end", contents);

        string[] indexes = [.. Files(dataDirectory, "*.index"), .. Files(dataDirectory, "*.timeindex")];
        var verified = await RunAsync(["--verify-index-only"], indexes);
        Assert.All(Lines(verified), line => Assert.True(line.StartsWith("Dumping ", StringComparison.Ordinal) || line.EndsWith("is empty.", StringComparison.Ordinal), line));
        var sane = await RunAsync(["--index-sanity-check"], indexes);
        Assert.All(Lines(sane).Where(line => !line.StartsWith("Dumping ", StringComparison.Ordinal)),
            line => Assert.True(line.EndsWith("passed sanity check.", StringComparison.Ordinal) || line.EndsWith("is empty.", StringComparison.Ordinal), line));
        if (Files(dataDirectory, "*.snapshot") is { Length: > 0 } snapshots)
            await RunAsync([], snapshots);
        return Lines(contents).Count(line => line.StartsWith("| offset:", StringComparison.Ordinal));
    }

    /// <summary>What the tool makes of the records of <c>__consumer_offsets</c>, one line each, partition by partition.</summary>
    public static async Task<IReadOnlyList<string>> DecodeOffsetsAsync(string dataDirectory)
    {
        var logs = Files(dataDirectory, "*.log").Where(f => Path.GetFileName(Path.GetDirectoryName(f)!).StartsWith("__consumer_offsets-", StringComparison.Ordinal)).ToArray();
        var decoded = await RunAsync(["--offsets-decoder", "--deep-iteration"], logs);
        return [.. Lines(decoded).Where(line => line.StartsWith("| offset:", StringComparison.Ordinal))];
    }

    private static string[] Files(string dataDirectory, string pattern) =>
        [.. Directory.EnumerateFiles(dataDirectory, pattern, SearchOption.AllDirectories).Where(f => Path.GetFileNameWithoutExtension(f) is { Length: 20 } name && name.All(char.IsAsciiDigit)).Order()];

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static async Task<string> RunAsync(string[] options, string[] files)
    {
        // Argument lists have a limit of 2 MiB in all and 128 KiB for one.
        var output = "";
        foreach (var some in files.Chunk(500))
        {
            var kafka = Path.Combine(Locations.KafkaHome ?? throw new DirectoryNotFoundException("No Kafka: set KAFKA_HOME."), "bin", "kafka");
            var start = new ProcessStartInfo(kafka, ["dump-log", .. options, "--files", string.Join(',', some)]) { RedirectStandardOutput = true, RedirectStandardError = true };

            // Java names it on stderr.
            start.Environment.Remove("JAVA_TOOL_OPTIONS");
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            output += await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            var said = WithoutFirstOffsets(await errors);
            Assert.True(said.Length == 0, said[..Math.Min(said.Length, 3000)]);
            Assert.Equal(0, process.ExitCode);
        }
        return output;
    }

    /// <summary>
    /// The tool starts counting at -1 in every file and so calls the first record of every segment but the first non-consecutive, in Kafka's own logs too
    /// (seen with 4.3.1). That one line is no finding: a gap from -1 to the offset that the file is named after.
    /// </summary>
    private static string WithoutFirstOffsets(string errors) => FirstOffset().Replace(errors, "");

    [GeneratedRegex(@"^Non-consecutive offsets in \S*/0*(\d+)\.log\n  -1 is followed by \1\n\n?", RegexOptions.Multiline)]
    private static partial Regex FirstOffset();
}
