using System.CommandLine;
using RestStream.Storage.Verification;

namespace RestStream.Commands;

/// <summary><c>reststream dump</c>: prints what is in a file of the log.</summary>
internal static class DumpCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "A .log, .index, .timeindex, .txnindex or .snapshot" };
        var output = CommandLine.OutputOption();
        var printData = new Option<bool>("--print-data") { Description = "Records with their keys and values, not only batches" };
        var command = new Command("dump", "Print batches, records or entries, in the words of Kafka's dump-log") { file, output, printData };
        command.SetAction(parsed =>
        {
            SegmentDump.Write(parsed.GetRequiredValue(file), json: parsed.GetValue(output) == "json", parsed.GetValue(printData), parsed.InvocationConfiguration.Output);
            return CommandLine.Fine;
        });
        return command;
    }
}
