using RestStream.Hosting;

return await Server.RunAsync(args);

/// <summary>The host; public for the tests.</summary>
public partial class Program;
