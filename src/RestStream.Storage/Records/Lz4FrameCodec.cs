using System.Buffers.Binary;

namespace RestStream.Storage.Records;

/// <summary>
/// The LZ4 frame format. Writes what the Java client writes (independent blocks of 64 KiB, no sizes, no checksums); reads every option of the format
/// but dictionaries, which nobody could know here. Written here because this project uses the base class library only.
/// </summary>
internal static class Lz4FrameCodec
{
    private const uint FrameMagic = 0x184D2204, SkippableMagic = 0x184D2A50, SkippableMask = 0xFFFFFFF0;
    private const int BlockBytes = 64 * 1024;
    private const uint Uncompressed = 0x80000000;

    // Magic, FLG (version 01, independent blocks), BD (64 KiB blocks), header checksum.
    private static ReadOnlySpan<byte> JavaHeader => [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];

    public static void Compress(ReadOnlySpan<byte> source, BatchBuffer destination)
    {
        var blocks = (source.Length + BlockBytes - 1) / BlockBytes;
        destination.EnsureCapacity(checked(destination.Length + JavaHeader.Length + 4 + (blocks * (4 + Lz4Block.MaxCompressedBytes(BlockBytes)))));
        var output = destination.Whole[destination.Length..];
        JavaHeader.CopyTo(output);
        var at = JavaHeader.Length;
        for (; !source.IsEmpty; source = source[Math.Min(BlockBytes, source.Length)..])
        {
            var block = source[..Math.Min(BlockBytes, source.Length)];
            var length = Lz4Block.Compress(block, output[(at + 4)..]);
            var stored = (uint)length;
            if (length >= block.Length)
            {
                block.CopyTo(output[(at + 4)..]);
                length = block.Length;
                stored = (uint)length | Uncompressed;
            }
            BinaryPrimitives.WriteUInt32LittleEndian(output[at..], stored);
            at += 4 + length;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(output[at..], 0);
        destination.Length += at + 4;
    }

    public static void Decompress(ReadOnlySpan<byte> source, DecompressedOutput output)
    {
        if (source.IsEmpty)
            throw Corrupt("there is none");
        while (!source.IsEmpty)
        {
            var magic = ReadUInt32(source, 0);
            if ((magic & SkippableMask) == SkippableMagic)
            {
                var length = ReadUInt32(source, 4);
                if (length > source.Length - 8)
                    throw Corrupt("a skippable frame is cut");
                source = source[(8 + (int)length)..];
                continue;
            }
            if (magic != FrameMagic)
                throw Corrupt($"no frame begins with 0x{magic:x8}");
            source = source[DecompressFrame(source, output)..];
        }
    }

    /// <summary>Returns the bytes of the frame.</summary>
    private static int DecompressFrame(ReadOnlySpan<byte> frame, DecompressedOutput output)
    {
        if (frame.Length < JavaHeader.Length)
            throw Corrupt("the frame's header is cut");
        int flags = frame[4], blockDescriptor = frame[5];
        if (flags >> 6 != 1)
            throw Corrupt($"frame version {flags >> 6} is unknown");
        bool independent = (flags & 0x20) != 0, blockChecksums = (flags & 0x10) != 0, contentSizeGiven = (flags & 0x08) != 0, contentChecksum = (flags & 0x04) != 0;
        if ((flags & 0x03) != 0)
            throw Corrupt("it uses a dictionary or a reserved flag");
        var blockSizeCode = (blockDescriptor >> 4) & 7;
        if (blockSizeCode < 4 || (blockDescriptor & 0x8F) != 0)
            throw Corrupt($"block descriptor 0x{blockDescriptor:x2} is not valid");
        var maxBlockBytes = 1 << (8 + (2 * blockSizeCode));

        var at = 6;
        ulong contentSize = 0;
        if (contentSizeGiven)
        {
            if (frame.Length < at + 9)
                throw Corrupt("the frame's header is cut");
            contentSize = BinaryPrimitives.ReadUInt64LittleEndian(frame[at..]);
            at += 8;
        }
        if (frame[at] != (byte)(XxHash32.Compute(frame[4..at]) >> 8))
            throw Corrupt("the frame header's checksum is wrong");
        at++;

        var frameStart = output.Count;
        while (true)
        {
            var stored = ReadUInt32(frame, at);
            at += 4;
            if (stored == 0)
                break;
            var length = stored & ~Uncompressed;
            if (length > maxBlockBytes || length > frame.Length - at)
                throw Corrupt("a block is longer than the frame allows");
            var block = frame.Slice(at, (int)length);
            at += block.Length;
            if (blockChecksums)
            {
                if (ReadUInt32(frame, at) != XxHash32.Compute(block))
                    throw Corrupt("a block's checksum is wrong");
                at += 4;
            }

            if ((stored & Uncompressed) != 0)
                output.Append(block);
            else
                DecompressBlock(block, output, maxBlockBytes, window: independent ? 0 : output.Count - frameStart);
        }

        var content = output.Buffer.Span[^(output.Count - frameStart)..];
        if (contentSizeGiven && contentSize != (ulong)content.Length)
            throw Corrupt($"the frame claims {contentSize} bytes and has {content.Length}");
        if (contentChecksum)
        {
            if (ReadUInt32(frame, at) != XxHash32.Compute(content))
                throw Corrupt("the content's checksum is wrong");
            at += 4;
        }
        return at;
    }

    private static void DecompressBlock(ReadOnlySpan<byte> block, DecompressedOutput output, int maxBlockBytes, int window)
    {
        // No block can expand by more than 255, so what is made room for is bounded by bytes that are really there.
        var most = (int)Math.Min(maxBlockBytes, Lz4Block.MaxDecompressedBytes(block.Length));
        var room = output.Room(most).Length;
        var whole = output.Buffer.Whole;
        var from = output.Buffer.Length;
        var written = Lz4Block.Decompress(block, whole[(from - window)..(from + room)], window);
        if (written < 0)
            throw room < most ? output.TooLarge() : Corrupt("a block is broken");
        output.Advance(written);
    }

    private static uint ReadUInt32(ReadOnlySpan<byte> bytes, int at) =>
        bytes.Length - at >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]) : throw Corrupt("it ends too early");

    private static CorruptBatchException Corrupt(string why) => new($"The batch's LZ4 data is not valid: {why}.");
}
