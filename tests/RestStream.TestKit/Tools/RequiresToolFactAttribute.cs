using Xunit;

namespace RestStream.TestKit.Tools;

/// <summary>A test that is skipped, with the reason, where one of the <see cref="Tool"/>s is missing (unless RESTSTREAM_REQUIRE_TOOLS=1).</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RequiresToolFactAttribute : FactAttribute
{
    public RequiresToolFactAttribute(params string[] tools) => Skip = Tool.WhyMissing(tools);
}

/// <summary>A theory that is skipped, with the reason, where one of the <see cref="Tool"/>s is missing (unless RESTSTREAM_REQUIRE_TOOLS=1).</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RequiresToolTheoryAttribute : TheoryAttribute
{
    public RequiresToolTheoryAttribute(params string[] tools) => Skip = Tool.WhyMissing(tools);
}
