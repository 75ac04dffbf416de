using System.Globalization;
using System.Text;
using System.Text.Json;
using RestStream.Http.Compat;

namespace RestStream.Http.Consumers;

/// <summary>The body of <c>POST /consumers/{group}</c>.</summary>
internal static class CreateBody
{
    /// <summary>Longest name of an instance in UTF-8: what Kafka allows a <c>group.instance.id</c>.</summary>
    private const int MaxNameBytes = 249;

    private const int MostFetchMinBytes = 10_000_000;

    /// <summary>What the client wants; the name is made up when it gave none.</summary>
    public static (string Name, InstanceConfig Config) Parse(V2Body body, Profile profile)
    {
        var (rules, root) = (profile.Consumers, body.Root);
        body.Only(root, "", [.. rules.CreateMembers]);
        var name = body.Text(root, "", "name");
        if (name is not null && Encoding.UTF8.GetByteCount(name) > MaxNameBytes)
            body.Note(Fault.BadValue, "name", $"A name has at most {MaxNameBytes} bytes.");
        if (name is "." or "..")
            body.Note(Fault.BadValue, "name", "A name that is only dots cannot stand in a path. Choose another one.");

        var config = new InstanceConfig
        {
            Profile = profile.Name,
            Format = Format(body),
            Reset = Reset(body, rules),
            AutoCommit = AutoCommit(body, rules),
            FetchMinBytes = FetchMinBytes(body, rules),
            RequestTimeout = RequestTimeout(body, rules),
            IsolationLevel = Isolation(body),
        };
        body.ThrowIfWrong();
        return (string.IsNullOrEmpty(name) ? MakeUpName(body, rules) : name, config);
    }

    private static string MakeUpName(V2Body body, ConsumerProfile rules)
    {
        // Confluent's clients of version 1 call it id.
        var id = rules.CreateMembers.Contains("id") && body.Text(body.Root, "", "id") is { Length: > 0 and <= 100 } given ? given + "-" : "";
        return $"{rules.NamePrefix}{id}{Guid.NewGuid()}";
    }

    private static DataFormat Format(V2Body body)
    {
        if (ConfigText(body, "format") is not { } name)
            return DataFormat.Base64;
        if (InstanceRecord.TryFormat(name) is { } format)
            return format;
        body.Note(Fault.BadFormat, "format", name.ToLowerInvariant() is "avro" or "jsonschema" or "protobuf"
            ? "This server has no schema registry. Use binary, json or text."
            : "The format is binary, json or text.");
        return default;
    }

    private static OffsetReset Reset(V2Body body, ConsumerProfile rules)
    {
        const string member = "auto.offset.reset";
        if (ConfigText(body, member) is not { } text)
            return rules.Reset;
        OffsetReset? reset = text switch
        {
            "latest" => OffsetReset.Latest,
            "earliest" => OffsetReset.Earliest,
            "none" => OffsetReset.None,

            // What version 1 called them.
            "largest" when rules.CreateMembers.Contains("id") => OffsetReset.Latest,
            "smallest" when rules.CreateMembers.Contains("id") => OffsetReset.Earliest,
            _ => null,
        };
        if (reset is null || (rules.OnlyReset is { } only && reset != only))
            body.Note(Fault.BadConfig, member, rules.OnlyReset is null ? "auto.offset.reset is earliest, latest or none." : "auto.offset.reset is earliest here.");
        return reset ?? default;
    }

    private static bool AutoCommit(V2Body body, ConsumerProfile rules)
    {
        var wanted = rules.AutoCommit;
        foreach (var member in (ReadOnlySpan<string>)["auto.commit.enable", "enable.auto.commit"])
        {
            if (!V2Body.Has(body.Root, member))
                continue;
            var value = body.Root.GetProperty(member);
            if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
                wanted = value.GetBoolean();
            else if (value.ValueKind == JsonValueKind.String && bool.TryParse(value.GetString(), out var parsed))
                wanted = parsed;
            else
                body.Note(value.ValueKind == JsonValueKind.String ? Fault.BadConfig : Fault.BadConfigType, member, $"{member} is true or false.");
            if (rules.OnlyAutoCommit is { } only && wanted != only)
                body.Note(Fault.BadConfig, member, $"{member} is {(only ? "true" : "false")} here.");
        }

        return wanted;
    }

    private static int FetchMinBytes(V2Body body, ConsumerProfile rules)
    {
        foreach (var member in (ReadOnlySpan<string>)["fetch.min.bytes", "responseMinBytes"])
        {
            if (ConfigNumber(body, rules, member) is not { } number)
                continue;
            if (number < rules.LeastFetchMinBytes || number > MostFetchMinBytes)
                body.Note(Fault.BadFetchMinBytes, member, string.Create(CultureInfo.InvariantCulture, $"{member} is from {rules.LeastFetchMinBytes} to {MostFetchMinBytes}."));
            return (int)Math.Clamp(number, 1, MostFetchMinBytes);
        }

        return 1;
    }

    private static TimeSpan? RequestTimeout(V2Body body, ConsumerProfile rules)
    {
        foreach (var member in (ReadOnlySpan<string>)["consumer.request.timeout.ms", "requestWaitMs"])
        {
            if (ConfigNumber(body, rules, member) is not { } number)
                continue;
            if (number is < 0 or > int.MaxValue)
                body.Note(Fault.BadConfig, member, $"{member} is a number of milliseconds from 0 on.");
            return TimeSpan.FromMilliseconds(Math.Clamp(number, 0, int.MaxValue));
        }

        return null;
    }

    private static string Isolation(V2Body body)
    {
        const string member = "isolation.level";
        var level = ConfigText(body, member) ?? "read_uncommitted";
        if (level is not ("read_uncommitted" or "read_committed"))
            body.Note(Fault.BadConfig, member, "isolation.level is read_uncommitted or read_committed.");
        return level;
    }

    private static string? ConfigText(V2Body body, string member)
    {
        if (!V2Body.Has(body.Root, member))
            return null;
        if (body.Root.GetProperty(member).ValueKind == JsonValueKind.String)
            return body.Text(body.Root, "", member);
        body.Note(Fault.BadConfigType, member, $"{member} is a string.");
        return null;
    }

    private static long? ConfigNumber(V2Body body, ConsumerProfile rules, string member)
    {
        if (!V2Body.Has(body.Root, member))
            return null;
        var value = body.Root.GetProperty(member);
        long number;
        if (value.ValueKind == JsonValueKind.Number && rules.Numbers != ConfigNumbers.Strings && value.TryGetInt64(out number))
            return number;
        if (value.ValueKind == JsonValueKind.String && rules.Numbers != ConfigNumbers.JsonNumbers
            && long.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number))
        {
            return number;
        }

        body.Note(Fault.BadConfigType, member, $"{member} is a whole number{(rules.Numbers == ConfigNumbers.Strings ? ", written as a string" : "")}.");
        return null;
    }
}
