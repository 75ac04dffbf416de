using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RestStream.Benchmarks.Load;

/// <summary>One figure.</summary>
internal sealed record Figure(string Scenario, string Name, double Value, string Unit)
{
    /// <summary>What was promised for it, where something was.</summary>
    public double? Bar { get; init; }

    /// <summary>True: the value must be at least the bar; false: at most.</summary>
    public bool AtLeast { get; init; } = true;

    /// <summary>The single measurements behind a median.</summary>
    public IReadOnlyList<double> Rounds { get; init; } = [];

    public bool? Met => Bar is null ? null : AtLeast ? Value >= Bar : Value <= Bar;
}

/// <summary>All figures of one call, as a table or as JSON.</summary>
internal sealed class Report(Machine machine)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly List<Figure> _figures = [];
    private readonly Dictionary<string, string> _failures = [];

    /// <summary>Said at once on stderr, so that a long run shows that it lives; stdout gets the report only.</summary>
    public void Add(Figure figure)
    {
        _figures.Add(figure);
        Console.Error.WriteLine(Row(figure));
    }

    /// <summary>The median of several measurements.</summary>
    public void Add(string scenario, string name, IReadOnlyList<double> rounds, string unit, double? bar = null, bool atLeast = true) =>
        Add(new(scenario, name, Median(rounds), unit) { Rounds = rounds, Bar = bar, AtLeast = atLeast });

    /// <summary>The scenario broke off: the server refused, hung or went away.</summary>
    public void Fail(string scenario, string message) => _failures[scenario] = message;

    public static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    public string ToJson() => JsonSerializer.Serialize(new { machine, load = Machine.Load, figures = _figures, failures = _failures }, s_json);

    public string ToTable() => $"{machine}\n{Row("scenario", "figure", "value", "bar")}\n{string.Join('\n', _figures.Select(Row))}{string.Concat(_failures.Select(f => $"\n{f.Key} FAILED: {f.Value}"))}";

    private static string Row(Figure figure) => Row(
        figure.Scenario, figure.Name, $"{Number(figure.Value)} {figure.Unit}",
        figure.Bar is null ? "" : $"{(figure.AtLeast ? ">=" : "<=")} {Number(figure.Bar.Value)} {(figure.Met == true ? "met" : "MISSED")}");

    private static string Row(string scenario, string name, string value, string bar) => $"{scenario,-12} {name,-52} {value,18}  {bar}".TrimEnd();

    private static string Number(double value) =>
        value.ToString(Math.Abs(value) >= 1000 ? "N0" : Math.Abs(value) >= 10 ? "0.#" : "0.###", CultureInfo.InvariantCulture);
}
