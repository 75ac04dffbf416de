using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using RestStream.Hosting;

namespace RestStream.Tests.Operations;

public class LogLineTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a\n[ERR] b", @"a\u000a[ERR] b")]
    [InlineData("a\r\nb", @"a\u000d\u000ab")]
    [InlineData("\u001b[31mred", @"\u001b[31mred")]
    [InlineData("a\u0085b\u2028c\u007f", @"a\u0085b\u2028c\u007f")]
    [InlineData("Zürich 東京 ✈", "Zürich 東京 ✈")]
    public void Control_characters_of_users_are_escaped(string text, string expected) => Assert.Equal(expected, LineFormatter.Escape(text));

    [Fact]
    public void An_entry_is_one_line_with_time_level_and_the_last_part_of_its_category() =>
        Assert.Equal("00:00:00.000 warn Broker: topic a\\u000ab is gone\n", Line("topic a\nb is gone", error: null));

    [Fact]
    public void The_lines_of_an_exception_are_indented_so_that_none_looks_like_an_entry()
    {
        var lines = Line("failed", new InvalidOperationException("bad\n00:00:00.000 crit Broker: fake")).TrimEnd('\n').Split('\n');

        Assert.Equal("00:00:00.000 warn Broker: failed", lines[0]);
        Assert.True(lines.Length > 2);
        Assert.All(lines[1..], line => Assert.StartsWith("    ", line));
    }

    private static string Line(string message, Exception? error)
    {
        var options = new FixedOptions(new ConsoleFormatterOptions { UseUtcTimestamp = true });
        var formatter = new LineFormatter(options, new ManualClock());
        var writer = new StringWriter();
        formatter.Write(new LogEntry<string>(LogLevel.Warning, "RestStream.Broker", default, message, error, (state, _) => state), scopes: null, writer);
        return writer.ToString();
    }

    private sealed class FixedOptions(ConsoleFormatterOptions value) : IOptionsMonitor<ConsoleFormatterOptions>
    {
        public ConsoleFormatterOptions CurrentValue => value;
        public ConsoleFormatterOptions Get(string? name) => value;
        public IDisposable? OnChange(Action<ConsoleFormatterOptions, string?> listener) => null;
    }
}
