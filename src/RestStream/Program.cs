using RestStream.Commands;
using RestStream.Hosting;

if (CommandLine.TryRun(args) is { } exitCode)
    return exitCode;
return HealthCommand.Matches(args) ? await HealthCommand.RunAsync(args) : await Server.RunAsync(args);

/// <summary>The host; public for the tests.</summary>
public partial class Program;
