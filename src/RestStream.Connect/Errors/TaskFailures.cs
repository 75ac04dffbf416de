using RestStream.Connect.Config;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Errors;

/// <summary>Makes a failure of a task presentable.</summary>
internal static class TaskFailures
{
    /// <summary>Shorter values are masked nowhere: they would stand in any text by chance.</summary>
    private const int ShortestSecret = 4;

    /// <summary>The exception is the plugin's own, below the worker's wrappings: what it is decides whether the task is started again.</summary>
    public static TaskFailure Describe(Exception error, TaskDefinition definition, IReadOnlyDictionary<string, string>? resolved)
    {
        var stage = error as StageException;
        return new TaskFailure(stage?.InnerException ?? error, stage?.Stage, stage?.Record, Mask(ErrorTrace.Of(error), definition, resolved));
    }

    /// <summary>The text without the values of secret settings and of references.</summary>
    public static string Mask(string text, TaskDefinition definition, IReadOnlyDictionary<string, string>? resolved)
    {
        foreach (var secret in Secrets(definition, resolved))
            text = text.Replace(secret, ConfigSecret.Mask, StringComparison.Ordinal);
        return text;
    }

    private static IEnumerable<string> Secrets(TaskDefinition definition, IReadOnlyDictionary<string, string>? resolved)
    {
        foreach (var (name, value) in resolved ?? definition.Config)
        {
            var isSecret = definition.ConnectorDef.Find(name)?.Type == ConfigType.Password || definition.Config.GetValueOrDefault(name) != value;
            if (isSecret && value.Trim().Length >= ShortestSecret)
                yield return value.Trim();
        }
    }
}
