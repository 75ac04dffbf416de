using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using RestStream.Storage.Verification;

namespace RestStream.Commands;

/// <summary><c>reststream verify</c>: checks log files without a server, and without changing anything.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var path = new Argument<string>("path") { Description = "A data directory, a partition directory, or one .log" };
        var output = CommandLine.OutputOption();
        var compacted = new Option<bool>("--compacted") { Description = "The topics are compacted: missing offsets are no finding (internal topics are treated so anyway)" };
        var command = new Command("verify", "Check segments, indexes, snapshots and checkpoints; exit code 0 = nothing found, 1 = findings, 2 = cannot run")
        {
            path, output, compacted,
        };
        command.SetAction(parsed =>
        {
            var report = LogVerifier.Verify(parsed.GetRequiredValue(path), allowGaps: parsed.GetValue(compacted));
            if (parsed.GetValue(output) == "json")
                parsed.InvocationConfiguration.Output.WriteLine(ToJson(report));
            else
                WriteText(report, parsed.InvocationConfiguration);
            return report.Findings.Count == 0 ? CommandLine.Fine : CommandLine.Findings;
        });
        return command;
    }

    private static void WriteText(VerifyReport report, InvocationConfiguration console)
    {
        foreach (var finding in report.Findings)
            console.Output.WriteLine($"{finding.File}: {KindName(finding.Kind)} at position {finding.Position}{(finding.Offset >= 0 ? $", offset {finding.Offset}" : "")}: {finding.Message}");
        console.Error.WriteLine(
            $"{report.Findings.Count} findings in {report.Partitions} partitions, {report.Segments} segments, {report.Batches} batches, {report.Records} records, {report.Bytes} bytes.");
    }

    private static string ToJson(VerifyReport report)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartArray("findings");
            foreach (var finding in report.Findings)
            {
                json.WriteStartObject();
                json.WriteString("file", finding.File);
                json.WriteNumber("position", finding.Position);
                json.WriteNumber("offset", finding.Offset);
                json.WriteString("kind", KindName(finding.Kind));
                json.WriteString("message", finding.Message);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteNumber("partitions", report.Partitions);
            json.WriteNumber("segments", report.Segments);
            json.WriteNumber("batches", report.Batches);
            json.WriteNumber("records", report.Records);
            json.WriteNumber("bytes", report.Bytes);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static string KindName(FindingKind kind) => JsonNamingPolicy.KebabCaseLower.ConvertName(kind.ToString());
}
