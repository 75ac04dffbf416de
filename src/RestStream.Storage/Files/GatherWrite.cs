using System.Buffers;
using System.Runtime.CompilerServices;

using Microsoft.Win32.SafeHandles;

namespace RestStream.Storage.Files;

/// <summary>pwritev over any number of pieces without allocating, going on after short writes.</summary>
internal static unsafe class GatherWrite
{
    // Far below IOV_MAX (1024); larger groups take more system calls, which no longer matters at that size.
    private const int PiecesPerCall = 64;

    public static void Write(SafeFileHandle handle, IReadOnlyList<ReadOnlyMemory<byte>> sources, long position, string path)
    {
        Span<Libc.IoVector> vectors = stackalloc Libc.IoVector[PiecesPerCall];
        var pins = default(Pins);
        var next = 0;
        while (next < sources.Count)
        {
            var count = Math.Min(PiecesPerCall, sources.Count - next);
            var pinned = 0;
            try
            {
                for (; pinned < count; pinned++)
                {
                    var source = sources[next + pinned];
                    pins[pinned] = source.Pin();
                    vectors[pinned] = new() { Base = (byte*)pins[pinned].Pointer, Length = source.Length };
                }
                position = WriteAll(handle, vectors[..count], position, path);
            }
            finally
            {
                while (pinned > 0)
                    pins[--pinned].Dispose();
            }
            next += count;
        }
    }

    private static long WriteAll(SafeFileHandle handle, Span<Libc.IoVector> vectors, long position, string path)
    {
        while (true)
        {
            while (vectors.Length > 0 && vectors[0].Length == 0)
                vectors = vectors[1..];
            if (vectors.Length == 0)
                return position;

            var written = Libc.WriteGather(handle, vectors, position, path);
            if (written == 0)
                throw new IOException($"Writing '{path}' made no progress.");
            position += written;
            while (vectors.Length > 0 && written >= vectors[0].Length)
            {
                written -= vectors[0].Length;
                vectors = vectors[1..];
            }
            if (written > 0)
            {
                vectors[0].Base += written;
                vectors[0].Length -= (nint)written;
            }
        }
    }

    [InlineArray(PiecesPerCall)]
    private struct Pins
    {
        private MemoryHandle _first;
    }
}
