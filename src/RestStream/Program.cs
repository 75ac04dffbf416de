var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
var app = builder.Build();
await app.RunAsync();
return 0;

/// <summary>The host; public for the tests.</summary>
public partial class Program;
