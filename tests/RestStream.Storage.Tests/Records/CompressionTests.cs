using System.Buffers.Binary;
using System.Text;
using RestStream.Storage.Records;

namespace RestStream.Storage.Tests.Records;

public sealed class CompressionTests
{
    private const int Unlimited = 64 * 1024 * 1024;

    public static TheoryData<CompressionCodec> Codecs => [.. Enum.GetValues<CompressionCodec>()];
    public static TheoryData<CompressionCodec> RealCodecs => [.. Enum.GetValues<CompressionCodec>().Where(c => c != CompressionCodec.None)];

    [Theory, MemberData(nameof(Codecs))]
    public void Every_codec_gives_back_what_it_got(CompressionCodec codec)
    {
        foreach (var (name, bytes) in Samples())
        {
            using var compressed = BatchBuffer.Rent(0);
            using var back = BatchBuffer.Rent(0);

            Compression.Compress(codec, bytes, compressed);
            Compression.Decompress(codec, compressed.Span, back, Unlimited);

            Assert.True(bytes.AsSpan().SequenceEqual(back.Span), $"{codec} changed '{name}' of {bytes.Length} bytes");
        }
    }

    [Theory, MemberData(nameof(Codecs))]
    public void Compressing_and_decompressing_append_to_what_the_buffer_holds(CompressionCodec codec)
    {
        var text = Repetitive(5000);
        using var compressed = BatchBuffer.Rent(3);
        using var back = BatchBuffer.Rent(3);
        "abc"u8.CopyTo(compressed.Whole);
        compressed.Length = 3;
        "xyz"u8.CopyTo(back.Whole);
        back.Length = 3;

        Compression.Compress(codec, text, compressed);
        Compression.Decompress(codec, compressed.Span[3..], back, text.Length);

        Assert.Equal("abc", Encoding.UTF8.GetString(compressed.Span[..3]));
        Assert.Equal([.. "xyz"u8, .. text], back.Span.ToArray());
    }

    [Theory, MemberData(nameof(RealCodecs))]
    public void Repetitive_data_gets_smaller(CompressionCodec codec)
    {
        var text = Repetitive(200_000);
        using var compressed = BatchBuffer.Rent(0);

        Compression.Compress(codec, text, compressed);

        Assert.True(compressed.Length < text.Length / 4, $"{codec}: {compressed.Length}");
    }

    [Theory, MemberData(nameof(Codecs))]
    public void Exactly_the_cap_is_allowed_and_one_byte_more_is_not(CompressionCodec codec)
    {
        foreach (var bytes in new[] { Repetitive(100_000), Noise(100_000, seed: 5), new byte[1_000_000] })
        {
            using var compressed = BatchBuffer.Rent(0);
            using var back = BatchBuffer.Rent(0);
            using var tooMuch = BatchBuffer.Rent(0);
            Compression.Compress(codec, bytes, compressed);

            Compression.Decompress(codec, compressed.Span, back, bytes.Length);
            var error = Assert.Throws<CorruptBatchException>(() => Compression.Decompress(codec, compressed.Span, tooMuch, bytes.Length - 1));

            Assert.Equal(bytes.Length, back.Length);
            Assert.Contains($"more than {bytes.Length - 1} bytes", error.Message);
        }
    }

    [Theory, MemberData(nameof(RealCodecs))]
    public void Data_cut_anywhere_is_refused(CompressionCodec codec)
    {
        var bytes = Repetitive(3000);
        using var compressed = BatchBuffer.Rent(0);
        Compression.Compress(codec, bytes, compressed);

        for (var length = 0; length < compressed.Length; length++)
        {
            using var back = BatchBuffer.Rent(0);
            var cut = compressed.Span[..length].ToArray();

            // Snappy's framing has no end mark: a cut between its header and first block, or between blocks, is not visible to it. The record count notices.
            if (codec == CompressionCodec.Snappy && length == 16)
                continue;
            Assert.Throws<CorruptBatchException>(() => Compression.Decompress(codec, cut, back, Unlimited));
        }
    }

