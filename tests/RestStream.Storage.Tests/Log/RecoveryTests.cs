using RestStream.Storage.Records;
using RestStream.Storage.Segments;
using RestStream.TestKit.Disks;

namespace RestStream.Storage.Tests.Log;

/// <summary>Every way in which the files of a small log can be short, wrong or missing, one after the other.</summary>
public sealed class RecoveryTests : IDisposable
{
    private static readonly LogConfig s_small = LogConfig.Default with { SegmentBytes = 600, IndexIntervalBytes = 100 };

    private readonly LogFixture _fixture = new(new SimulatedDisk());

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void A_tail_torn_at_any_byte_is_cut_to_the_last_whole_batch_and_kept_aside()
    {
        var (path, bytes, ends) = WriteOneSegment();

        for (var length = 0; length < bytes.Length; length++)
        {
            _fixture.WriteAllBytes(path, bytes[..length]);
            var log = _fixture.OpenAfterCrash(durableEnd: 0);

            var whole = ends.Count(end => end <= length);
            Assert.Equal(whole, log.ReadAll().Count);
            Assert.Equal(whole, log.HighWatermark);
            Assert.Empty(log.Damage);
            var torn = length - (whole == 0 ? 0 : ends[whole - 1]);
            var aside = _fixture.Files.List(_fixture.PartitionDirectory).Where(name => name.Contains(".torn-", StringComparison.Ordinal)).ToList();
            // Zeros hold nothing that could be wanted back.
            Assert.Equal(bytes[(length - torn)..length].Any(b => b != 0) ? 1 : 0, aside.Count);
            Assert.All(aside, name => Assert.Equal(bytes[(length - torn)..length], _fixture.ReadAllBytes(Path.Combine(_fixture.PartitionDirectory, name))));
            log.Append(9000, "goes on");
            Assert.Equal(whole + 1, log.ReadAll().Count);
            _fixture.Kill(log);
            Clean();
        }
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0xFF)]
    public void A_tail_of_one_byte_over_and_over_is_cut(byte filler)
    {
        var (path, bytes, ends) = WriteOneSegment();
        foreach (var count in new[] { 1, 11, 12, 60, 61, 5000 })
        {
            _fixture.WriteAllBytes(path, [.. bytes, .. Enumerable.Repeat(filler, count)]);

            var log = _fixture.OpenForeign();

            Assert.Equal(ends.Count, log.ReadAll().Count);
            Assert.Empty(log.Damage);
            _fixture.Kill(log);
            Clean();
        }
    }

    [Fact]
    public void A_byte_flipped_anywhere_in_a_closed_segment_costs_at_most_its_batch_and_is_never_served()
    {
        var values = WriteSegments();
        var path = _fixture.FileOf(0, ".log");
        var bytes = _fixture.ReadAllBytes(path);
        var positions = Positions(bytes);

        for (var position = 0; position < bytes.Length; position++)
        {
            var flipped = bytes.ToArray();
            flipped[position] ^= (byte)(1 << (position % 8));
            _fixture.WriteAllBytes(path, flipped);
            var log = _fixture.OpenAfterCrash(durableEnd: values.Count, recoveryPoint: values.Count);

            var hit = positions.FindLastIndex(p => p <= position);
            var seen = log.ReadAll();

            Assert.All(seen, record => Assert.Equal(values[(int)record.Offset], record.Value));
            var lost = Enumerable.Range(0, values.Count).Except(seen.Select(record => (int)record.Offset)).ToList();
            Assert.True(lost.Count == 0 || (lost.Count == 1 && lost[0] == hit), $"byte {position} of batch {hit} cost {string.Join(' ', lost)}");
            Assert.Equal(values.Count, log.HighWatermark);
            _fixture.Kill(log);
        }
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    [InlineData("odd")]
    [InlineData("short")]
    [InlineData("of another segment")]
    [InlineData("random")]
    public void Indexes_that_are_wrong_are_rebuilt_and_answer_as_a_scan_does(string wrong)
    {
        var values = WriteSegments();
        var random = new Random(5);
        foreach (var suffix in new[] { ".index", ".timeindex" })
        {
            foreach (var path in Files(suffix))
            {
                var bytes = _fixture.ReadAllBytes(path);
                if (wrong == "missing")
                {
                    _fixture.Files.DeleteFile(path);
                    continue;
                }
                _fixture.WriteAllBytes(path, wrong switch
                {
                    "empty" => [],
                    "odd" => [.. bytes, 1],
                    "short" => bytes[..(bytes.Length / 24 * 12)],
                    "of another segment" => _fixture.ReadAllBytes(Files(suffix)[0]),
                    _ => RandomBytes(random, bytes.Length),
                });
            }
        }

        var log = _fixture.OpenAfterCrash(durableEnd: values.Count, recoveryPoint: values.Count, config: s_small);

        AssertAnswersAsAScan(log, values);
    }

    [Fact]
    public void Every_answer_by_offset_and_by_time_is_that_of_a_scan()
    {
        var values = WriteSegments();

        var log = _fixture.OpenAfterCrash(durableEnd: values.Count, recoveryPoint: values.Count, config: s_small);

        Assert.True(log.Segments.Count > 3);
        AssertAnswersAsAScan(log, values);
    }

    private static void AssertAnswersAsAScan(PartitionLog log, List<string> values)
    {
        var all = log.ReadAll();
        Assert.Equal(values, all.Select(record => record.Value));
        for (var offset = 0; offset < values.Count; offset++)
        {
            using var buffer = BatchBuffer.Rent(100);
            log.Read(offset, 1, buffer);
            var header = RecordBatchHeader.Read(buffer.Span);
            Assert.InRange(offset, header.BaseOffset, header.LastOffset);
        }
        for (var time = all.Min(r => r.Timestamp) - 1; time <= all.Max(r => r.Timestamp) + 1; time++)
        {
            var expected = all.Where(record => record.Timestamp >= time).Select(record => (TimestampedOffset?)new(record.Offset, record.Timestamp)).FirstOrDefault();
            Assert.Equal(expected, log.FindOffset(time));
        }
    }

    private static byte[] RandomBytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private List<string> Files(string suffix) =>
        [.. _fixture.Files.List(_fixture.PartitionDirectory).Where(name => name.EndsWith(suffix, StringComparison.Ordinal)).Order().Select(name => Path.Combine(_fixture.PartitionDirectory, name))];

    /// <summary>Several segments with timestamps out of order, one record a batch, then killed. Returns the values by offset.</summary>
    private List<string> WriteSegments()
    {
        var log = _fixture.Create(s_small);
        var random = new Random(3);
        List<string> values = [.. Enumerable.Range(0, 40).Select(i => $"{i} {new string('v', i)}")];
        for (var i = 0; i < values.Count; i++)
            log.Append(1000 + (i * 3) - random.Next(20), values[i]);
        log.Flush();
        _fixture.Kill(log);
        return values;
    }

    /// <summary>One segment of a few batches, killed: its path, its bytes, and where each batch ends.</summary>
    private (string Path, byte[] Bytes, List<int> Ends) WriteOneSegment()
    {
        var log = _fixture.Create();
        for (var i = 0; i < 4; i++)
            log.Append(1000 + i, $"value {i}");
        log.Flush();
        _fixture.Kill(log);
        var path = _fixture.FileOf(0, ".log");
        var bytes = _fixture.ReadAllBytes(path);
        List<int> starts = Positions(bytes);
        return (path, bytes, [.. starts.Skip(1), bytes.Length]);
    }

    private static List<int> Positions(byte[] segment)
    {
        var positions = new List<int>();
        for (var position = 0; position < segment.Length; position += (int)RecordBatchHeader.Read(segment.AsSpan(position)).TotalBytes)
            positions.Add(position);
        return positions;
    }

    /// <summary>Leaves only what the next round writes anew.</summary>
    private void Clean()
    {
        foreach (var name in _fixture.Files.List(_fixture.PartitionDirectory))
        {
            if (name.Contains(".torn-", StringComparison.Ordinal) || name.EndsWith(SegmentNames.SnapshotSuffix, StringComparison.Ordinal))
                _fixture.Files.DeleteFile(Path.Combine(_fixture.PartitionDirectory, name));
        }
    }
}
