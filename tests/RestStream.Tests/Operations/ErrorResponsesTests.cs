using RestStream.Broker;
using RestStream.Http.Errors;

namespace RestStream.Tests.Operations;

public class ErrorResponsesTests
{
    [Fact]
    public void Every_refusal_of_the_broker_has_an_answer_of_its_own()
    {
        var codes = Enum.GetValues<ErrorCode>().Where(c => c != ErrorCode.UnknownServerError).ToList();

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
}
