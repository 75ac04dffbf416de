namespace RestStream.Hosting;

/// <summary>The name under which every part of this program makes its instruments; <c>/metrics</c> shows all of that name.</summary>
internal static class HostMeter
{
    public const string Name = "RestStream";
}
