using BenchmarkDotNet.Running;
using RestStream.Benchmarks.Load;
using RestStream.Benchmarks.Load.Bare;

namespace RestStream.Benchmarks;

internal static class Program
{
    private const string Usage = """
        load <scenario>… | all   drives a real server, and the bare endpoints to compare it with, over loopback; `load --help` lists the scenarios
        engine [arguments]       BenchmarkDotNet over the engine in this process: engine --filter '*Append*', engine --list flat, …
        """;

    private static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["load", .. var rest]:
                return await LoadCommand.RunAsync(rest);
            case ["engine", .. var rest]:
                // Without arguments the switcher asks on the console; a script wants everything.
                return BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(rest.Length == 0 ? ["--filter", "*"] : rest).Any() ? 0 : 1;
            case ["bare", .. var rest]:
                // The bare endpoints; started by load.
                return await BareServer.RunAsync(rest);
            default:
                await Console.Error.WriteLineAsync(Usage);
                return 2;
        }
    }
}
