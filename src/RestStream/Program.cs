using RestStream.Commands;
using RestStream.Hosting;

return CommandLine.TryRun(args) ?? (HealthCommand.Matches(args) ? await HealthCommand.RunAsync(args) : await Server.RunAsync(args));

/// <summary>The host; public for the tests.</summary>
public partial class Program;
