using System.Diagnostics;
using RestStream.TestKit.Processes;

namespace RestStream.Tests.Operations;

/// <summary>A program that is run to its end.</summary>
internal static class ProgramRun
{
    /// <summary>A sub-command of the server's executable.</summary>
    public static Task<(int ExitCode, string Output)> Async(params string[] arguments) => Async("dotnet", [ServerProcess.BuiltProgram, .. arguments]);

    public static async Task<(int ExitCode, string Output)> Async(string program, string[] arguments, string? workingDirectory = null)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? Path.GetTempPath(),
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await errors);
    }
}
