using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RestStream.Storage.Records;

/// <summary>What snappy and LZ4 share: finding matches by a hash of four bytes, and copying from what was decoded before.</summary>
internal static class Lz77
{
    public const int MinMatch = 4;

    public static uint Load32(ref byte start, int position) => Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, position));

    /// <summary>Multiplicative (Fibonacci) hash of four bytes to <paramref name="bits"/> bits.</summary>
    public static int Hash(uint fourBytes, int bits) => (int)((fourBytes * 2654435761u) >> (32 - bits));

    /// <summary>How many bytes from <paramref name="a"/> and from <paramref name="b"/> on are equal; <paramref name="b"/> is the later one and stops at <paramref name="end"/>.</summary>
    public static int MatchLength(ReadOnlySpan<byte> bytes, int a, int b, int end) => bytes[b..end].CommonPrefixLength(bytes.Slice(a, end - b));

    /// <summary>
    /// Copies <paramref name="length"/> bytes from <paramref name="distance"/> before <paramref name="at"/>; the two may overlap, then the bytes repeat.
    /// The caller has checked 1 ≤ distance ≤ at and at + length ≤ bytes.Length.
    /// </summary>
    public static void CopyMatch(Span<byte> bytes, int at, int distance, int length)
    {
        if (length <= 16 && distance >= 16 && at <= bytes.Length - 16)
        {
            // Most matches: one 16-byte move; what it writes too much is overwritten by what follows.
            ref var target = ref Unsafe.Add(ref MemoryMarshal.GetReference(bytes), at);
            Unsafe.WriteUnaligned(ref target, Unsafe.ReadUnaligned<Int128>(ref Unsafe.Subtract(ref target, distance)));
            return;
        }

        if (distance >= length)
        {
            bytes.Slice(at - distance, length).CopyTo(bytes[at..]);
            return;
        }

        if (distance == 1)
        {
            bytes.Slice(at, length).Fill(bytes[at - 1]);
            return;
        }

        // The pattern doubles with every copy.
        var from = at - distance;
        var done = 0;
        while (done < length)
        {
            var count = Math.Min(length - done, at + done - from);
            bytes.Slice(from, count).CopyTo(bytes[(at + done)..]);
            done += count;
        }
    }
}
