using System.Reflection;

namespace RestStream.Hosting;

/// <summary>Version and commit that the build wrote into the assembly.</summary>
internal static class ProductVersion
{
    private static readonly string[] s_parts =
        (typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0").Split('+', 2);

    /// <summary>Such as <c>0.1.0</c>.</summary>
    public static string Version => s_parts[0];

    /// <summary>The commit's hash; <c>unknown</c> when built outside a checkout.</summary>
    public static string Commit => s_parts.Length > 1 ? s_parts[1] : "unknown";
}
