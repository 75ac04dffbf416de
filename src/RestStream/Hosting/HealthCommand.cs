using RestStream.Settings;

namespace RestStream.Hosting;

/// <summary><c>health [url]</c>: asks a running server whether it is ready; exit code 0 or 1. For container images, which have no curl.</summary>
internal static class HealthCommand
{
    public static bool Matches(string[] args) => args is ["health", ..];

    public static async Task<int> RunAsync(string[] args)
    {
        var configured = new ConfigurationBuilder().AddEnvironmentVariables("ASPNETCORE_").Build()[WebHostDefaults.ServerUrlsKey];
        var url = args.ElementAtOrDefault(1) ?? configured?.Split(';')[0] ?? Listeners.Default;
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(3) };
        try
        {
            using var answer = await client.GetAsync(new UriBuilder(Listeners.Reachable(url)) { Path = "/health/ready" }.Uri);
            await Console.Out.WriteLineAsync(await answer.Content.ReadAsStringAsync());
            return answer.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or UriFormatException)
        {
            await Console.Error.WriteLineAsync($"{url}: {e.Message}");
            return 1;
        }
    }
}
