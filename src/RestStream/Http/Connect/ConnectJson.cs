using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using RestStream.Connect.Model;

namespace RestStream.Http.Connect;

/// <summary>The JSON of Connect: Kafka's names (<c>worker_id</c>), texts as they are, and what we add to a status beside Kafka's members instead of below one.</summary>
internal static class ConnectJson
{
    /// <summary>Without a charset, as Kafka answers.</summary>
    public const string Type = "application/json";

    public static JsonSerializerOptions Options { get; } = MakeOptions();

    /// <summary>An answer with that body.</summary>
    public static IResult Answer<T>(T body, int status = StatusCodes.Status200OK) =>
        TypedResults.Text(JsonSerializer.SerializeToUtf8Bytes(body, Options), Type, status);

    private static JsonSerializerOptions MakeOptions()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { FlattenDetails } },
        };
        options.MakeReadOnly();
        return options;
    }

    /// <summary>Moves the members of <see cref="StatusDetails"/> into the state itself, and leaves out those, and a trace, that are not there.</summary>
    private static void FlattenDetails(JsonTypeInfo type)
    {
        if (type.Properties.FirstOrDefault(p => p.PropertyType == typeof(StatusDetails)) is not { } details)
            return;
        type.Properties.Remove(details);
        type.Properties.Single(p => p.Name == "trace").ShouldSerialize = (_, trace) => trace is not (null or "");
        foreach (var member in typeof(StatusDetails).GetProperties())
        {
            var memberType = member.PropertyType.IsValueType && Nullable.GetUnderlyingType(member.PropertyType) is null ? typeof(Nullable<>).MakeGenericType(member.PropertyType) : member.PropertyType;
            var added = type.CreateJsonPropertyInfo(memberType, type.Options.PropertyNamingPolicy!.ConvertName(member.Name));
            added.Get = state => details.Get!(state) is { } all ? member.GetValue(all) : null;
            added.ShouldSerialize = (_, value) => value is not null;
            type.Properties.Add(added);
        }
    }
}
