using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace RestStream.Storage.Records;

/// <summary>zstd by the system's libzstd (1.4 or later). Decompression streams into the growing output, so a claimed content size allocates nothing.</summary>
internal static unsafe partial class ZstdCodec
{
    private const string Library = "libzstd.so.1";

    // The Java client's default (compression.zstd.level).
    private const int Level = 3;

    // Contexts keep their tables (about 1 MiB to compress, 160 KiB to decompress), so a few are kept; one that grew for a huge window is not.
    private const int MostPooled = 8;
    private const int LargestPooledBytes = 4 * 1024 * 1024;
    private static readonly ConcurrentBag<nint> Compressors = [];
    private static readonly ConcurrentBag<nint> Decompressors = [];

    /// <summary>Whether the library is on this machine.</summary>
    public static bool IsSupported { get; } = NativeLibrary.TryLoad(Library, out _);

    public static void Compress(ReadOnlySpan<byte> source, BatchBuffer destination)
    {
        ThrowIfUnsupported();
        var context = Compressors.TryTake(out var pooled) ? pooled : Created(ZSTD_createCCtx());
        try
        {
            var bound = checked((int)ZSTD_compressBound((nuint)source.Length));
            destination.EnsureCapacity(checked(destination.Length + bound));
            fixed (byte* from = source, to = destination.Whole[destination.Length..])
            {
                var written = ZSTD_compressCCtx(context, to, (nuint)bound, from, (nuint)source.Length, Level);
                if (ZSTD_isError(written) != 0)
                    throw new InvalidOperationException($"zstd could not compress {source.Length} bytes: {ErrorName(written)}.");
                destination.Length += (int)written;
            }
        }
        finally
        {
            if (Compressors.Count < MostPooled)
                Compressors.Add(context);
            else
                ZSTD_freeCCtx(context);
        }
    }

    public static void Decompress(ReadOnlySpan<byte> source, DecompressedOutput output)
    {
        ThrowIfUnsupported();
        var context = Decompressors.TryTake(out var pooled) ? pooled : Created(ZSTD_createDCtx());
        try
        {
            Decompress(context, source, output);
        }
        finally
        {
            // Also forgets a frame that broke off in the middle.
            ZSTD_DCtx_reset(context, ResetSessionOnly);
            if (Decompressors.Count < MostPooled && ZSTD_sizeof_DCtx(context) <= LargestPooledBytes)
                Decompressors.Add(context);
            else
                ZSTD_freeDCtx(context);
        }
    }

    private static void Decompress(nint context, ReadOnlySpan<byte> source, DecompressedOutput output)
    {
        fixed (byte* from = source)
        {
            var input = new InBuffer { Source = from, Size = (nuint)source.Length };
            while (true)
            {
                // At the cap one spare byte tells "done" from "more would come".
                byte beyond = 0;
                var full = output.Count >= output.MaxBytes;
                var room = full ? new Span<byte>(&beyond, 1) : output.NextRoom();
                nuint hint;
                nuint before = input.Position, written;
                fixed (byte* to = room)
                {
                    var target = new OutBuffer { Destination = to, Size = (nuint)room.Length };
                    hint = ZSTD_decompressStream(context, ref target, ref input);
                    written = target.Position;
                }
                if (ZSTD_isError(hint) != 0)
                    throw new CorruptBatchException($"The batch's zstd data is not valid: {ErrorName(hint)}.");
                if (full && written > 0)
                    throw output.TooLarge();
                if (!full)
                    output.Advance((int)written);

                // 0 = a frame ended. Another may follow.
                if (hint == 0 && input.Position == input.Size)
                    return;
                if (written == 0 && input.Position == before)
                    throw new CorruptBatchException("The batch's zstd data ends too early.");
            }
        }
    }

    private static void ThrowIfUnsupported()
    {
        if (!IsSupported)
            throw new NotSupportedException($"zstd needs {Library}, which this machine does not have. Install it (Debian: libzstd1), or use another codec.");
    }

    private static nint Created(nint context) => context != 0 ? context : throw new OutOfMemoryException("zstd found no memory for a context.");

    private static string ErrorName(nuint code) => Marshal.PtrToStringUTF8(ZSTD_getErrorName(code)) ?? "unknown error";

    private struct InBuffer
    {
        public byte* Source;
        public nuint Size;
        public nuint Position;
    }

    private struct OutBuffer
    {
        public byte* Destination;
        public nuint Size;
        public nuint Position;
    }

    private const int ResetSessionOnly = 1;

    [LibraryImport(Library)] private static partial nint ZSTD_createCCtx();
    [LibraryImport(Library)] private static partial nuint ZSTD_freeCCtx(nint context);
    [LibraryImport(Library)] private static partial nuint ZSTD_compressCCtx(nint context, byte* to, nuint toSize, byte* from, nuint fromSize, int level);
    [LibraryImport(Library)] private static partial nuint ZSTD_compressBound(nuint size);
    [LibraryImport(Library)] private static partial nint ZSTD_createDCtx();
    [LibraryImport(Library)] private static partial nuint ZSTD_freeDCtx(nint context);
    [LibraryImport(Library)] private static partial nuint ZSTD_sizeof_DCtx(nint context);
    [LibraryImport(Library)] private static partial nuint ZSTD_DCtx_reset(nint context, int what);
    [LibraryImport(Library)] private static partial nuint ZSTD_decompressStream(nint context, ref OutBuffer output, ref InBuffer input);
    [LibraryImport(Library)] private static partial uint ZSTD_isError(nuint code);
    [LibraryImport(Library)] private static partial nint ZSTD_getErrorName(nuint code);
}
