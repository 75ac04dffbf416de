using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RestStream.TestKit.History;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Faults.Load;

/// <summary>A group member that is a process of its own (tests/compat/group_member.py) and can be killed at any moment; what it managed to write down is its history.</summary>
internal sealed class GroupMemberProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _reading;
    private readonly string _errors;
    private (long Start, IReadOnlyList<HistoryPosition> Acked)? _open;

    /// <summary><paramref name="urlFile"/> holds the server's address, <paramref name="mode"/> is <c>poll</c>, <c>stream</c>, <c>v2</c> or <c>v2auto</c>; <paramref name="entries"/> is called for every call that the member made, in order.</summary>
    public GroupMemberProcess(string urlFile, string group, string topic, string member, string mode, Action<GroupEntry> entries)
    {
        (Member, Mode) = (member, mode);
        _errors = urlFile + "." + member + ".err";
        var script = Path.Combine(Locations.RepositoryRoot, "tests", "compat", "group_member.py");
        _process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" 2>>\"$ERRORS\"", Tool.SystemPython, script, urlFile, group, topic, member, mode])
        {
            RedirectStandardOutput = true,
            Environment = { ["ERRORS"] = _errors },
        })!;
        _reading = ReadAsync(entries);
    }

    public string Member { get; }
    public string Mode { get; }

    /// <summary>A member never ends by itself.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>What it wrote to its standard error: nothing, unless the server answered what its script cannot read.</summary>
    public string Errors => File.Exists(_errors) ? File.ReadAllText(_errors) : "";

    /// <summary>kill -9. Everything that it had written down is in the history when this returns; a call that was under way has no outcome.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        await _reading;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    private async Task ReadAsync(Action<GroupEntry> entries)
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            // A line that the kill cut is as if it had not been written.
            if (!line.EndsWith('}'))
                break;
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            if (root.TryGetProperty("begin", out var begin))
                _open = (begin.GetInt64(), [.. root.GetProperty("acked").EnumerateArray().Select(Position)]);
            else
                entries(Finish(root));
        }

        if (_open is { } cut)
            entries(new GroupEntry(cut.Start, ClientHistory.Now, Member, Outcome.Info) { Acked = cut.Acked });
    }

    private GroupEntry Finish(JsonElement end)
    {
        var (start, acked) = _open!.Value;
        _open = null;
        return new GroupEntry(start, end.GetProperty("end").GetInt64(), Member, Enum.Parse<Outcome>(end.GetProperty("outcome").GetString()!))
        {
            Acked = acked,
            Generation = end.GetProperty("generation").GetInt32(),
            Owned = [.. end.GetProperty("owned").EnumerateArray().Select(o => (o[0].GetString()!, o[1].GetInt32()))],
            Records = [.. end.GetProperty("records").EnumerateArray().Select(r => new HistoryRecord(r[0].GetString()!, r[1].GetInt32(), r[2].GetInt64(), r[3].GetString()!, 0))],
        };
    }

    private static HistoryPosition Position(JsonElement position) =>
        new(position[0].GetString()!, position[1].GetInt32(), long.Parse(position[2].GetRawText(), CultureInfo.InvariantCulture));
}
