using RestStream.Connect.Config;

namespace RestStream.Connect.Transforms;

/// <summary>Settings that many transforms have.</summary>
internal static class CommonKeys
{
    public const string ReplaceNullWithDefault = "replace.null.with.default";

    public static ConfigDef ReplaceNull(this ConfigDef config) => config.Optional(
        ReplaceNullWithDefault, ConfigType.Boolean, true, "Whether a field that is null counts as its schema's default. With false it stays null.", importance: Importance.Medium);
}
