using System.Text.Json;
using Microsoft.OpenApi;
using RestStream.Connect.Model;
using RestStream.Http.Connect;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace RestStream.Http.OpenApi;

/// <summary>Describes the types of Connect as <see cref="ConnectJson"/> writes them: Kafka's names, and the details of a status beside its other members.</summary>
internal sealed class ConnectSchemas : ISchemaFilter
{
    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema { Properties.Count: > 0 } described || !IsConnect(context.Type))
            return;
        var properties = new Dictionary<string, IOpenApiSchema>();
        foreach (var (name, property) in described.Properties)
        {
            if (name != "details")
                properties[JsonNamingPolicy.SnakeCaseLower.ConvertName(name)] = property;
        }

        if (described.Properties.ContainsKey("details"))
        {
            foreach (var member in typeof(StatusDetails).GetProperties())
                properties[JsonNamingPolicy.SnakeCaseLower.ConvertName(member.Name)] = context.SchemaGenerator.GenerateSchema(member.PropertyType, context.SchemaRepository, member);
        }

        described.Properties = properties;
        described.Required = described.Required?.Select(JsonNamingPolicy.SnakeCaseLower.ConvertName).Where(name => name != "trace").ToHashSet();
    }

    private static bool IsConnect(Type type) => type.Namespace == typeof(ConnectorInfo).Namespace || type.Namespace == typeof(ConnectJson).Namespace;
}
