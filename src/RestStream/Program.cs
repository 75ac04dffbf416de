using System.Reflection;
using RestStream.Commands;
using RestStream.Hosting;

if (CommandLine.TryRun(args) is { } exitCode)
    return exitCode;
if (HealthCommand.Matches(args))
    return await HealthCommand.RunAsync(args);
var ended = await Server.RunAsync(args);

// Threads that a plugin left behind would keep the process alive. Not in tests that host the server in their own process.
if (Assembly.GetEntryAssembly() == typeof(Program).Assembly)
    Environment.Exit(ended);
return ended;

/// <summary>The host; public for the tests.</summary>
public partial class Program;
