using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using RestStream.Connect.Model;
using RestStream.Http.Connect;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace RestStream.Http.OpenApi;

/// <summary>Finishes the generated document: examples, the error body, parameters of handlers that read the request themselves, and nothing that generators choke on.</summary>
internal sealed class ApiDescription : IDocumentFilter
{
    public void Apply(OpenApiDocument document, DocumentFilterContext context)
    {
        document.AddComponent(ApiErrors.SchemaName, ApiErrors.Schema());
        foreach (var item in document.Paths.Values.OfType<OpenApiPathItem>())
        {
            if (item.Operations is not { } operations)
                continue;

            // HEAD is GET without a body; a second operation of the same id would break generators.
            operations.Remove(HttpMethod.Head);
            foreach (var operation in operations.Values)
                Finish(operation, document);
        }

        document.Components?.Schemas?.Remove("ProblemDetails");
        document.Components?.Schemas?.Remove(nameof(StatusDetails));
    }

    private static void Finish(OpenApiOperation operation, OpenApiDocument document)
    {
        var known = ApiExamples.ByOperation.GetValueOrDefault(operation.OperationId ?? "");
        operation.Parameters ??= [];
        foreach (var parameter in operation.Parameters.OfType<OpenApiParameter>())
        {
            if (ApiExamples.Parameters.TryGetValue(parameter.Name ?? "", out var named))
                named.Describe(parameter);
        }

        foreach (var parameter in known?.Parameters ?? [])
            operation.Parameters.Add(parameter.ToOpenApi());

        if (operation.RequestBody is OpenApiRequestBody { Content: { } accepted })
        {
            // Any type is taken, but a reader wants to know which one is meant.
            if (accepted.ContainsKey("application/json"))
                accepted.Remove("*/*");
            foreach (var body in known?.Requests ?? [])
                AddExample(accepted, body);
        }

        foreach (var (code, response) in operation.Responses ?? [])
        {
            if (response is not OpenApiResponse described || !int.TryParse(code, out var status))
                continue;
            if (known?.Responses.Where(r => r.Status == status) is { } examples)
            {
                foreach (var body in examples)
                    AddExample(described.Content ??= new Dictionary<string, IOpenApiMediaType>(), body);
            }

            if (ApiErrors.IsKnown(status))
                DescribeError(operation, described, status, document);
        }
    }

    private static void DescribeError(OpenApiOperation operation, OpenApiResponse response, int status, OpenApiDocument document)
    {
        var isConnect = operation.Tags?.Any(t => t.Name == ConnectEndpoints.Tag) == true;
        var (schema, example) = isConnect ? (nameof(ConnectError), ConnectExamples.Error(status)) : (ApiErrors.SchemaName, ApiErrors.Example(status));
        foreach (var type in (response.Content ??= new Dictionary<string, IOpenApiMediaType>()).Where(c => c.Value.Example is null).Select(c => c.Key).ToArray())
            response.Content[type] = new OpenApiMediaType { Schema = new OpenApiSchemaReference(schema, document), Example = example.DeepClone() };
    }

    private static void AddExample(IDictionary<string, IOpenApiMediaType> content, ApiBody body)
    {
        if (!content.TryGetValue(body.Type, out var media) || media is not OpenApiMediaType)
            content[body.Type] = media = new OpenApiMediaType { Schema = new OpenApiSchema() };
        var isJson = body.Type.EndsWith("json", StringComparison.Ordinal) && body.Type != "application/x-ndjson";
        ((OpenApiMediaType)media).Example = isJson ? JsonNode.Parse(body.Example) : JsonValue.Create(body.Example);
        if (!isJson)
            ((OpenApiMediaType)media).Schema = new OpenApiSchema { Type = JsonSchemaType.String };
    }
}
