using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace RestStream.Storage.Records;

/// <summary>
/// Snappy as Kafka's clients write it: xerial framing (Java) of raw blocks, or one raw block (librdkafka). Written here because this project uses
/// the base class library only.
/// </summary>
internal static class SnappyCodec
{
    // The Java client's block size.
    private const int BlockBytes = 32 * 1024;

    private const int XerialHeaderBytes = 16;
    private static ReadOnlySpan<byte> XerialMagic => [0x82, (byte)'S', (byte)'N', (byte)'A', (byte)'P', (byte)'P', (byte)'Y', 0x00];

    // A copy of 64 bytes takes 3, the best that snappy can do; so a block cannot claim more than this many times its own bytes.
    private const int MaxExpansion = 22;

    private const int Literal = 0, Copy1 = 1, Copy2 = 2;
    private const int HashBits = 12;

    public static void Compress(ReadOnlySpan<byte> source, BatchBuffer destination)
    {
        // Worst case of a block: its length as a varint, and one literal header of 3 bytes (a block is shorter than 64 KiB).
        var blocks = (source.Length + BlockBytes - 1) / BlockBytes;
        destination.EnsureCapacity(checked(destination.Length + XerialHeaderBytes + source.Length + (blocks * 16) + (source.Length / 6)));
        var output = destination.Whole[destination.Length..];
        XerialMagic.CopyTo(output);
        BinaryPrimitives.WriteInt32BigEndian(output[8..], 1);
        BinaryPrimitives.WriteInt32BigEndian(output[12..], 1);

        var at = XerialHeaderBytes;
        for (; !source.IsEmpty; source = source[Math.Min(BlockBytes, source.Length)..])
        {
            var length = CompressBlock(source[..Math.Min(BlockBytes, source.Length)], output[(at + 4)..]);
            BinaryPrimitives.WriteInt32BigEndian(output[at..], length);
            at += 4 + length;
        }
        destination.Length += at;
    }

    public static void Decompress(ReadOnlySpan<byte> source, DecompressedOutput output)
    {
        if (!source.StartsWith(XerialMagic))
        {
            DecompressBlock(source, output);
            return;
        }

        while (!source.IsEmpty)
        {
            // A stream may be several streams back to back. The versions behind the magic are 1 everywhere and tell nothing.
            if (source.StartsWith(XerialMagic))
            {
                if (source.Length < XerialHeaderBytes)
                    throw Corrupt("its framing is cut");
                source = source[XerialHeaderBytes..];
                continue;
            }
            if (source.Length < 4)
                throw Corrupt("a block's length is cut");
            var length = BinaryPrimitives.ReadInt32BigEndian(source);
            if (length < 0 || length > source.Length - 4)
                throw Corrupt("a block is longer than the batch");
            DecompressBlock(source.Slice(4, length), output);
            source = source[(4 + length)..];
        }
    }

    /// <summary>One raw block of at most <see cref="BlockBytes"/>; returns its length.</summary>
    private static int CompressBlock(ReadOnlySpan<byte> source, Span<byte> output)
    {
        var at = VarInt.WriteUnsigned(output, (uint)source.Length);
        Span<ushort> table = stackalloc ushort[1 << HashBits];
        table.Clear();
        ref var start = ref MemoryMarshal.GetReference(source);

        // Positions fit 16 bits because a block has 32 KiB. 0 stands for "none" and for position 0; the bytes are compared either way.
        var literalStart = 0;
        var position = 1;
        var lastSearch = source.Length - Lz77.MinMatch;
        var misses = 0;
        while (position <= lastSearch)
        {
            var four = Lz77.Load32(ref start, position);
            ref var slot = ref table[Lz77.Hash(four, HashBits)];
            int candidate = slot;
            slot = (ushort)position;
            if (candidate >= position || Lz77.Load32(ref start, candidate) != four)
            {
                // Incompressible stretches are crossed in growing steps.
                position += 1 + (misses++ >> 5);
                continue;
            }

            misses = 0;
            var length = Lz77.MinMatch + Lz77.MatchLength(source, candidate + Lz77.MinMatch, position + Lz77.MinMatch, source.Length);
            at += WriteLiteral(output[at..], source[literalStart..position]);
            at += WriteCopy(output[at..], position - candidate, length);
            position += length;
            literalStart = position;
        }
        return at + WriteLiteral(output[at..], source[literalStart..]);
    }

