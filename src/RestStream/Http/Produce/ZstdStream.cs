using System.Buffers;
using System.Runtime.InteropServices;

namespace RestStream.Http.Produce;

/// <summary>Decompresses zstd while it arrives, with the system's libzstd. Owns a native context: dispose it.</summary>
internal sealed partial class ZstdStream : ReadOnlyStream
{
    private const string Library = "libzstd.so.1";

    /// <summary>RFC 9659: a window of the content coding is at most 8 MiB, so that a decoder can bound its memory.</summary>
    private const int MaxWindowLog = 23;

    private const int WindowLogMaxParameter = 100;

    private readonly Stream _compressed;
    private readonly byte[] _input = ArrayPool<byte>.Shared.Rent(16 * 1024);
    private nint _context;
    private int _start, _end;

    /// <summary>A frame has begun and not ended.</summary>
    private bool _insideFrame;

    /// <summary>The last call filled its output, so the context may hold more.</summary>
    private bool _mayHoldMore;

    public ZstdStream(Stream compressed)
    {
        _compressed = compressed;
        _context = ZSTD_createDCtx();
        if (_context == 0)
            throw new OutOfMemoryException("libzstd has no memory for a context.");
        _ = ZSTD_DCtx_setParameter(_context, WindowLogMaxParameter, MaxWindowLog);
    }

    public static bool IsSupported { get; } = NativeLibrary.TryLoad(Library, out _);

    /// <exception cref="InvalidDataException">Not zstd, a window above 8 MiB, or the input ends inside a frame.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        while (true)
        {
            if (_start == _end && !_mayHoldMore)
            {
                (_start, _end) = (0, await _compressed.ReadAsync(_input, cancellationToken));
                if (_end == 0)
                    return _insideFrame ? throw new InvalidDataException("zstd: the input ends inside a frame.") : 0;
            }

            if (Decompress(buffer.Span) is > 0 and var written)
                return written;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (_context != 0)
        {
            _ = ZSTD_freeDCtx(_context);
            _context = 0;
            ArrayPool<byte>.Shared.Return(_input);
        }

        base.Dispose(disposing);
    }

    private unsafe int Decompress(Span<byte> destination)
    {
        fixed (byte* to = destination, from = _input)
        {
            var output = new Buffer { Bytes = to, Size = (nuint)destination.Length };
            var input = new Buffer { Bytes = from, Size = (nuint)_end, Position = (nuint)_start };
            var left = ZSTD_decompressStream(_context, &output, &input);
            if (ZSTD_isError(left) != 0)
                throw new InvalidDataException("zstd: " + Marshal.PtrToStringUTF8(ZSTD_getErrorName(left)));
            _start = (int)input.Position;
            _insideFrame = left != 0;
            _mayHoldMore = output.Position == output.Size && left != 0;
            return (int)output.Position;
        }
    }

    [LibraryImport(Library)]
    private static partial nint ZSTD_createDCtx();

    [LibraryImport(Library)]
    private static partial nuint ZSTD_freeDCtx(nint context);

    [LibraryImport(Library)]
    private static partial nuint ZSTD_DCtx_setParameter(nint context, int parameter, int value);

    [LibraryImport(Library)]
    private static unsafe partial nuint ZSTD_decompressStream(nint context, Buffer* output, Buffer* input);

    [LibraryImport(Library)]
    private static partial uint ZSTD_isError(nuint code);

    [LibraryImport(Library)]
    private static partial nint ZSTD_getErrorName(nuint code);

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer: the same three words.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct Buffer
    {
        public byte* Bytes;
        public nuint Size;
        public nuint Position;
    }
}
