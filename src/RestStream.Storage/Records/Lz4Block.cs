using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace RestStream.Storage.Records;

/// <summary>
/// One LZ4 block: sequences of token (literal length, match length - 4), literals, 16-bit distance. The last 5 bytes are literals and the last match
/// begins at least 12 bytes before the end, as the format demands of encoders.
/// </summary>
internal static class Lz4Block
{
    private const int LastLiterals = 5, LastMatchDistance = 12;
    private const int HashBits = 12;

    /// <summary>Most bytes that a block of so many can take compressed.</summary>
    public static int MaxCompressedBytes(int bytes) => bytes + (bytes / 255) + 16;

    /// <summary>More than a compressed block of so many bytes can expand to.</summary>
    public static long MaxDecompressedBytes(int compressedBytes) => 255L * compressedBytes;

    /// <summary>Compresses at most 64 KiB; <paramref name="output"/> has <see cref="MaxCompressedBytes"/>. Returns the length.</summary>
    public static int Compress(ReadOnlySpan<byte> source, Span<byte> output)
    {
        Span<ushort> table = stackalloc ushort[1 << HashBits];
        table.Clear();
        ref var start = ref MemoryMarshal.GetReference(source);

        // Positions fit 16 bits. 0 stands for "none" and for position 0; the bytes are compared either way.
        int at = 0, literalStart = 0, position = 1, misses = 0;
        var lastMatchStart = source.Length - LastMatchDistance;
        while (position <= lastMatchStart)
        {
            var four = Lz77.Load32(ref start, position);
            ref var slot = ref table[Lz77.Hash(four, HashBits)];
            int candidate = slot;
            slot = (ushort)position;
            if (candidate >= position || Lz77.Load32(ref start, candidate) != four)
            {
                // Incompressible stretches are crossed in growing steps.
                position += 1 + (misses++ >> 6);
                continue;
            }

            misses = 0;
            while (position > literalStart && candidate > 0 && source[position - 1] == source[candidate - 1])
            {
                position--;
                candidate--;
            }
            var length = Lz77.MinMatch + Lz77.MatchLength(source, candidate + Lz77.MinMatch, position + Lz77.MinMatch, source.Length - LastLiterals);
            at += WriteSequence(output[at..], source[literalStart..position], position - candidate, length);
            position += length;
            literalStart = position;
        }
        return at + WriteLastLiterals(output[at..], source[literalStart..]);
    }

    /// <summary>
    /// Decompresses behind the first <paramref name="window"/> bytes of <paramref name="output"/>, which matches may refer to.
    /// Returns how many bytes came out, or -1 when the block is broken or they do not fit.
    /// </summary>
    public static int Decompress(ReadOnlySpan<byte> source, Span<byte> output, int window)
    {
        var at = 0;
        var written = window;
        while (at < source.Length)
        {
            int token = source[at++];
            var literals = token >> 4;
            if (literals == 15 && !TryReadLength(source, ref at, ref literals))
                return -1;
            if (literals > source.Length - at || literals > output.Length - written)
                return -1;
            source.Slice(at, literals).CopyTo(output[written..]);
            at += literals;
            written += literals;

            // Only the last sequence has no match.
            if (at == source.Length)
                return written - window;

            if (source.Length - at < 2)
                return -1;
            int distance = BinaryPrimitives.ReadUInt16LittleEndian(source[at..]);
            at += 2;
            var length = token & 15;
            if (length == 15 && !TryReadLength(source, ref at, ref length))
                return -1;
            length += Lz77.MinMatch;
            if (distance == 0 || distance > written || length > output.Length - written)
                return -1;
            Lz77.CopyMatch(output, written, distance, length);
            written += length;
        }
        return -1;
    }

    private static int WriteSequence(Span<byte> output, ReadOnlySpan<byte> literals, int distance, int matchLength)
    {
        var extra = matchLength - Lz77.MinMatch;
        output[0] = (byte)((Math.Min(literals.Length, 15) << 4) | Math.Min(extra, 15));
        var at = 1 + WriteLength(output[1..], literals.Length);
        literals.CopyTo(output[at..]);
        at += literals.Length;
        BinaryPrimitives.WriteUInt16LittleEndian(output[at..], (ushort)distance);
        at += 2;
        return at + WriteLength(output[at..], extra);
    }

    private static int WriteLastLiterals(Span<byte> output, ReadOnlySpan<byte> literals)
    {
        output[0] = (byte)(Math.Min(literals.Length, 15) << 4);
        var at = 1 + WriteLength(output[1..], literals.Length);
        literals.CopyTo(output[at..]);
        return at + literals.Length;
    }

    // Lengths of 15 and more go on in bytes that are summed up; a byte below 255 is the last.
    private static int WriteLength(Span<byte> output, int length)
    {
        if (length < 15)
            return 0;
        var at = 0;
        for (length -= 15; length >= 255; length -= 255)
            output[at++] = 255;
        output[at++] = (byte)length;
        return at;
    }

    private static bool TryReadLength(ReadOnlySpan<byte> source, ref int at, ref int length)
    {
        while (at < source.Length)
        {
            int next = source[at++];
            length += next;
            if (next != 255)
                return true;

            // A batch is far below the 8 MiB of 0xFF that could bring the sum to overflow; a hostile one ends here.
            if (length > 1 << 30)
                return false;
        }
        return false;
    }
}
