using Microsoft.Playwright;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Browsers;

/// <summary>"Try it out", as someone does in the first minute.</summary>
public class SwaggerTests
{
    [RequiresToolFact("chromium")]
    public async Task A_topic_is_created_written_and_read_with_the_buttons_of_the_page()
    {
        using var folder = new TempFolder("swagger");
        await using var server = await ServerProcess.StartAsync(folder["data"]);
        await using var browser = await Browser.StartAsync();
        await browser.Page.GotoAsync(new Uri(server.Address, "swagger").AbsoluteUri);

        Assert.Contains("201", (await TryAsync(browser.Page, "put", "/topics/{topic}", "demo")).Status);
        Assert.Contains("200", (await TryAsync(browser.Page, "post", "/topics/{topic}/records", "demo")).Status);
        var (read, page) = await TryAsync(browser.Page, "get", "/topics/{topic}/records", "demo");
        Assert.Contains("200", read);
        Assert.Contains("c-17", page);

        // The example that the page proposed is in the log, and nothing came from elsewhere.
        Assert.Contains("\"offset\":0", await server.Client.GetStringAsync("topics/demo/records"));
        Assert.Empty(browser.Errors);
        Assert.All(browser.Requests.Where(r => r.Scheme != "data"), r => Assert.Equal(server.Address.Authority, r.Authority));
    }

    /// <summary>Opens the operation (the page lets everything be tried out at once), leaves everything as the page proposes it but for the topic, and tells what the page shows of the answer.</summary>
    private static async Task<(string Status, string Body)> TryAsync(IPage page, string method, string path, string topic)
    {
        var operation = page.Locator($".opblock-{method}").Filter(new() { Has = page.Locator($"[data-path=\"{path}\"]") });
        await operation.Locator(".opblock-summary-control").ClickAsync();
        await operation.Locator("tr[data-param-name=topic] input").FillAsync(topic);
        await operation.Locator("button.execute").ClickAsync();
        var answer = operation.Locator(".live-responses-table .response").First;
        return (await answer.Locator(".response-col_status").InnerTextAsync(), await answer.Locator(".highlight-code").First.InnerTextAsync());
    }
}
