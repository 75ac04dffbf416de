using System.Collections;
using System.Text;
using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>The way to a field: one name, or several where structs or maps are nested (KIP-821).</summary>
internal sealed class FieldPath
{
    private const string Purpose = "nested field access";

    private readonly IReadOnlyList<string> _steps;

    private FieldPath(IReadOnlyList<string> steps) => _steps = steps;

    private string Last => _steps[^1];

    /// <summary>A field of that name; dots and backticks are characters of it.</summary>
    public static FieldPath Of(string name) => new([name]);

    /// <summary>
    /// Names with dots between them. A name may stand in backticks and then hold dots; it ends at a backtick with a dot or the end behind it. A backtick before a dot that does not end the name
    /// has a backslash before it.
    /// </summary>
    /// <exception cref="ConfigException">A name in backticks does not end, or there is no name.</exception>
    public static FieldPath Parse(string path)
    {
        if (path.Length == 0)
            throw new ConfigException("field", path, "A path needs at least one name");
        var steps = new List<string>();
        var at = 0;
        while (at < path.Length)
        {
            if (path[at] == '`')
            {
                steps.Add(Quoted(path, ref at));
                continue;
            }
            var dot = path.IndexOf('.', at);
            steps.Add(dot < 0 ? path[at..] : path[at..dot]);
            at = dot < 0 ? path.Length : dot + 1;
        }
        if (path[^1] == '.')
            steps.Add("");
        return new FieldPath(steps);
    }

    /// <summary>Null when there is none.</summary>
    public Field? In(Schema schema)
    {
        for (var i = 0; i < _steps.Count - 1; i++)
        {
            if (schema.Field(_steps[i]) is not { } field)
                return null;
            schema = field.Schema;
        }
        return schema.Field(Last);
    }

    /// <summary>Null when there is none, or nothing on the way to it.</summary>
    public object? In(Struct value, bool replaceNull)
    {
        for (var i = 0; i < _steps.Count - 1; i++)
        {
            if (value.Schema.Field(_steps[i]) is not { } step || Requirements.StructOrNull(value.Get(step, replaceNull), Purpose) is not { } inner)
                return null;
            value = inner;
        }
        return value.Schema.Field(Last) is { } field ? value.Get(field, replaceNull) : null;
    }

    /// <summary>Null when there is none, or nothing on the way to it.</summary>
    public object? In(IDictionary map)
    {
        for (var i = 0; i < _steps.Count - 1; i++)
        {
            if (Requirements.MapOrNull(map[_steps[i]], Purpose) is not { } inner)
                return null;
            map = inner;
        }
        return map[Last];
    }

    private static string Quoted(string path, ref int at)
    {
        var opening = at++;
        var name = new StringBuilder();
        for (; ; at++)
        {
            if (at == path.Length)
                throw Incomplete();
            var c = path[at];
            var last = at == path.Length - 1;
            if (c != '`' || (!last && path[at + 1] != '.'))
            {
                name.Append(c);
                continue;
            }
            if (path[at - 1] != '\\')
            {
                at += 2;
                return name.ToString();
            }
            if (last)
                throw Incomplete();
            name[^1] = '`';
        }

        ConfigException Incomplete() =>
            new($"Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at position {opening} to escape it");
    }
}
