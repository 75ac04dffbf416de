using System.Diagnostics;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Judges;

/// <summary>python3-kafka as a judge of our files: what it decodes out of the segments of a cleanly stopped data directory.</summary>
internal static class PythonRecords
{
    /// <summary>One JSON object per record, as <c>tests/compat/read_log.py</c> prints it.</summary>
    public static async IAsyncEnumerable<string> ReadAsync(string dataDirectory, IEnumerable<string> topics)
    {
        var script = Path.Combine(Locations.RepositoryRoot, "tests", "compat", "read_log.py");
        using var python = Process.Start(new ProcessStartInfo(Tool.SystemPython, [script, dataDirectory, .. topics])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = python.StandardError.ReadToEndAsync();
        while (await python.StandardOutput.ReadLineAsync() is { } line)
            yield return line;
        await python.WaitForExitAsync();
        Assert.Equal("", await errors);
        Assert.Equal(0, python.ExitCode);
    }
}
