using System.Globalization;

using RestStream.Connect;
using RestStream.Connectors.Shared;

namespace RestStream.Connectors.Folders;

/// <summary>
/// Takes files out of the input folder. A file never replaces another: where the name is taken it gets a number behind it. Each step can be repeated after a crash: a move to another disk copies under a hidden
/// name first and removes the original last. What is written is opened through the roots: who may put files into a folder could put a link where a flag or a note will be.
/// </summary>
internal sealed class FileCleanup(DirectorySettings settings, FileRoots files, string? finishedPath, string? errorPath)
{
    private const string InTopic = "What was read of it is in the topic.";

    public string FlagOf(string path) => path + settings.ProcessingExtension;

    /// <summary>What the clean-up policy wants of a file that is read and committed.</summary>
    /// <exception cref="ConnectException">It cannot be done.</exception>
    public void Finish(string path, FileFacts facts)
    {
        Do(path, "moved or deleted", InTopic, () =>
        {
            switch (settings.Policy)
            {
                case CleanupPolicy.Move:
                    Move(path, finishedPath!, facts);
                    break;
                case CleanupPolicy.MoveByDate:
                    var day = DateTimeOffset.FromUnixTimeMilliseconds(facts.ModifiedMilliseconds).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
                    Move(path, Path.Combine(finishedPath!, day), facts);
                    break;
                case CleanupPolicy.Delete:
                    File.Delete(path);
                    break;
            }

            File.Delete(FlagOf(path));
        });
    }

    /// <summary>Takes a file with a bad record away, with a note of what is wrong. Answers where it is now.</summary>
    /// <exception cref="ConnectException">It cannot be done.</exception>
    public string Reject(string path, FileFacts facts, string message)
    {
        var target = path;
        Do(path, "moved", InTopic, () =>
        {
            if (errorPath is not null)
            {
                target = Move(path, errorPath, facts);
                using var note = new StreamWriter(files.Open(target + ".error", FileMode.Create, FileAccess.Write));
                note.Write(message + "\n");
            }

            File.Delete(FlagOf(path));
        });
        return target;
    }

    public void Flag(string path)
    {
        if (settings.Policy != CleanupPolicy.None)
            Do(path, "flagged", "It was not opened.", () => files.Open(FlagOf(path), FileMode.OpenOrCreate, FileAccess.Write).Dispose());
    }

    public void Unflag(string path) => Do(path, "relieved of its flag", InTopic, () => File.Delete(FlagOf(path)));

    private static void Do(string path, string what, string state, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConnectException($"'{path}' cannot be {what}: {e.Message} {state} The task tries again when it starts.", e);
        }
    }

    private string Move(string path, string folder, FileFacts facts)
    {
        folder = files.Resolve(folder);
        Directory.CreateDirectory(folder);
        var target = Path.Combine(folder, Path.GetFileName(path));
        if (Posix.FindFacts(folder)?.Device == facts.Device)
        {
            target = FreeName(target);
            File.Move(path, target);
        }
        else
        {
            target = MoveToOtherDisk(path, target, facts);
        }

        Posix.SyncFolder(folder);
        Posix.SyncFolder(Path.GetDirectoryName(path)!);
        return target;
    }

    private string MoveToOtherDisk(string path, string target, FileFacts facts)
    {
        // A crash may have come between the copy and the removal: then it is there already.
        if (Posix.FindFacts(target) is not { } there || there.Size != facts.Size || there.ModifiedMilliseconds != facts.ModifiedMilliseconds)
        {
            target = FreeName(target);
            var copy = Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.moving");
            using (var from = files.Open(path, FileMode.Open, FileAccess.Read))
            using (var to = files.Open(copy, FileMode.Create, FileAccess.Write))
            {
                from.CopyTo(to);
                to.Flush();
                if (!OperatingSystem.IsWindows())
                    File.SetUnixFileMode(to.SafeFileHandle, File.GetUnixFileMode(from.SafeFileHandle));
                File.SetLastWriteTimeUtc(to.SafeFileHandle, File.GetLastWriteTimeUtc(from.SafeFileHandle));
                Posix.Sync(to.SafeFileHandle, copy);
            }

            File.Move(copy, target);
            Posix.SyncFolder(Path.GetDirectoryName(target)!);
        }

        File.Delete(path);
        return target;
    }

    private static string FreeName(string target)
    {
        var free = target;
        for (var number = 1; Posix.FindFacts(free) is not null; number++)
            free = string.Create(CultureInfo.InvariantCulture, $"{target}.{number}");
        return free;
    }
}
