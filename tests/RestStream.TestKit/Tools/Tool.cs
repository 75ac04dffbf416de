using System.Diagnostics;

namespace RestStream.TestKit.Tools;

/// <summary>Programs and rights that some tests need and that not every machine has.</summary>
public static class Tool
{
    /// <summary>Debian's own interpreter: the packages of <c>python3-kafka</c> are not seen by another python in front of it.</summary>
    public const string SystemPython = "/usr/bin/python3";

    /// <summary>With RESTSTREAM_REQUIRE_TOOLS=1 (tests/all.sh) nothing is skipped: a test whose tool is missing fails.</summary>
    public static bool MustRun { get; } = Environment.GetEnvironmentVariable("RESTSTREAM_REQUIRE_TOOLS") == "1";

    /// <summary>
    /// Why a test that needs these cannot run here, or null. A name is that of a program on the PATH, or
    /// <c>root</c> (uid 0), <c>kafka</c> (java and a Kafka distribution), <c>python3-kafka</c> (with the codecs of Debian), <c>python3-zstandard</c>.
    /// </summary>
    public static string? WhyMissing(params string[] names)
    {
        if (MustRun)
            return null;
        return names.Select(Missing).FirstOrDefault(reason => reason is not null);
    }

    /// <summary>The program's full path, or null.</summary>
    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);

    private static string? Missing(string name) => name switch
    {
        "root" => Environment.UserName == "root" ? null : "needs root",
        "kafka" => Missing("java") ?? (Locations.KafkaHome is null ? "needs a Kafka distribution (KAFKA_HOME, or ../shared/kafka beside the checkout)" : null),
        "python3-kafka" => Imports("kafka", "snappy", "lz4.frame") ? null : "needs the Debian packages python3-kafka, python3-snappy and python3-lz4",
        "python3-zstandard" => Imports("zstandard") ? null : "needs the Debian package python3-zstandard",
        _ => Find(name) is null ? $"needs {name}" : null,
    };

    private static bool Imports(params string[] modules)
    {
        if (!File.Exists(SystemPython))
            return false;
        using var python = Process.Start(new ProcessStartInfo(SystemPython, ["-c", $"import {string.Join(", ", modules)}"]) { RedirectStandardError = true })!;
        python.StandardError.ReadToEnd();
        python.WaitForExit();
        return python.ExitCode == 0;
    }
}
