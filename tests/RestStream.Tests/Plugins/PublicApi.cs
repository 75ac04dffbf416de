using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace RestStream.Tests.Plugins;

/// <summary>What strangers compile against, as text: every visible type and member of an assembly, in ordinal order. Names of parameters and default values count: callers use them. Members that the compiler makes do not.</summary>
internal static class PublicApi
{
    private static readonly NullabilityInfoContext _nullability = new();

    public static string Of(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Header(type)).Append('\n');
            foreach (var line in Members(type).Order(StringComparer.Ordinal))
                text.Append("  ").Append(line).Append('\n');
        }

        return text.ToString();
    }

    private static string Header(Type type)
    {
        var kind = type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct" : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";
        var inherited = type.BaseType?.GetInterfaces() ?? [];
        string[] bases =
        [
            .. type.BaseType is { } parent && parent != typeof(object) && !type.IsValueType ? (string[])[Name(parent)] : [],
            .. type.IsEnum ? (IEnumerable<string>)[] : type.GetInterfaces().Except(inherited).Select(Name).Order(StringComparer.Ordinal),
        ];
        return $"{kind} {type.Namespace}.{Name(type)}{(bases.Length > 0 ? " : " + string.Join(", ", bases) : "")}";
    }

    private static IEnumerable<string> Members(Type type)
    {
        const BindingFlags All = BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;
        if (type.IsEnum)
            return type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => $"{field.Name} = {Convert.ToInt64(field.GetRawConstantValue())}");

        return type.GetMembers(All).Where(member => !member.IsDefined(typeof(CompilerGeneratedAttribute)) || member is PropertyInfo).Select(member => member switch
        {
            ConstructorInfo made when IsVisible(made) => $"{Access(made)}{Name(type)}({Parameters(made)})",
            MethodInfo method when IsVisible(method) && !method.IsSpecialName => $"{Access(method)}{Name(_nullability.Create(method.ReturnParameter))} {method.Name}{Generics(method)}({Parameters(method)})",
            PropertyInfo property when property.GetMethod is { } getter && IsVisible(getter) => $"{Access(getter)}{Name(_nullability.Create(property))} {property.Name}{Indexer(property)} {{ get;{Setter(property)} }}",
            FieldInfo { IsPublic: true } field => $"{(field.IsLiteral ? "const " : "static ")}{Name(_nullability.Create(field))} {field.Name}{(field.IsLiteral ? $" = {field.GetRawConstantValue()}" : "")}",
            _ => "",
        }).Where(line => line.Length > 0);
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Access(MethodBase method) =>
        (method.IsPublic ? "" : "protected ") + (method.IsStatic ? "static " : method.DeclaringType!.IsInterface ? "" : method.IsAbstract ? "abstract "
            : method is MethodInfo m && m.GetBaseDefinition() != m ? "override " : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "");

    private static string Setter(PropertyInfo property) => property.SetMethod is not { } setter || !IsVisible(setter) ? ""
        : (property.IsDefined(typeof(RequiredMemberAttribute)) ? " required" : "") + (setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? " init;" : " set;");

    private static string Indexer(PropertyInfo property) => property.GetIndexParameters() is { Length: > 0 } indexes ? $"[{string.Join(", ", indexes.Select(p => Name(_nullability.Create(p))))}]" : "";

    private static string Generics(MethodInfo method) => method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        $"{(parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : "")}{Name(_nullability.Create(parameter))} {parameter.Name}"
        + (parameter.HasDefaultValue ? $" = {parameter.DefaultValue ?? "default"}" : "")));

    private static string Name(NullabilityInfo info)
    {
        var type = info.Type;
        var name = type.IsArray ? Name(info.ElementType!) + "[]"
            : type.IsGenericType && Nullable.GetUnderlyingType(type) is null ? $"{Plain(type)}<{string.Join(", ", info.GenericTypeArguments.Select(Name))}>"
            : Name(type);
        return !type.IsValueType && info.ReadState == NullabilityState.Nullable ? name + "?" : name;
    }

    private static string Name(Type type) =>
        Nullable.GetUnderlyingType(type) is { } value ? Name(value) + "?"
        : type.IsArray ? Name(type.GetElementType()!) + "[]"
        : type.IsGenericType ? $"{Plain(type)}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
        : type.IsNested && !type.IsGenericParameter ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Name;

    private static string Plain(Type type) => type.Name.Split('`')[0];
}
