using Microsoft.Extensions.Logging;

namespace RestStream.Connect;

/// <summary>What plugin folders have to say: 4000 to 4009.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(4000, LogLevel.Information, "Found plugin {Plugin} {Version} in {Folder}")]
    public static partial void PluginFound(this ILogger logger, string plugin, string version, string folder);

    [LoggerMessage(4001, LogLevel.Warning, "The plugin folder {Folder} cannot be used: {Problem}")]
    public static partial void PluginFolderBroken(this ILogger logger, string folder, string problem);
}
