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

        var references = XDocument.Load(file).Descendants("ProjectReference").Where(r => (string?)r.Attribute("ReferenceOutputAssembly") != "false")
            .Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!)).Order();

        Assert.Equal(allowed, string.Join(' ', references));
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
