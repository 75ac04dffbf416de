using RestStream.Storage.Tests.Log;
using RestStream.TestKit.Disks;

namespace RestStream.Storage.Tests.Directories;

/// <summary>Bytes change on the disk while the server is down.</summary>
public class DamageTests
{
    private const string Segment = "/data/t-0/00000000000000000000.log";

    private static readonly string[] s_values = [.. Enumerable.Range(0, 6).Select(i => $"value {i}")];

    [Fact]
    public async Task A_flipped_byte_anywhere_costs_nothing_while_the_journal_holds_the_batch()
    {
        var disk = await WrittenAsync(flushed: false);

        for (var position = 0; position < disk.FileLength(Segment); position++)
        {
            var damaged = Flipped(disk, position);
            await using var run = new DirectoryRun(damaged);
            Assert.Equal(s_values, DirectoryRun.Values(run.Log("t")));
            Assert.Empty(run.Log("t").Damage);
        }
    }

    [Fact]
    public async Task A_flipped_byte_below_the_recovery_point_costs_nothing_while_the_journal_holds_the_batch()
    {
        var disk = await WrittenAsync(flushed: true);

        for (var position = 0; position < disk.FileLength(Segment); position++)
        {
            await using var run = new DirectoryRun(Flipped(disk, position));
            Assert.Equal(s_values, DirectoryRun.Values(run.Log("t")));
        }
    }

    [Fact]
    public async Task A_flipped_byte_below_the_recovery_point_costs_at_most_that_batch_without_the_journal()
    {
        var disk = await WrittenAsync(flushed: true);
        foreach (var name in disk.List("/data/journal"))
            disk.DeleteFile($"/data/journal/{name}");
        disk.FlushDirectory("/data/journal");
        var batch = disk.FileLength(Segment) / s_values.Length;

        for (var position = 0; position < disk.FileLength(Segment); position++)
        {
            await using var run = new DirectoryRun(Flipped(disk, position));
            var log = run.Log("t");

            var values = log.ReadAll();

            Assert.All(values, record => Assert.Equal(s_values[record.Offset], record.Value));
            Assert.Equal(s_values.Length, log.HighWatermark);
            var lost = s_values.Except(values.Select(v => v.Value)).ToList();
            Assert.True(lost.Count == 0 || (lost.Count == 1 && lost[0] == s_values[position / batch]), $"byte {position} cost {string.Join(", ", lost)}");
            Assert.Equal(s_values.Length, (await run.AppendAsync(log, "goes on")).BaseOffset);
        }
    }

    /// <summary>Six batches of one record each, killed; flushed: the segment is on disk and the checkpoint says so.</summary>
    private static async Task<SimulatedDisk> WrittenAsync(bool flushed)
    {
        var disk = new SimulatedDisk();
        var run = new DirectoryRun(disk);
        var log = run.Log("t");
        foreach (var value in s_values)
            await run.AppendAsync(log, value);
        if (flushed)
        {
            run.Clock.Advance(TimeSpan.FromSeconds(10));
            using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (Checkpoints.Read(disk, "/data", Checkpoints.RecoveryPoints).GetValueOrDefault(log.Id) != s_values.Length)
            {
                giveUp.Token.ThrowIfCancellationRequested();
                await Task.Delay(1);
            }
        }
        var killed = disk.Restart();
        await run.DisposeAsync();
        return killed;
    }

    private static SimulatedDisk Flipped(SimulatedDisk disk, int position)
    {
        var copy = disk.Restart();
        using var file = copy.Open(Segment, create: false);
        Span<byte> one = stackalloc byte[1];
        file.Read(one, position);
        one[0] ^= (byte)(1 << (position % 8));
        file.Write(one, position);
        file.Flush();
        return copy;
    }
}
