using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.Connectors.Http.Requests;

/// <summary>What a request says about who sends it. Not thread safe but for <see cref="ApplyAsync"/>.</summary>
internal abstract class Authorization
{
    public static Authorization None { get; } = new Fixed(null);

    public static Authorization Basic(string user, string password) => new Fixed(new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"))));

    public static Authorization Bearer(string token) => new Fixed(new AuthenticationHeaderValue("Bearer", token));

    /// <summary>The value of the header as it is configured.</summary>
    public static Authorization Static(string value) => new Literal(value);

    public abstract ValueTask ApplyAsync(HttpRequestMessage request, CancellationToken cancellationToken);

    /// <summary>The other side answered 401: what was sent does not hold any longer. True: trying again may help.</summary>
    public virtual bool Renew() => false;

    private sealed class Fixed(AuthenticationHeaderValue? header) : Authorization
    {
        public override ValueTask ApplyAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = header;
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Literal(string value) : Authorization
    {
        public override ValueTask ApplyAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (!request.Headers.TryAddWithoutValidation("Authorization", value))
                throw new FatalException("http.headers.authorization has characters that no header may have.");
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>OAuth 2.0 client credentials (RFC 6749 §4.4): a token is fetched when it is first needed, and anew a little before it ends or when it is refused.</summary>
internal sealed class OAuth2(HttpClient http, ConfigValues config, TimeProvider time) : Authorization
{
    /// <summary>So that a token does not end while the request is under way.</summary>
    private static readonly TimeSpan s_early = TimeSpan.FromSeconds(30);

    /// <summary>30 days: a token that holds longer is fetched anew all the same.</summary>
    private const decimal LongestSeconds = 30 * 24 * 3600;

    private readonly SemaphoreSlim _gate = new(1);
    private string? _token;
    private DateTimeOffset _until;

    public override async ValueTask ApplyAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_token is null || time.GetUtcNow() >= _until)
                await FetchAsync(cancellationToken);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        }
        finally
        {
            _gate.Release();
        }
    }

    public override bool Renew()
    {
        _token = null;
        return true;
    }

    private async Task FetchAsync(CancellationToken cancellationToken)
    {
        var (id, secret) = (config.GetString("oauth2.client.id"), config.FindSecret("oauth2.client.secret") ?? "");
        var form = new Dictionary<string, string> { ["grant_type"] = config.GetString("oauth2.grant.type") };
        if (config.FindString("oauth2.scope") is { Length: > 0 } scope)
            form["scope"] = scope;
        using var request = new HttpRequestMessage(HttpMethod.Post, config.GetString("oauth2.access.token.url"));
        if (config.GetString("oauth2.client.authorization.mode") == "URL")
            (form["client_id"], form["client_secret"]) = (id, secret);
        else
            await Basic(Uri.EscapeDataString(id), Uri.EscapeDataString(secret)).ApplyAsync(request, cancellationToken);
        request.Content = new FormUrlEncodedContent(form);

        try
        {
            using var response = await http.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode)
                throw TokenRefused((int)response.StatusCode);
            using var answer = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
            var property = config.GetString("oauth2.response.token.property");
            if (Find(answer.RootElement, property) is not { ValueKind: JsonValueKind.String } token || token.GetString() is not { Length: > 0 } text || text.Any(char.IsControl))
                throw new FatalException($"The answer of oauth2.access.token.url has no text '{property}'. Set oauth2.response.token.property to the name it has there.");
            (_token, _until) = (text, time.GetUtcNow() + Lifetime(Find(answer.RootElement, "expires_in")) - s_early);
        }
        catch (JsonException e)
        {
            throw new FatalException("The answer of oauth2.access.token.url is no JSON.", e);
        }
        catch (HttpRequestException e) when (e.InnerException is not ConnectException)
        {
            throw new RetriableException("oauth2.access.token.url could not be reached.", e);
        }
    }

    private static JsonElement? Find(JsonElement answer, string name) => answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty(name, out var found) ? found : null;

    /// <summary>Seconds, which some servers write as a text; an hour when they do not say.</summary>
    private static TimeSpan Lifetime(JsonElement? expiresIn)
    {
        var text = expiresIn switch
        {
            { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
            { ValueKind: JsonValueKind.String } written => written.GetString(),
            _ => null,
        };
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds((double)Math.Clamp(seconds, 0, LongestSeconds)) : TimeSpan.FromHours(1);
    }

    // Never the body: it may repeat what we sent.
    private static ConnectException TokenRefused(int status) => status is 429 or >= 500
        ? new RetriableException($"oauth2.access.token.url answered {status}.")
        : new FatalException($"oauth2.access.token.url answered {status}. Check oauth2.client.id, oauth2.client.secret and oauth2.scope.");
}
