using RestStream.Connect;
using RestStream.Connect.Testing;

namespace RestStream.Tests.Plugins;

public class PublicApiTests
{
    [Fact]
    public void The_connector_API_is_the_committed_text() => Snapshot.Matches("src/RestStream.Connect.Api/PublicApi.txt", PublicApi.Of(typeof(Connector).Assembly));

    [Fact]
    public void The_API_of_connector_tests_is_the_committed_text() => Snapshot.Matches("src/RestStream.Connect.Testing/PublicApi.txt", PublicApi.Of(typeof(SourceContract).Assembly));
}
