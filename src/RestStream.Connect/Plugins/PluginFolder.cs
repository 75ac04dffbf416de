using System.Reflection;

namespace RestStream.Connect.Plugins;

/// <summary>One plugin folder as it was when its manifest was read. Its code is loaded when the first instance is made. Safe on any thread.</summary>
internal sealed class PluginFolder
{
    private readonly Lock _loading = new();
    private Assembly? _assembly;

    private PluginFolder(string path)
    {
        FullPath = path;
        Manifest = PluginManifest.Read(path);
        Fingerprint = string.Join('\n', new DirectoryInfo(path).EnumerateFiles().Where(file => file.Extension is ".json" or ".dll").OrderBy(file => file.Name, StringComparer.Ordinal)
            .Select(file => $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks}"));
    }

    public string FullPath { get; }

    public PluginManifest Manifest { get; }

    /// <summary>Changes when a file of the folder is replaced: what was loaded from it is then no longer what is in it.</summary>
    public string Fingerprint { get; }

    /// <exception cref="InvalidDataException">Its manifest is wrong.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static PluginFolder Read(string path) => new(path);

    /// <summary>The type of that name, from the folder's own load context.</summary>
    /// <exception cref="ConnectException">The code cannot be loaded, or the type is not there.</exception>
    public Type Load(string typeName)
    {
        lock (_loading)
        {
            try
            {
                // A load that failed is tried again: the missing file may have been added.
                var file = Path.Combine(FullPath, Manifest.Assembly);
                _assembly ??= new PluginLoadContext(file).LoadFile(file);
                return _assembly.GetType(typeName, throwOnError: true)!;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or BadImageFormatException or TypeLoadException or InvalidOperationException)
            {
                throw new ConnectException($"Plugin {Manifest.Name} {Manifest.Version} in {FullPath} cannot be loaded: {e.Message}", e);
            }
        }
    }
}