    [Theory, MemberData(nameof(RealCodecs))]
    public void Garbage_behind_the_data_is_refused(CompressionCodec codec)
    {
        using var compressed = BatchBuffer.Rent(0);
        using var back = BatchBuffer.Rent(0);
        Compression.Compress(codec, Repetitive(3000), compressed);
        byte[] longer = [.. compressed.Span, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];

        Assert.Throws<CorruptBatchException>(() => Compression.Decompress(codec, longer, back, Unlimited));
    }

    [Fact]
    public void The_first_bytes_are_the_Java_clients()
    {
        Assert.Equal("82534e41505059000000000100000001", FirstBytes(CompressionCodec.Snappy, 16));
        Assert.Equal("04224d18604082", FirstBytes(CompressionCodec.Lz4, 7));
        Assert.Equal("1f8b0800000000", FirstBytes(CompressionCodec.Gzip, 7));
        Assert.Equal("28b52ffd", FirstBytes(CompressionCodec.Zstd, 4));
    }

    [Fact]
    public void Raw_snappy_as_librdkafka_writes_it_is_read()
    {
        // 11 bytes: literal "abcd", then 7 bytes from 4 before.
        AssertDecompresses(CompressionCodec.Snappy, "abcdabcdabc", [11, 3 << 2, .. "abcd"u8, (3 << 2) | 1, 4]);

        // The same copy with a 2-byte and a 4-byte distance, and a literal whose length takes 1 and 4 bytes.
        AssertDecompresses(CompressionCodec.Snappy, "abcdabcdabc", [11, 3 << 2, .. "abcd"u8, (6 << 2) | 2, 4, 0]);
        AssertDecompresses(CompressionCodec.Snappy, "abcdabcdabc", [11, 60 << 2, 3, .. "abcd"u8, (6 << 2) | 3, 4, 0, 0, 0]);
        AssertDecompresses(CompressionCodec.Snappy, "abcd", [4, 63 << 2, 3, 0, 0, 0, .. "abcd"u8]);
        AssertDecompresses(CompressionCodec.Snappy, "", [0]);
    }

    [Fact]
    public void Two_xerial_streams_back_to_back_are_read()
    {
        using var compressed = BatchBuffer.Rent(0);
        Compression.Compress(CompressionCodec.Snappy, "first "u8, compressed);
        Compression.Compress(CompressionCodec.Snappy, "second"u8, compressed);

        AssertDecompresses(CompressionCodec.Snappy, "first second", compressed.Span.ToArray());
    }

    public static TheoryData<string, byte[]> BrokenSnappy => new()
    {
        { "copy before the start", [8, 3 << 2, .. "abcd"u8, 1, 5] },
        { "copy at distance 0", [8, 3 << 2, .. "abcd"u8, 1, 0] },
        { "copy first of all", [4, 1, 1] },
        { "4-byte distance of 4 GiB", [8, 3 << 2, .. "abcd"u8, (3 << 2) | 3, 255, 255, 255, 255] },
        { "copy beyond the claimed length", [6, 3 << 2, .. "abcd"u8, 1, 4] },
        { "literal beyond the claimed length", [3, 3 << 2, .. "abcd"u8] },
        { "literal beyond the input", [4, 3 << 2, .. "abc"u8] },
        { "literal length of 4 GiB", [4, 63 << 2, 255, 255, 255, 255, .. "abcd"u8] },
        { "literal length cut", [4, 61 << 2, 0] },
        { "copy cut", [8, 3 << 2, .. "abcd"u8, 1] },
        { "less than claimed", [9, 3 << 2, .. "abcd"u8] },
        { "claims 4 GiB", [255, 255, 255, 255, 15, 0] },
        { "length too long", [255, 255, 255, 255, 255, 255] },
        { "xerial block longer than the rest", [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 1, 0, 65] },
        { "xerial block of negative length", [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255, 1, 0, 65] },
    };

