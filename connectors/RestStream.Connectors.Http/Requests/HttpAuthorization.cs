using RestStream.Connect.Config;

namespace RestStream.Connectors.Http.Requests;

/// <summary>The settings of sink and source that say who sends a request.</summary>
internal static class HttpAuthorization
{
    private const string Group = "Authorization", Type = "http.authorization.type", CastormType = "http.auth.type";

    public static ConfigDef Define(ConfigDef config) => config
        .Optional(Type, ConfigType.String, "none", "Who sends the requests: none, static (a header as it is), basic (user and password), bearer (a token), oauth2 (client credentials).", ConfigValidator.In("none", "static", "basic", "bearer", "oauth2"), group: Group)
        .Optional(CastormType, ConfigType.String, null, "Castorm's name of http.authorization.type, which counts more when both are there: None or Basic.",
            ConfigValidator.Of(value => value is null or "None" or "Basic" ? null : "String must be one of: None, Basic", "[None, Basic]"), Importance.Low, Group)
        .Optional("http.headers.authorization", ConfigType.Password, null, "Value of the header Authorization, for static.", group: Group)
        .Optional("http.auth.user", ConfigType.String, null, "User, for basic.", group: Group)
        .Optional("http.auth.password", ConfigType.Password, null, "Password, for basic.", group: Group)
        .Optional("http.auth.token", ConfigType.Password, null, "Token, for bearer.", group: Group)
        .Optional("oauth2.access.token.url", ConfigType.String, null, "Where a token is fetched, for oauth2.", HttpConfigs.Url, group: Group)
        .Optional("oauth2.client.id", ConfigType.String, null, "Client id, for oauth2.", group: Group)
        .Optional("oauth2.client.secret", ConfigType.Password, null, "Client secret, for oauth2.", group: Group)
        .Optional("oauth2.grant.type", ConfigType.String, "client_credentials", "Grant type of the token request.", ConfigValidator.In("client_credentials"), Importance.Low, Group)
        .Optional("oauth2.scope", ConfigType.String, null, "Scope of the token. Default: none is asked for.", importance: Importance.Low, group: Group)
        .Optional("oauth2.client.authorization.mode", ConfigType.String, "HEADER", "Where id and secret stand in the token request: HEADER (Basic) or URL (form fields).", ConfigValidator.In("HEADER", "URL"), Importance.Low, Group)
        .Optional("oauth2.response.token.property", ConfigType.String, "access_token", "Name of the token in the answer.", importance: Importance.Low, group: Group);

    /// <summary>Whether what the chosen type needs is there.</summary>
    public static void Check(ConfigValidation validation)
    {
        var config = validation.Config;
        var type = TypeOf(config);
        string[] needed = type switch
        {
            "static" => ["http.headers.authorization"],
            "basic" => ["http.auth.user", "http.auth.password"],
            "bearer" => ["http.auth.token"],
            "oauth2" => ["oauth2.access.token.url", "oauth2.client.id", "oauth2.client.secret"],
            _ => [],
        };
        HttpConfigs.CheckAddress(validation, "oauth2.access.token.url");
        foreach (var name in needed.Where(n => config[n] is null))
            validation.Error(name, $"{(config.Originals.ContainsKey(Type) ? Type : CastormType)} is {type}, which needs this setting.");
    }

    public static Authorization Create(ConfigValues config, HttpClient http, TimeProvider time) => TypeOf(config) switch
    {
        "static" => Authorization.Static(config.FindSecret("http.headers.authorization") ?? ""),
        "basic" => Authorization.Basic(config.FindString("http.auth.user") ?? "", config.FindSecret("http.auth.password") ?? ""),
        "bearer" => Authorization.Bearer(config.FindSecret("http.auth.token") ?? ""),
        "oauth2" => new OAuth2(http, config, time),
        _ => Authorization.None,
    };

    private static string TypeOf(ConfigValues config) => config.FindString(CastormType) == "Basic" && !config.Originals.ContainsKey(Type) ? "basic" : config.GetString(Type);
}
