using System.Text.Json;
using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Tests.Golden;

/// <summary>
/// What went wrong in Kafka. <paramref name="At"/>: <c>configure</c> or <c>apply</c>, null where a case has one step. <paramref name="Match"/>: null = class and message count, <c>class</c> = the
/// class only, <c>fail</c> = any failure.
/// </summary>
internal sealed record GoldenError(string Class, string Message, string? At, string? Match)
{
    public static GoldenError Parse(JsonElement json) => new(
        json.GetProperty("class").GetString()!,
        json.GetProperty("message").GetString() ?? "",
        json.TryGetProperty("at", out var at) ? at.GetString() : null,
        json.TryGetProperty("match", out var match) ? match.GetString() : null);

    /// <summary>In words, what is not as it was in Kafka; null when it is the same. <paramref name="found"/> is null when nothing went wrong.</summary>
    public string? Difference(Exception? found, string? at = null)
    {
        if (found is null)
            return $"expected {Class} \"{Message}\", but nothing went wrong";

        // A check that Kafka lacks (a null pointer later on) may come earlier with us.
        var earlier = Match == "fail" && at == "configure";
        if (at is not null && At is not null && at != At && !earlier)
            return $"expected {Class} at {At}, but it came at {at}: {found.GetType().Name} \"{found.Message}\"";
        if (found is NotImplementedException or NullReferenceException or InvalidCastException or IndexOutOfRangeException or KeyNotFoundException)
            return $"expected {Class} \"{Message}\", was a defect of ours: {found}";
        if (Match == "fail")
            return string.IsNullOrEmpty(found.Message) ? $"{found.GetType().Name} has no message" : null;
        if (!IsSameClass(found))
            return $"expected {Class} \"{Message}\", was {found.GetType().Name} \"{found.Message}\"";
        return Match is null && found.Message != Message ? $"expected {Class} \"{Message}\",\n was \"{found.Message}\"" : null;
    }

    // RestStream has no SerializationException: what cannot be read or written as bytes is a ConnectException, most of all a DataException.
    private bool IsSameClass(Exception found) => Class switch
    {
        "DataException" => found.GetType() == typeof(DataException),
        "ConnectException" => found.GetType() == typeof(ConnectException),
        "SchemaBuilderException" => found is SchemaBuilderException,
        "ConfigException" => found is ConfigException,
        "SerializationException" => found is ConnectException,
        _ => true,
    };
}
