namespace RestStream.Connect.Plugins;

/// <summary>Finds plugin folders.</summary>
internal static class PluginFolders
{
    private static readonly Version _api = typeof(Connector).Assembly.GetName().Version!;

    /// <summary>The usable plugin folders below these, in ordinal order of their paths; what is wrong with others goes to <paramref name="problems"/>.</summary>
    public static List<PluginFolder> Read(IEnumerable<string> pluginPath, List<PluginProblem> problems)
    {
        var found = new List<PluginFolder>();
        foreach (var path in pluginPath.Where(Directory.Exists))
        {
            foreach (var folder in SubFolders(path, problems))
            {
                if (HasManifest(folder))
                {
                    TryRead(folder, found, problems);
                    continue;
                }

                var versions = SubFolders(folder, problems).FindAll(HasManifest);
                if (versions.Count == 0)
                    problems.Add(new PluginProblem(folder, $"There is no {PluginManifest.FileName} in the folder, nor in a folder of it."));
                versions.ForEach(version => TryRead(version, found, problems));
            }
        }

        return found;
    }

    private static bool HasManifest(string folder) => File.Exists(Path.Combine(folder, PluginManifest.FileName));

    /// <summary>Without hidden ones: file managers and version control leave them behind.</summary>
    private static List<string> SubFolders(string path, List<PluginProblem> problems)
    {
        try
        {
            return [.. Directory.GetDirectories(path).Where(folder => !Path.GetFileName(folder).StartsWith('.')).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(new PluginProblem(path, e.Message));
            return [];
        }
    }

    private static void TryRead(string path, List<PluginFolder> found, List<PluginProblem> problems)
    {
        try
        {
            var folder = PluginFolder.Read(path);
            if (folder.Manifest.MinApi is { } needed && needed > _api)
                problems.Add(new PluginProblem(path, $"{folder.Manifest.Name} {folder.Manifest.Version} needs the connector API {needed}; this worker has {_api.ToString(3)}. Update RestStream, or use an older version of the plugin."));
            else
                found.Add(folder);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            problems.Add(new PluginProblem(path, e.Message));
        }
    }
}
