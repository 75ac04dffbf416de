using System.CommandLine;

namespace RestStream.Commands;

/// <summary>The sub-commands beside serving. Data goes to stdout, talk to stderr.</summary>
internal static class CommandLine
{
    /// <summary>Nothing was found wrong.</summary>
    public const int Fine = 0;

    /// <summary>Something was found.</summary>
    public const int Findings = 1;

    /// <summary>The arguments make no sense, or what they name cannot be read.</summary>
    public const int BadArguments = 2;

    /// <summary>Runs the sub-command that the first argument names and returns its exit code; null when it names none.</summary>
    public static int? TryRun(string[] args)
    {
        var root = new RootCommand("Looks at RestStream's and Kafka's log files") { VerifyCommand.Create(), DumpCommand.Create() };
        if (args.Length == 0 || !root.Subcommands.Any(command => command.Name == args[0]))
            return null;

        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                Console.Error.WriteLine(error.Message);
            Console.Error.WriteLine($"See: reststream {args[0]} --help");
            return BadArguments;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e is ArgumentException { ParamName: { } name } ? e.Message.Replace($" (Parameter '{name}')", "") : e.Message);
            return BadArguments;
        }
    }

    /// <summary><c>-o json|text</c>.</summary>
    public static Option<string> OutputOption()
    {
        var option = new Option<string>("--output", "-o") { Description = "Form of the output", DefaultValueFactory = _ => "text" };
        option.AcceptOnlyFromAmong("text", "json");
        return option;
    }
}