    [Theory, MemberData(nameof(BrokenSnappy))]
    public void Broken_snappy_is_refused(string what, byte[] bytes) => AssertRefused(CompressionCodec.Snappy, what, bytes);

    [Fact]
    public void Every_option_of_an_LZ4_frame_is_read()
    {
        var random = new Random(20);
        foreach (var (independent, blockChecksums, contentSize, contentChecksum, sizeCode) in
            from a in new[] { true, false }
            from b in new[] { true, false }
            from c in new[] { true, false }
            from d in new[] { true, false }
            from e in new[] { 4, 5, 6, 7 }
            select (a, b, c, d, e))
        {
            byte[] frame = Lz4Frame.Write(independent, blockChecksums, contentSize, contentChecksum, sizeCode, out var content, random);
            using var back = BatchBuffer.Rent(0);

            Compression.Decompress(CompressionCodec.Lz4, frame, back, Unlimited);

            Assert.True(content.AsSpan().SequenceEqual(back.Span));

            // Each checksum and size is really looked at.
            if (blockChecksums || contentChecksum)
            {
                frame[^(contentChecksum ? 1 : 5)] ^= 1;
                using var none = BatchBuffer.Rent(0);
                Assert.Throws<CorruptBatchException>(() => Compression.Decompress(CompressionCodec.Lz4, frame, none, Unlimited));
            }
        }
    }

    [Fact]
    public void A_skippable_LZ4_frame_and_a_second_frame_are_read()
    {
        using var compressed = BatchBuffer.Rent(0);
        Compression.Compress(CompressionCodec.Lz4, "first "u8, compressed);
        byte[] skippable = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
        using var second = BatchBuffer.Rent(0);
        Compression.Compress(CompressionCodec.Lz4, "second"u8, second);

        AssertDecompresses(CompressionCodec.Lz4, "first second", [.. compressed.Span, .. skippable, .. second.Span]);
    }

    public static TheoryData<string, byte[]> BrokenLz4 => new()
    {
        { "distance before the start", Lz4Frame.OneBlock([0x40, .. "abcd"u8, 5, 0, 0x50, .. "abcde"u8]) },
        { "distance 0", Lz4Frame.OneBlock([0x40, .. "abcd"u8, 0, 0, 0x50, .. "abcde"u8]) },
        { "literals beyond the block", Lz4Frame.OneBlock([0x50, .. "abcd"u8]) },
        { "literal length cut", Lz4Frame.OneBlock([0xF0, 255, 255]) },
        { "literal length overflows", Lz4Frame.OneBlock([0xF0, .. Enumerable.Repeat((byte)255, 60_000)]) },
        { "distance cut", Lz4Frame.OneBlock([0x40, .. "abcd"u8, 4]) },
        { "ends in a match", Lz4Frame.OneBlock([0x40, .. "abcd"u8, 4, 0]) },
        { "match beyond the block size", Lz4Frame.OneBlock([0x4F, .. "abcd"u8, 4, 0, .. Enumerable.Repeat((byte)255, 300), 0, 0x50, .. "abcde"u8]) },
        { "empty block", Lz4Frame.OneBlock([]).AsSpan(0, 7).ToArray() },
        { "block longer than allowed", [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 1, 0, 1, 0x80, .. new byte[65537], 0, 0, 0, 0] },
        { "header checksum", [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x83, 0, 0, 0, 0] },
        { "version", [0x04, 0x22, 0x4d, 0x18, 0xa0, 0x40, 0x82, 0, 0, 0, 0] },
        { "dictionary", [0x04, 0x22, 0x4d, 0x18, 0x61, 0x40, 0, 0, 0, 0, 0x82, 0, 0, 0, 0] },
        { "block size code", [0x04, 0x22, 0x4d, 0x18, 0x60, 0x30, 0x82, 0, 0, 0, 0] },
        { "another magic", [0x02, 0x21, 0x4c, 0x18, 0x60, 0x40, 0x82, 0, 0, 0, 0] },
    };

