using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace RestStream.Hosting;

/// <summary>
/// Log lines for people: <c>12:30:01.123 warn Broker: message</c>, one line each. Control characters are escaped, so that text of a user can neither
/// start a line that looks like ours nor reach the terminal as an escape sequence. <c>Logging:Console:FormatterName=json</c> chooses the framework's JSON lines instead.
/// </summary>
internal sealed class LineFormatter(IOptionsMonitor<ConsoleFormatterOptions> options, TimeProvider clock) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "line";

    public override void Write<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopes, TextWriter writer)
    {
        var now = options.CurrentValue.UseUtcTimestamp ? clock.GetUtcNow() : clock.GetLocalNow();
        writer.Write(now.ToString(options.CurrentValue.TimestampFormat ?? "HH:mm:ss.fff ", CultureInfo.InvariantCulture));
        writer.Write(Level(entry.LogLevel));
        writer.Write(entry.Category.AsSpan(entry.Category.LastIndexOf('.') + 1));
        writer.Write(": ");
        writer.Write(Escape(entry.Formatter(entry.State, entry.Exception)));
        writer.Write('\n');

        // Indented, so that a line of a message in the trace is not taken for an entry.
        foreach (var line in entry.Exception?.ToString().Split('\n') ?? [])
            writer.Write($"    {Escape(line.TrimEnd('\r'))}\n");
    }

    /// <summary>The text with every control character (line ends, escape, C1, Unicode line separators) written as <c>\u001b</c>.</summary>
    public static string Escape(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\u001f') && !text.AsSpan().ContainsAnyInRange('\u007f', '\u009f') && !text.AsSpan().ContainsAny('\u2028', '\u2029'))
            return text;
        var escaped = new StringBuilder(text.Length + 16);
        foreach (var c in text)
        {
            if (char.IsControl(c) || c is '\u2028' or '\u2029')
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                escaped.Append(c);
        }

        return escaped.ToString();
    }

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce ",
        LogLevel.Debug => "dbug ",
        LogLevel.Information => "info ",
        LogLevel.Warning => "warn ",
        LogLevel.Error => "fail ",
        _ => "crit ",
    };
}
