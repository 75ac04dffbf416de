using System.Globalization;

using RestStream.Connect;
using RestStream.Connect.Data;
using RestStream.Connect.Testing;
using RestStream.Connectors.Datagen;

namespace RestStream.Connectors.Tests;

public sealed class DatagenContract : SourceContract
{
    protected override IReadOnlyDictionary<string, string> Config => new Dictionary<string, string> { ["kafka.topic"] = "t", ["quickstart"] = "orders", ["max.interval"] = "1", ["iterations"] = "20" };

    protected override IEnumerable<(string Key, string? Value)> BadConfig =>
        [("kafka.topic", null), ("quickstart", "x"), ("quickstart", null), ("max.interval", "-1"), ("rate", "0"), ("random.seed", "x"), ("schema.keyfield", "x"), ("schema.string", "{}")];

    protected override SourceConnector CreateConnector() => new DatagenConnector();

    protected override Task<IReadOnlyList<string>> FillAsync() => Task.FromResult<IReadOnlyList<string>>([.. Enumerable.Range(0, 20).Select(i => i.ToString(CultureInfo.InvariantCulture))]);

    protected override string ItemOf(SourceRecord record) => Values.ToText(record.Key);
}