    [Theory, MemberData(nameof(BrokenLz4))]
    public void Broken_LZ4_is_refused(string what, byte[] bytes) => AssertRefused(CompressionCodec.Lz4, what, bytes);

    [Fact]
    public void A_wrong_LZ4_content_size_is_refused()
    {
        var frame = Lz4Frame.Write(independent: true, blockChecksums: false, contentSize: true, contentChecksum: false, sizeCode: 4, out _, new Random(1));
        frame[6] ^= 1;
        frame[14] = (byte)(XxHash32.Compute(frame.AsSpan(4, 10)) >> 8);

        AssertRefused(CompressionCodec.Lz4, "content size", frame);
    }

    [Fact]
    public void XxHash_matches_its_published_values()
    {
        Assert.Equal(0x02CC5D05u, XxHash32.Compute([]));
        Assert.Equal(0x550D7456u, XxHash32.Compute("a"u8));
        Assert.Equal(0x32D153FFu, XxHash32.Compute("abc"u8));
        Assert.Equal(0x63A14D5Fu, XxHash32.Compute("abcdefghijklmnopqrstuvwxyz"u8));
    }

    [Fact]
    public void Claimed_sizes_allocate_nothing()
    {
        // Each claims about 2 GiB and holds a few bytes.
        var snappy = new byte[] { 255, 255, 255, 255, 7, 0, 65 };
        var lz4 = Lz4Frame.OneBlock([0x10, 65]);
        byte[] zstd = [0x28, 0xb5, 0x2f, 0xfd, 0xa0, 255, 255, 255, 127, 1, 0, 0];

        foreach (var (codec, bytes) in new[] { (CompressionCodec.Snappy, snappy), (CompressionCodec.Lz4, lz4), (CompressionCodec.Zstd, zstd) })
        {
            using var back = BatchBuffer.Rent(0);
            try
            {
                Compression.Decompress(codec, bytes, back, int.MaxValue);
            }
            catch (CorruptBatchException)
            {
            }
            Assert.True(back.Capacity < 4096, $"{codec}: {back.Capacity}");
        }
    }

    [Fact]
    public void An_unknown_codec_is_refused()
    {
        using var back = BatchBuffer.Rent(0);

        Assert.Throws<CorruptBatchException>(() => Compression.Decompress((CompressionCodec)5, [1], back, 100));
        Assert.False(Compression.IsSupported((CompressionCodec)5));
        Assert.True(Compression.IsSupported(CompressionCodec.Zstd));
    }

    internal static IEnumerable<(string Name, byte[] Bytes)> Samples()
    {
        int[] sizes = [0, 1, 2, 3, 4, 5, 11, 12, 13, 15, 16, 17, 59, 60, 61, 64, 255, 256, 257, 270, 4095, 32767, 32768, 32769, 65535, 65536, 65537, 131072, 200_001];
        foreach (var size in sizes)
        {
            yield return ("zeros", new byte[size]);
            yield return ("noise", Noise(size, size));
            yield return ("repetitive", Repetitive(size));
            yield return ("mixed", Mixed(size, size));
            yield return ("two bytes", [.. Enumerable.Range(0, size).Select(i => (byte)(i & 1))]);
            yield return ("long period", [.. Enumerable.Range(0, size).Select(i => (byte)((i % 40_000) * 2654435761u >> 13))]);
        }
        yield return ("5 MiB zeros", new byte[5 * 1024 * 1024]);
        yield return ("5 MiB noise", Noise(5 * 1024 * 1024, 9));
        yield return ("5 MiB mixed", Mixed(5 * 1024 * 1024, 10));
    }

