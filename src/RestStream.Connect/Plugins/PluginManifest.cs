using System.Text.Json;

namespace RestStream.Connect.Plugins;

/// <summary>A class of a plugin folder, as its manifest names it.</summary>
/// <param name="Class">Its name in configurations.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Type">The full name of the CLR type.</param>
/// <param name="Aliases">Other names that are accepted.</param>
internal sealed record PluginClass(string Class, PluginKind Kind, string Type, IReadOnlyList<string> Aliases);

/// <summary>
/// The file <c>plugin.json</c> of a plugin folder. It says what is in the folder, so that listing plugins runs no code of them:
/// <code>{ "name": "acme", "version": "1.2.0", "assembly": "Acme.Connect.dll", "minApi": "0.1.0", "classes": [{ "class": "com.acme.AcmeSink", "kind": "sink", "type": "Acme.Connect.AcmeSinkConnector", "aliases": [] }] }</code>
/// <c>class</c> is the name in configurations; left out, it is <c>type</c>. Fields that are not known are passed over.
/// </summary>
internal sealed record PluginManifest(string Name, string Version, string Assembly, Version? MinApi, IReadOnlyList<PluginClass> Classes)
{
    public const string FileName = "plugin.json";

    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web) { ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>Reads the manifest of a folder.</summary>
    /// <exception cref="InvalidDataException">It is none; the message says what is wrong with it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static PluginManifest Read(string folder)
    {
        Form form;
        try
        {
            form = JsonSerializer.Deserialize<Form>(File.ReadAllBytes(Path.Combine(folder, FileName)), _json) ?? throw new InvalidDataException($"{FileName} is null.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{FileName} is no manifest: {e.Message}", e);
        }

        var name = Required(form.Name, "name");
        var version = Required(form.Version, "version");
        var assembly = Required(form.Assembly, "assembly");
        if (Path.GetFileName(assembly) != assembly)
            throw new InvalidDataException($"{FileName}: \"assembly\" must name a file of the folder itself, not '{assembly}'.");
        if (!File.Exists(Path.Combine(folder, assembly)))
            throw new InvalidDataException($"{FileName}: the assembly '{assembly}' is not in the folder.");
        Version? minApi = null;
        if (form.MinApi is not null && !System.Version.TryParse(form.MinApi, out minApi))
            throw new InvalidDataException($"{FileName}: \"minApi\" must be a version like 0.1.0, not '{form.MinApi}'.");
        if (form.Classes is not { Count: > 0 })
            throw new InvalidDataException($"{FileName}: \"classes\" names no class.");
        var classes = form.Classes.ConvertAll(Class);
        if (classes.GroupBy(c => (c.Class, c.Kind)).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InvalidDataException($"{FileName}: class '{twice.Key.Class}' is there twice.");
        return new PluginManifest(name, version, assembly, minApi, classes);
    }

    private static PluginClass Class(ClassForm form)
    {
        var type = Required(form.Type, "classes[].type");
        return new PluginClass(form.Class ?? type, PluginKinds.Parse(Required(form.Kind, "classes[].kind")), type, form.Aliases ?? []);
    }

    private static string Required(string? value, string field) =>
        string.IsNullOrWhiteSpace(value) ? throw new InvalidDataException($"{FileName}: \"{field}\" is missing.") : value.Trim();

    private sealed record Form(string? Name, string? Version, string? Assembly, string? MinApi, List<ClassForm>? Classes);

    private sealed record ClassForm(string? Class, string? Kind, string? Type, List<string>? Aliases);
}