    private static int WriteLiteral(Span<byte> output, ReadOnlySpan<byte> literal)
    {
        if (literal.IsEmpty)
            return 0;
        var n = literal.Length - 1;
        int at;
        if (n < 60)
        {
            output[0] = (byte)((n << 2) | Literal);
            at = 1;
        }
        else if (n < 256)
        {
            output[0] = (60 << 2) | Literal;
            output[1] = (byte)n;
            at = 2;
        }
        else
        {
            output[0] = (61 << 2) | Literal;
            BinaryPrimitives.WriteUInt16LittleEndian(output[1..], (ushort)n);
            at = 3;
        }
        literal.CopyTo(output[at..]);
        return at + literal.Length;
    }

    private static int WriteCopy(Span<byte> output, int distance, int length)
    {
        // A copy holds 1 to 64 bytes; the short form 4 to 11 at distances below 2 KiB.
        var at = 0;
        while (length > 0)
        {
            if (length is >= 4 and <= 11 && distance < 2048)
            {
                output[at] = (byte)(((distance >> 8) << 5) | ((length - 4) << 2) | Copy1);
                output[at + 1] = (byte)distance;
                return at + 2;
            }

            var count = Math.Min(length, 64);
            output[at] = (byte)(((count - 1) << 2) | Copy2);
            BinaryPrimitives.WriteUInt16LittleEndian(output[(at + 1)..], (ushort)distance);
            at += 3;
            length -= count;
        }
        return at;
    }

    private static void DecompressBlock(ReadOnlySpan<byte> source, DecompressedOutput output)
    {
        if (!VarInt.TryReadUnsigned(source, out uint claimed, out var at))
            throw Corrupt("its length is cut or too long");
        if (claimed > (ulong)source.Length * MaxExpansion)
            throw Corrupt($"{source.Length} bytes cannot hold the {claimed} that it claims");
        if (claimed > output.MaxBytes - output.Count)
            throw output.TooLarge();

        var target = output.Room((int)claimed);
        var written = 0;
        while (at < source.Length)
        {
            int tag = source[at++];
            int length, distance;
            switch (tag & 3)
            {
                case Literal:
                    length = (tag >> 2) + 1;
                    if (length > 60)
                    {
                        // 61 to 64: the length less one follows in 1 to 4 bytes, little-endian.
                        var lengthBytes = length - 60;
                        if (lengthBytes > source.Length - at)
                            throw Corrupt("a literal's length is cut");
                        uint n = 0;
                        for (var i = 0; i < lengthBytes; i++)
                            n |= (uint)source[at + i] << (8 * i);
                        at += lengthBytes;
                        if (n >= int.MaxValue)
                            throw Corrupt("a literal is longer than the block");
                        length = (int)n + 1;
                    }
                    if (length > source.Length - at || length > target.Length - written)
                        throw Corrupt("a literal does not fit");
                    source.Slice(at, length).CopyTo(target[written..]);
                    at += length;
                    written += length;
                    continue;

                case Copy1:
                    if (at >= source.Length)
                        throw Corrupt("a copy is cut");
                    length = ((tag >> 2) & 7) + 4;
                    distance = ((tag >> 5) << 8) | source[at++];
                    break;

                case Copy2:
                    if (source.Length - at < 2)
                        throw Corrupt("a copy is cut");
                    length = (tag >> 2) + 1;
                    distance = BinaryPrimitives.ReadUInt16LittleEndian(source[at..]);
                    at += 2;
                    break;

                default:
                    if (source.Length - at < 4)
                        throw Corrupt("a copy is cut");
                    length = (tag >> 2) + 1;
                    var far = BinaryPrimitives.ReadUInt32LittleEndian(source[at..]);
                    distance = far <= int.MaxValue ? (int)far : int.MaxValue;
                    at += 4;
                    break;
            }

            if (distance == 0 || distance > written)
                throw Corrupt("a copy begins before the block");
            if (length > target.Length - written)
                throw Corrupt("a copy does not fit");
            Lz77.CopyMatch(target, written, distance, length);
            written += length;
        }

        if (written != target.Length)
            throw Corrupt($"it claims {claimed} bytes and has {written}");
        output.Advance(written);
    }

    private static CorruptBatchException Corrupt(string why) => new($"The batch's snappy data is not valid: {why}.");
}
