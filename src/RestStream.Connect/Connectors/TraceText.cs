using System.Text;

namespace RestStream.Connect.Connectors;

/// <summary>An exception as a status shows it.</summary>
internal static class TraceText
{
    /// <summary>Class names and messages, the innermost last, as Java's stack traces have them; ends with a newline.</summary>
    public static string Of(Exception error)
    {
        var text = new StringBuilder();
        for (Exception? e = error; e is not null; e = e.InnerException)
            text.Append(e == error ? "" : "Caused by: ").Append(e.GetType().FullName).Append(": ").Append(e.Message).Append('\n');
        return text.ToString();
    }
}
