using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using RestStream.Broker;
using RestStream.Http.Errors;

namespace RestStream.Tests.Operations;

public class ErrorResponsesTests
{
    [Fact]
    public void Every_refusal_of_the_broker_has_an_answer_of_its_own()
    {
        // Of the three in which Kafka says that a coordinator is elsewhere or not ready, there is one here.
        var codes = Enum.GetValues<ErrorCode>().Except([ErrorCode.UnknownServerError, ErrorCode.CoordinatorNotAvailable, ErrorCode.NotCoordinator]).ToList();

        var slugs = codes.Select(c => ErrorResponses.From(new BrokerException(c, "why")).Slug).ToList();

        Assert.DoesNotContain("broker-error", slugs);
        Assert.Equal(slugs.Count, slugs.Distinct().Count());
    }

    [Fact]
    public void What_passes_by_itself_says_when_to_come_back()
    {
        var error = ErrorResponses.From(new BrokerException(ErrorCode.ThrottlingQuotaExceeded, "More than 268435456 bytes of appends wait for the disk."));

        Assert.Equal((429, 42900, 1), (error.Status, error.ErrorCode, error.RetryAfter));
    }

    [Fact]
    public async Task A_failure_behind_bytes_that_were_not_flushed_yet_cuts_the_connection_instead_of_mixing_two_answers()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddErrorResponses();
        await using var app = builder.Build();
        app.UseErrorResponses();
        app.MapGet("/half", (Action<HttpContext>)(context =>
        {
            context.Response.BodyWriter.Write("half an answer"u8);
            throw new InvalidOperationException("A bug.");
        }));
        app.MapGet("/none", (Action<HttpContext>)(_ => throw new InvalidOperationException("A bug.")));
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };

        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("half"));
        using var whole = await client.GetAsync("none");

        Assert.Equal(HttpStatusCode.InternalServerError, whole.StatusCode);
        Assert.Contains("\"error_code\":50000", await whole.Content.ReadAsStringAsync());
    }
}
