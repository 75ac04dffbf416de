using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.Connectors.Files;

internal static class FilePaths
{
    /// <summary>A file that connectors may not touch is refused when the connector is configured, not when it starts.</summary>
    public static void Check(ConfigValidation validation, string key, string path)
    {
        try
        {
            validation.Files.Resolve(path);
        }
        catch (FatalException e)
        {
            validation.Error(key, e.Message);
        }
    }
}
