using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace RestStream.Http.OpenApi;

/// <summary>The one error body in the API description: its schema, and an example for each status.</summary>
internal static class ApiErrors
{
    public const string SchemaName = "Problem";

    private static readonly Dictionary<int, (string Slug, int Code, string Title, string Detail)> s_examples = new()
    {
        [400] = ("malformed-body", 40000, "Malformed body", "The body is not valid JSON at line 1, byte 12."),
        [403] = ("cross-site", 40301, "Cross-site request", "A web page of another origin may not change anything here."),
        [404] = ("topic-not-found", 40401, "Topic not found", "No topic 'demo'. Create it with PUT /topics/demo."),
        [406] = ("not-acceptable", 40600, "Not acceptable", "This resource cannot be shown in any of the types that Accept names."),
        [408] = ("too-slow", 40800, "Request too slow", "The body arrived too slowly."),
        [409] = ("topic-exists", 40904, "Topic exists", "Topic 'demo' exists with 1 partitions, not 3. Change it with PATCH /topics/demo."),
        [410] = ("offset-gone", 41001, "Offset gone", "Partition 0 begins at offset 100. Go on there, or ask with on_gap=earliest."),
        [412] = ("offset-mismatch", 41201, "Offset mismatch", "The next offset of demo-0 is 44, not the one the request demands."),
        [413] = ("body-too-large", 41300, "Body too large", "The body is larger than 10485760 bytes."),
        [415] = ("unsupported-media-type", 41500, "Unsupported media type", "This resource takes application/json."),
        [416] = ("offset-out-of-range", 41601, "Offset out of range", "Partition 0 ends at offset 3."),
        [422] = ("invalid-request", 42200, "Invalid request", "A topic needs at least 1 partition."),
        [429] = ("overloaded", 42900, "Overloaded", "More than 268435456 bytes of appends wait for the disk. Try again in a second, or send fewer at a time."),
        [500] = ("damaged-records", 50004, "Damaged records", "The records 5 to 9 of demo-0 are damaged. Go on behind them, or ask with on_gap=earliest."),
        [503] = ("writes-stopped", 50303, "Writes stopped", "A flush failed. Records are not taken until the server is restarted."),
        [507] = ("disk-full", 50701, "Disk full", "The disk is full: nothing was written. Free space or delete old data; reading goes on."),
    };

    public static bool IsKnown(int status) => s_examples.ContainsKey(status);

    public static JsonObject Example(int status)
    {
        var (slug, code, title, detail) = s_examples[status];
        return new JsonObject
        {
            ["type"] = $"https://reststream.dev/errors/{slug}",
            ["title"] = title,
            ["status"] = status,
            ["detail"] = detail,
            ["error_code"] = code,
            ["message"] = detail,
        };
    }

    public static OpenApiSchema Schema() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "RFC 9457 problem details with the members of the REST Proxy family beside them. Further members may be there, such as `earliest`.",
        Required = new HashSet<string> { "type", "title", "status", "detail", "error_code", "message" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = Text("What kind of problem, as a URL."),
            ["title"] = Text("The kind of problem in a few words."),
            ["status"] = Number("The HTTP status."),
            ["detail"] = Text("What was wrong here, and what to do."),
            ["error_code"] = Number("The five-digit code of the REST Proxy family: the status and two digits."),
            ["message"] = Text("The same as detail, for clients of that family."),
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Array,
                Description = "Single broken fields.",
                Items = new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    Required = new HashSet<string> { "field", "message" },
                    Properties = new Dictionary<string, IOpenApiSchema> { ["field"] = Text("Such as records[3].partition."), ["message"] = Text("What is wrong with it.") },
                },
            },
        },
    };

    private static OpenApiSchema Text(string description) => new() { Type = JsonSchemaType.String, Description = description };

    private static OpenApiSchema Number(string description) => new() { Type = JsonSchemaType.Integer, Format = "int32", Description = description };
}
