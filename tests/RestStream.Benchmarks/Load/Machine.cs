using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;

namespace RestStream.Benchmarks.Load;

/// <summary>Where figures come from: without it they mean nothing.</summary>
internal sealed record Machine(string Processor, int Cores, double MemoryGiB, string System, string Runtime, string DataFileSystem, string Version)
{
    public static Machine Current(string dataDirectory) => new(
        Line("/proc/cpuinfo", "model name"),
        Environment.ProcessorCount,
        Math.Round(double.Parse(Line("/proc/meminfo", "MemTotal").Split(' ')[0], CultureInfo.InvariantCulture) / 1024 / 1024, 1),
        $"{RuntimeInformation.OSDescription} {RuntimeInformation.ProcessArchitecture}",
        RuntimeInformation.FrameworkDescription,
        $"{new DriveInfo(dataDirectory).DriveFormat} on {new DriveInfo(dataDirectory).Name}",
        typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown");

    public override string ToString() => $"{Processor}, {Cores} cores, {MemoryGiB} GiB, {System}, {Runtime}, data on {DataFileSystem}, version {Version}";

    /// <summary>How much of the processors others took in the last minute, as the kernel's load average.</summary>
    public static string Load => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    /// <summary>Milliseconds since <paramref name="start"/>, a Stopwatch time.</summary>
    public static double Since(long start) => Stopwatch.GetElapsedTime(start).TotalMilliseconds;

    private static string Line(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown";
}
