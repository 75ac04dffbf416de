using System.Security.Cryptography;
using System.Text;
using RestStream.Connect.Configs;
using RestStream.Storage.Files;

namespace RestStream.Connect.Stores;

/// <summary>
/// Seals the secrets of configurations in the configuration topic, which whoever may read topics can read: <c>sealed:v1:</c> and Base64 of nonce (12 bytes), ciphertext and tag (16 bytes) of AES-256-GCM, bound to
/// connector and key. The key is 32 bytes in a file of the data folder that only its owner can read; without a file nothing is sealed, as in Kafka Connect. Safe on any thread.
/// </summary>
/// <param name="key">32 bytes; null seals nothing.</param>
/// <param name="secretKeys">Which keys of a configuration are secret (<see cref="ConnectorValidation.SecretKeys"/>).</param>
internal sealed class SecretSeal(byte[]? key, Func<IReadOnlyDictionary<string, string>, IReadOnlySet<string>> secretKeys)
{
    private const string Prefix = "sealed:v1:";
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    /// <summary>Reads the key, or makes one: it is durable before anything is sealed with it.</summary>
    /// <param name="keyFile">Absolute; null: nothing is sealed.</param>
    /// <exception cref="ConnectException">The file holds something else.</exception>
    public static byte[]? OpenKey(string? keyFile)
    {
        if (keyFile is null)
            return null;
        if (!File.Exists(keyFile))
            MakeKey(keyFile);
        try
        {
            if (Convert.FromBase64String(File.ReadAllText(keyFile).Trim()) is { Length: 32 } key)
                return key;
        }
        catch (FormatException)
        {
            // The same as a key of another length.
        }

        throw new ConnectException($"'{keyFile}' does not hold a key of 32 bytes in Base64. Put the right file back, or move it away: a new one is made, and the secrets of all connectors must be set again.");
    }

    /// <summary>The configuration as it may stand in the topic.</summary>
    public IReadOnlyDictionary<string, string> Seal(string connector, IReadOnlyDictionary<string, string> config)
    {
        if (key is null)
            return config;
        var secret = secretKeys(config);
        return config.ToDictionary(e => e.Key, e => IsToBeSealed(e, secret) ? SealValue(connector, e.Key, e.Value) : e.Value);
    }

    /// <summary>The configuration as the user wrote it. What was sealed with another key stays sealed.</summary>
    /// <returns>The names of the settings that could not be opened, too.</returns>
    public (Dictionary<string, string> Config, IReadOnlyList<string> Lost) Open(string connector, Dictionary<string, string> stored)
    {
        List<string> lost = [];
        foreach (var (name, value) in stored.Where(e => e.Value.StartsWith(Prefix, StringComparison.Ordinal)).ToList())
        {
            if (OpenValue(connector, name, value) is { } opened)
                stored[name] = opened;
            else
                lost.Add(name);
        }

        return (stored, lost);
    }

    // What looks sealed is sealed again, so that it comes back as it is; but not what this key could not open.
    private static bool IsToBeSealed(KeyValuePair<string, string> setting, IReadOnlySet<string> secret) =>
        secret.Contains(setting.Key) || setting.Value.StartsWith(Prefix, StringComparison.Ordinal) || Secrets.InUrls(setting.Value).Any();

    private static byte[] Place(string connector, string name) => Encoding.UTF8.GetBytes($"{connector}\0{name}");

    private static void MakeKey(string keyFile)
    {
        var (files, temporary) = (new LinuxFileSystem(), keyFile + ".tmp");
        using (var file = files.Open(temporary, create: true))
        {
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            file.SetLength(0);
            file.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)) + "\n"), 0);
            file.Flush();
        }

        files.Rename(temporary, keyFile);
        files.FlushDirectory(Path.GetDirectoryName(keyFile)!);
    }

    private string SealValue(string connector, string name, string value)
    {
        if (value.StartsWith(Prefix, StringComparison.Ordinal) && OpenValue(connector, name, value) is null && IsSealed(value))
            return value;
        var clear = Encoding.UTF8.GetBytes(value);
        var box = new byte[NonceBytes + clear.Length + TagBytes];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(key!, TagBytes);
        aes.Encrypt(box.AsSpan(0, NonceBytes), clear, box.AsSpan(NonceBytes, clear.Length), box.AsSpan(^TagBytes..), Place(connector, name));
        return Prefix + Convert.ToBase64String(box);
    }

    private static bool IsSealed(string value) =>
        Convert.TryFromBase64String(value[Prefix.Length..], new byte[value.Length], out var length) && length >= NonceBytes + TagBytes;

    private string? OpenValue(string connector, string name, string value)
    {
        if (key is null || !IsSealed(value))
            return null;
        var box = Convert.FromBase64String(value[Prefix.Length..]);
        var clear = new byte[box.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        try
        {
            aes.Decrypt(box.AsSpan(0, NonceBytes), box.AsSpan(NonceBytes, clear.Length), box.AsSpan(^TagBytes..), clear, Place(connector, name));
            return Encoding.UTF8.GetString(clear);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }
}
