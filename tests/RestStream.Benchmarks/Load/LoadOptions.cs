using System.Globalization;
using RestStream.TestKit;

namespace RestStream.Benchmarks.Load;

/// <summary>The arguments of <c>load</c>.</summary>
internal sealed record LoadOptions
{
    public required IReadOnlyList<string> Scenarios { get; init; }

    /// <summary>JSON on stdout instead of a table.</summary>
    public bool Json { get; init; }

    /// <summary>Below <c>artifacts/</c>, because /tmp may be memory.</summary>
    public static string DefaultDataDirectory { get; } = Path.Combine(Locations.RepositoryRoot, "artifacts", "load");

    /// <summary>Where servers under test keep their data; what a scenario makes in it is removed behind it.</summary>
    public string DataDirectory { get; init; } = DefaultDataDirectory;

    /// <summary>Measurements behind each median. Odd, so that the median is one of them.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>2 s: hundreds of flushes, and short enough that a neighbour's noise hits both sides of a comparison alike.</summary>
    public TimeSpan RoundLength { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary><c>grows</c> goes on to 10 GB of log, which takes minutes and the disk.</summary>
    public bool Large { get; init; }

    /// <exception cref="ArgumentException">The message says which argument is wrong.</exception>
    public static LoadOptions Parse(IReadOnlyList<string> args)
    {
        var scenarios = new List<string>();
        var options = new LoadOptions { Scenarios = scenarios };
        for (var i = 0; i < args.Count; i++)
        {
            options = args[i] switch
            {
                "-o" or "--output" => options with { Json = Value() switch { "json" => true, "table" => false, _ => throw new ArgumentException("-o is json or table.") } },
                "--data" => options with { DataDirectory = Path.GetFullPath(Value()) },
                "--rounds" => options with { Rounds = int.Parse(Value(), CultureInfo.InvariantCulture) },
                "--seconds" => options with { RoundLength = TimeSpan.FromSeconds(double.Parse(Value(), CultureInfo.InvariantCulture)) },
                "--large" => options with { Large = true },
                ['-', ..] => throw new ArgumentException($"Unknown option {args[i]}."),
                _ => Named(args[i]),
            };

            string Value() => ++i < args.Count ? args[i] : throw new ArgumentException($"{args[i - 1]} needs a value.");

            LoadOptions Named(string scenario)
            {
                scenarios.Add(scenario);
                return options;
            }
        }
        return options;
    }
}