    private static byte[] Noise(int size, int seed)
    {
        var bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Repetitive(int size)
    {
        var text = new StringBuilder();
        for (var i = 0; text.Length < size; i++)
            text.Append("{\"orderId\":").Append(i).Append(",\"customer\":\"c-").Append(i % 17).Append("\",\"total\":12.50}");
        return Encoding.UTF8.GetBytes(text.ToString(0, size));
    }

    /// <summary>Runs, copies from anywhere before, and noise, in random lengths.</summary>
    private static byte[] Mixed(int size, int seed)
    {
        var random = new Random(seed);
        var bytes = new byte[size];
        for (var at = 0; at < size;)
        {
            var length = Math.Min(size - at, random.Next(1, random.Next(2, 400)));
            var distance = random.Next(1, at + 1);
            switch (random.Next(3))
            {
                case 0: random.NextBytes(bytes.AsSpan(at, length)); break;
                case 1: bytes.AsSpan(at, length).Fill((byte)random.Next(256)); break;
                default:
                    for (var i = 0; i < length && at > 0; i++)
                        bytes[at + i] = bytes[at + i - distance];
                    break;
            }
            at += length;
        }
        return bytes;
    }

    private static string FirstBytes(CompressionCodec codec, int count)
    {
        using var compressed = BatchBuffer.Rent(0);
        Compression.Compress(codec, Repetitive(1000), compressed);
        return Convert.ToHexStringLower(compressed.Span[..count]);
    }

    private static void AssertDecompresses(CompressionCodec codec, string expected, byte[] bytes)
    {
        using var back = BatchBuffer.Rent(0);
        Compression.Decompress(codec, bytes, back, Unlimited);
        Assert.Equal(expected, Encoding.UTF8.GetString(back.Span));
    }

    private static void AssertRefused(CompressionCodec codec, string what, byte[] bytes)
    {
        using var back = BatchBuffer.Rent(0);
        Assert.True(Record.Exception(() => Compression.Decompress(codec, bytes, back, Unlimited)) is CorruptBatchException, what);
    }
}

/// <summary>Writes LZ4 frames with options that our encoder does not use.</summary>
internal static class Lz4Frame
{
    public static byte[] OneBlock(byte[] block)
    {
        var frame = new byte[7 + 4 + block.Length + 4];
        ReadOnlySpan<byte> header = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
        header.CopyTo(frame);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(7), block.Length);
        block.CopyTo(frame, 11);
        return frame;
    }

    public static byte[] Write(bool independent, bool blockChecksums, bool contentSize, bool contentChecksum, int sizeCode, out byte[] content, Random random)
    {
        // Blocks: compressed by us; stored; and, when linked, one that is a single match reaching back into the block before.
        var first = new byte[1000];
        random.NextBytes(first);
        first.AsSpan(0, 400).CopyTo(first.AsSpan(500));
        var compressed = new byte[Lz4Block.MaxCompressedBytes(first.Length)];
        compressed = compressed[..Lz4Block.Compress(first, compressed)];
        var stored = new byte[333];
        random.NextBytes(stored);
        List<(byte[] Bytes, bool Stored)> blocks = [(compressed, false), (stored, true)];
        content = [.. first, .. stored];
        if (!independent)
        {
            blocks.Add(([0x02, 0x2c, 0x01, 0x50, .. "tails"u8], false));
            content = [.. content, .. content.AsSpan(content.Length - 300, 6), .. "tails"u8];
        }

        using var bytes = new MemoryStream();
        var writer = new BinaryWriter(bytes);
        writer.Write(0x184D2204);
        writer.Write((byte)(0x40 | (independent ? 0x20 : 0) | (blockChecksums ? 0x10 : 0) | (contentSize ? 0x08 : 0) | (contentChecksum ? 0x04 : 0)));
        writer.Write((byte)(sizeCode << 4));
        if (contentSize)
            writer.Write((long)content.Length);
        writer.Write((byte)(XxHash32.Compute(bytes.ToArray().AsSpan(4)) >> 8));
        foreach (var block in blocks)
        {
            writer.Write((uint)block.Bytes.Length | (block.Stored ? 0x80000000 : 0));
            writer.Write(block.Bytes);
            if (blockChecksums)
                writer.Write(XxHash32.Compute(block.Bytes));
        }
        writer.Write(0);
        if (contentChecksum)
            writer.Write(XxHash32.Compute(content));
        return bytes.ToArray();
    }
}
