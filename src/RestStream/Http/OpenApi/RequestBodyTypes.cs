using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace RestStream.Http.OpenApi;

/// <summary>
/// For the API description only: the types that a handler which reads the request itself takes as its body; none = it takes no body. Not the framework's AcceptsMetadata, because routing would answer 415 by it.
/// </summary>
internal sealed record RequestBodyTypes(IReadOnlyList<string> Types);

/// <summary>Describes body and path of handlers that read the request themselves.</summary>
internal sealed class RequestBodyFilter : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var metadata = context.ApiDescription.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<RequestBodyTypes>().FirstOrDefault() is not { } body)
            return;
        if (body.Types.Count > 0)
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = body.Types.ToDictionary(t => t, IOpenApiMediaType (_) => new OpenApiMediaType { Schema = new OpenApiSchema() }),
            };
        }

        foreach (var segment in (context.ApiDescription.RelativePath ?? "").Split('/'))
        {
            if (segment is not ['{', .. var name, '}'])
                continue;
            operation.Parameters ??= [];
            if (operation.Parameters.Any(p => p.In == ParameterLocation.Path && string.Equals(p.Name, name, StringComparison.Ordinal)))
                continue;
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = name,
                In = ParameterLocation.Path,
                Required = true,
                Description = $"The {name}.",
                Schema = new OpenApiSchema { Type = name == "partition" ? JsonSchemaType.Integer : JsonSchemaType.String },
            });
        }
    }
}
