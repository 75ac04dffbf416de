using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using RestStream.Storage.Records;

namespace RestStream.Storage.Tests.Records;

/// <summary>
/// Hostile bytes end in <see cref="CorruptBatchException"/> or in records, never in anything else, and never in memory by the gigabyte.
/// RESTSTREAM_FUZZ_SECONDS sets how long (default 2), RESTSTREAM_FUZZ_SEED repeats a failure.
/// </summary>
public sealed class RecordBatchFuzzTests
{
    private const int MaxDecompressedBytes = 1024 * 1024;

    [Fact]
    public void No_bytes_break_the_readers()
    {
        var seconds = double.Parse(Environment.GetEnvironmentVariable("RESTSTREAM_FUZZ_SECONDS") ?? "2", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("RESTSTREAM_FUZZ_SEED") ?? Random.Shared.Next().ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        var valid = ValidBatches();
        var watch = Stopwatch.StartNew();
        var good = 0;
        var bad = 0;

        // Each input has a seed of its own, so that a failure is repeated by one input.
        for (; watch.Elapsed.TotalSeconds < seconds || good + bad < 1000; seed = unchecked(seed + 1))
        {
            var input = MakeInput(new Random(seed), valid);
            try
            {
                if (Survives(input))
                    good++;
                else
                    bad++;
            }
            catch (Exception e)
            {
                Assert.Fail($"RESTSTREAM_FUZZ_SEED={seed}: {e}\ninput ({input.Length} bytes): {Convert.ToHexStringLower(input.AsSpan(0, Math.Min(input.Length, 2000)))}");
            }
        }

        // Both ends are reached, else the fuzzer fuzzes nothing.
        Assert.True(good > 0 && bad > 0, $"{good} good, {bad} bad");
    }

    /// <summary>True when the input was readable to the end.</summary>
    private static bool Survives(byte[] input)
    {
        RecordBatch.TryReadTotalBytes(input, out _);
        RecordBatch.IsCrcValid(input);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var problem = RecordBatchValidator.FindProblem(input, keyRequired: false, MaxDecompressedBytes);
        var readable = false;
        try
        {
            using var reader = new RecordReader(input, MaxDecompressedBytes);
            long last = -1;
            while (reader.MoveNext())
            {
                var record = reader.Current;
                if (record.Offset <= last && last >= 0 && reader.Header.BaseOffset >= 0 && record.Offset >= 0)
                    throw new InvalidOperationException("offsets went back");
                last = record.Offset;
                var headers = new HeaderReader(record);
                while (headers.MoveNext())
                    _ = headers.Key.Length + headers.Value.Length;
                EndTransactionMarker.TryRead(record, out _);
            }
            readable = true;
        }
        catch (CorruptBatchException)
        {
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > 32 * MaxDecompressedBytes)
            throw new InvalidOperationException($"allocated {allocated} bytes");
        if (problem is null && !readable)
            throw new InvalidOperationException("the validator let pass what the reader cannot read");
        return readable;
    }

    private static byte[] MakeInput(Random random, List<byte[]> valid)
    {
        var input = (byte[])valid[random.Next(valid.Count)].Clone();
        switch (random.Next(6))
        {
            case 0:
                input = new byte[random.Next(0, 300)];
                random.NextBytes(input);
                return input;

            case 1:
                // Random bytes where the records should be, under a header that says nothing wrong.
                var noise = new byte[random.Next(0, 300)];
                random.NextBytes(noise);
                return Batches.FromRecords(noise, random.Next(0, 5), (short)random.Next(0, 8));

            case 2:
                input = input[..random.Next(0, input.Length + 1)];
                break;

            case 3:
                // A copy of one part over another.
                var length = random.Next(0, input.Length / 2);
                input.AsSpan(random.Next(0, input.Length - length), length).CopyTo(input.AsSpan(random.Next(0, input.Length - length)));
                break;

            case 4:
                // A number that lies: one of the header's, or any four bytes behind it.
                int[] fields = [8, 23, 57, random.Next(0, input.Length - 4), random.Next(Math.Min(60, input.Length - 5), input.Length - 4)];
                int[] lies = [0, -1, 1, int.MaxValue, int.MinValue, random.Next(), input.Length, input.Length * 2];
                BinaryPrimitives.WriteInt32BigEndian(input.AsSpan(fields[random.Next(fields.Length)]), lies[random.Next(lies.Length)]);
                break;

            default:
                for (var flips = random.Next(1, 8); flips > 0; flips--)
                    input[random.Next(random.Next(2) == 0 ? 0 : Math.Min(61, input.Length - 1), input.Length)] = (byte)random.Next(256);
                break;
        }

        // Mostly with length, magic and CRC made right again, so that what lies behind them is reached.
        if (input.Length >= RecordBatchHeader.Size && random.Next(8) != 0)
        {
            BinaryPrimitives.WriteInt32BigEndian(input.AsSpan(8), input.Length - RecordBatchHeader.LogOverhead);
            input[16] = 2;
            RecordBatch.WriteCrc(input);
        }
        return input;
    }

    private static List<byte[]> ValidBatches()
    {
        var batches = new List<byte[]>();
        foreach (var codec in Enum.GetValues<CompressionCodec>())
        {
            foreach (var count in new[] { 1, 3, 200 })
            {
                using var batch = Batches.Build(count, codec);
                batches.Add(batch.Span.ToArray());
            }
        }

        // Raw snappy, and an LZ4 frame with everything switched on.
        using var builder = new RecordBatchBuilder();
        Span<byte> header = stackalloc byte[50];
        builder.Append(5, true, default, false, "value"u8, header[..HeaderEncoder.Write(header, "name"u8, true, default)], 1);
        using (var one = builder.Build())
        {
            var records = one.Span[RecordBatchHeader.Size..];
            batches.Add(one.Span.ToArray());
            batches.Add(Batches.FromRecords([(byte)records.Length, (byte)((records.Length - 1) << 2), .. records], 1, attributes: 2));
        }
        batches.Add(Batches.FromRecords(Lz4Frame.Write(false, true, true, true, 5, out _, new Random(3)), 1, attributes: 3));
        using var marker = new EndTransactionMarker(Commit: true, CoordinatorEpoch: 1).Build(1, 2, 3);
        batches.Add(marker.Span.ToArray());
        return batches;
    }
}
