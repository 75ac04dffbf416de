using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using RestStream.Hosting;

namespace RestStream.Http.OpenApi;

/// <summary>The OpenAPI document at <c>/openapi/reststream.json</c>, and the Swagger UI over it at <c>/swagger</c>, served from the program itself.</summary>
internal static class OpenApiSetup
{
    public const string Path = "/openapi/reststream.json";
    public const string Name = "reststream";

    /// <summary>Own scripts, own connections, nothing else; the inline style is Swagger UI's.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'";

    public static void AddOpenApiDocument(this IServiceCollection services) =>
        services.AddEndpointsApiExplorer().AddSwaggerGen(options =>
        {
            options.SwaggerDoc(Name, new OpenApiInfo
            {
                Title = "RestStream",
                Version = ProductVersion.Version,
                Description = "Kafka's model over plain HTTP: topics with partitions on a durable log, produced to and consumed from any language.",
                License = new OpenApiLicense { Name = "Apache-2.0", Url = new Uri("https://www.apache.org/licenses/LICENSE-2.0") },
            });
            options.SupportNonNullableReferenceTypes();
            options.NonNullableReferenceTypesAsRequired();
            options.OperationFilter<RequestBodyFilter>();
            options.MapType<JsonObject>(() => new OpenApiSchema { Type = JsonSchemaType.Object });
            options.SchemaFilter<ConnectSchemas>();
            options.DocumentFilter<ApiDescription>();
        });

    public static void UseOpenApiDocument(this WebApplication app, bool withUi)
    {
        // Behind a look at the path: these middlewares would cost every request two regular expressions.
        app.UseWhen(context => context.Request.Path == Path, document => document.UseSwagger(options => options.RouteTemplate = "openapi/{documentName}.json"));
        if (withUi)
            app.UseWhen(context => context.Request.Path.StartsWithSegments("/swagger", StringComparison.Ordinal), UseUi);
    }

    private static void UseUi(IApplicationBuilder pages)
    {
        pages.Use((context, next) =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            return next(context);
        });
        pages.UseSwaggerUI(options =>
        {
            options.RoutePrefix = "swagger";
            options.DocumentTitle = "RestStream API";
            options.SwaggerEndpoint(".." + Path, "RestStream");
            options.DisplayRequestDuration();
            options.EnableTryItOutByDefault();
        });
    }
}
