using System.Globalization;
using System.Text.Json;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;
using RestStream.Http.Topics;
using RestStream.Storage;

namespace RestStream.Http.Compat;

/// <summary>
/// A small body of REST Proxy v2, read by one product's rules. Whoever reads a member notes what is wrong with it; <see cref="ThrowIfWrong"/> refuses all of it at once.
/// </summary>
internal sealed class V2Body
{
    private readonly Profile _profile;
    private readonly List<FieldError> _problems = [];
    private Fault _fault;

    private V2Body(Profile profile, JsonElement? root)
    {
        _profile = profile;
        IsMissing = root is null;
        Root = root ?? JsonDocument.Parse("{}").RootElement;
    }

    /// <summary>There was no body at all; <see cref="Root"/> is an empty object then.</summary>
    public bool IsMissing { get; }

    public JsonElement Root { get; }

    /// <exception cref="HttpError">No body (unless <paramref name="optional"/>), another type, not JSON, not an object.</exception>
    public static async Task<V2Body> ReadAsync(HttpContext context, Profile profile, bool optional)
    {
        var bytes = await JsonBody.ReadBytesAsync(context.Request, context.RequestAborted);
        if (bytes.Span.Trim(" \t\r\n"u8).IsEmpty)
        {
            if (!optional)
                throw profile.Refuse(Fault.NoBody, "This call needs a JSON object as its body.");
            return new V2Body(profile, null);
        }

        profile.CheckContentType(context.Request);
        try
        {
            var root = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false }).RootElement;
            return root.ValueKind == JsonValueKind.Object ? new V2Body(profile, root) : throw profile.Refuse(Fault.NotAnObject, "The body is a JSON object.");
        }
        catch (JsonException broken)
        {
            throw profile.Refuse(
                Fault.BrokenJson, $"The body is not valid JSON at line {(broken.LineNumber ?? 0) + 1}, byte {(broken.BytePositionInLine ?? 0) + 1}, or it names a member twice.");
        }
    }

    /// <summary>Notes every member that is none of these, where the product refuses such.</summary>
    public void Only(JsonElement parent, string path, params ReadOnlySpan<string> members)
    {
        if (!_profile.RefusesUnknownMembers)
            return;
        foreach (var member in parent.EnumerateObject())
        {
            if (!members.Contains(member.Name))
                Note(Fault.UnknownMember, Path(path, Short(member.Name)), $"There is no such member; known are {string.Join(", ", members)}.");
        }
    }

    /// <summary>Whether the member is there and not null.</summary>
    public static bool Has(JsonElement parent, string member) => parent.TryGetProperty(member, out var value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>A string; null when it is not there or wrong.</summary>
    public string? Text(JsonElement parent, string path, string member, bool required = false)
    {
        if (!TryMember(parent, path, member, required, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.String)
        {
            try
            {
                return value.GetString();
            }
            catch (InvalidOperationException)
            {
                // Half of a surrogate pair has no text.
            }
        }

        Note(Fault.WrongType, Path(path, member), $"{member} is a string.");
        return null;
    }

    /// <summary>A whole number from 0 on; null when it is not there or wrong.</summary>
    public long? Number(JsonElement parent, string path, string member, long most, bool required = false)
    {
        if (!TryMember(parent, path, member, required, out var value))
            return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var number))
            Note(Fault.WrongType, Path(path, member), $"{member} is a whole number.");
        else if (number < 0 || number > most)
            Note(Fault.BadValue, Path(path, member), string.Create(CultureInfo.InvariantCulture, $"{member} is a whole number from 0 to {most}."));
        else
            return number;
        return null;
    }

    /// <summary>A list of objects, each with its path; null when it is not there or wrong.</summary>
    public List<(JsonElement Item, string Path)>? Objects(string member, bool required = false)
    {
        if (!TryMember(Root, "", member, required, out var list))
            return null;
        if (list.ValueKind != JsonValueKind.Array)
        {
            Note(Fault.WrongType, member, $"{member} is a list.");
            return null;
        }

        var items = new List<(JsonElement, string)>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{member}[{items.Count}]");
            if (item.ValueKind != JsonValueKind.Object)
                Note(Fault.WrongType, path, $"What {member} lists are objects.");
            items.Add((item, path));
        }

        return _problems.Count == 0 ? items : null;
    }

    /// <summary>A list of strings; null when it is not there or wrong.</summary>
    public List<string>? Texts(string member)
    {
        if (!TryMember(Root, "", member, required: false, out var list))
            return null;
        if (list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(i => i.ValueKind == JsonValueKind.String))
            return [.. list.EnumerateArray().Select(i => i.GetString()!)];
        Note(Fault.WrongType, member, $"{member} is a list of strings.");
        return null;
    }

    /// <summary>The <c>topic</c> and <c>partition</c> of an object.</summary>
    public TopicPartition Partition(JsonElement parent, string path)
    {
        var topic = Text(parent, path, "topic", required: true);
        var partition = Number(parent, path, "partition", int.MaxValue, required: true);
        if (topic is not null && TopicNames.FindProblem(topic) is { } problem)
            Note(Fault.BadValue, Path(path, "topic"), problem);
        return new TopicPartition(topic ?? "", (int)(partition ?? 0));
    }

    public void Note(Fault fault, string field, string message)
    {
        _fault = _problems.Count == 0 || fault > _fault ? fault : _fault;
        _problems.Add(new FieldError(field, message));
    }

    /// <exception cref="HttpError">Something was noted.</exception>
    public void ThrowIfWrong()
    {
        if (_problems.Count > 0)
            throw _profile.Refuse(_fault, string.Join(' ', _problems.Select(p => $"{p.Field}: {p.Message}").Distinct().Take(10)), [.. _problems]);
    }

    private bool TryMember(JsonElement parent, string path, string member, bool required, out JsonElement value)
    {
        if (parent.TryGetProperty(member, out value) && value.ValueKind != JsonValueKind.Null)
            return true;
        if (required)
            Note(Fault.MissingMember, Path(path, member), $"'{member}' is missing.");
        return false;
    }

    private static string Path(string path, string member) => path.Length == 0 ? member : $"{path}.{member}";

    /// <summary>A name of the client's, cut when long.</summary>
    private static string Short(string name) => name.Length <= 64 ? name : string.Concat(name.AsSpan(0, 64), "…");
}
