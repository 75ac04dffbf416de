using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace RestStream.Tests.Layout;

public class DependencyRuleTests
{
    [Theory]
    [InlineData("RestStream.Storage", "")]
    [InlineData("RestStream.Broker", "RestStream.Storage")]
    [InlineData("RestStream.Connect.Api", "")]
    [InlineData("RestStream.Connect", "RestStream.Broker RestStream.Connect.Api")]
    [InlineData("RestStream.Connect.Testing", "RestStream.Connect.Api")]
    [InlineData("RestStream", "RestStream.Broker RestStream.Connect")]
    public void A_project_references_only_what_the_diagram_allows(string project, string allowed)
    {
        var file = Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../../src", project, project + ".csproj");

        Assert.Equal(allowed, References(file));
    }

    [Fact]
    public void A_connector_references_the_connector_API_and_no_other_project()
    {
        var connectors = Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../../connectors");
        var projects = Directory.GetFiles(connectors, "*.csproj", SearchOption.AllDirectories).Where(file => Path.GetFileName(file).StartsWith("RestStream.", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(projects);
        Assert.Equal("RestStream.Connect.Api", References(Path.Combine(connectors, "Directory.Build.props")));
        Assert.All(projects, project => Assert.Equal("", References(project)));
    }

    private static string References(string file) => string.Join(
        ' ',
        XDocument.Load(file).Descendants("ProjectReference").Where(r => (string?)r.Attribute("ReferenceOutputAssembly") != "false").Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!)).Order());

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
