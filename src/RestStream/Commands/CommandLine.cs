using System.CommandLine;
using System.Text;

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
        // A dump can be millions of lines; Console.Out would flush each of them.
        using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 64 * 1024);
        return TryRun(args, output, Console.Error);
    }

    /// <summary>As <see cref="TryRun(string[])"/>, with other writers than the console's.</summary>
    public static int? TryRun(string[] args, TextWriter output, TextWriter error)
    {
        var root = new RootCommand("Looks at RestStream's and Kafka's log files, and tests configurations of connectors") { VerifyCommand.Create(), DumpCommand.Create(), ConnectCommand.Create() };
        if (args.Length == 0 || !root.Subcommands.Any(command => command.Name == args[0]))
            return null;

        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var problem in parsed.Errors)
                error.WriteLine(problem.Message);
            error.WriteLine($"See: reststream {args[0]} --help");
            return BadArguments;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine(e is ArgumentException { ParamName: { } name } ? e.Message.Replace($" (Parameter '{name}')", "") : e.Message);
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
