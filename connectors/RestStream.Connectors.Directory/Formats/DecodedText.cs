using System.Buffers;
using System.Text;
using System.Text.Unicode;

using Microsoft.Win32.SafeHandles;

namespace RestStream.Connectors.Folders.Formats;

/// <summary>
/// A file as characters, for a parser that reads ahead, which can say how many bytes any number of its first characters are: that is how a position in the text becomes one in the file.
/// Bytes that are no UTF-8 are an <see cref="InvalidDataException"/>, once everything before them was read.
/// </summary>
internal sealed class DecodedText(SafeFileHandle file, long position, Encoding encoding) : TextReader
{
    private readonly bool _isUtf8 = encoding.CodePage == Encoding.UTF8.CodePage;
    private readonly Decoder _decoder = encoding.GetDecoder();
    private readonly byte[] _bytes = new byte[16 * 1024];
    private int _byteCount;
    private long _filePosition = position;
    private char[] _chars = new char[16 * 1024];
    private int _start;
    private int _next;
    private int _end;

    /// <summary>The byte behind the characters that were counted by <see cref="Advance"/>.</summary>
    public long Position { get; private set; } = position;

    /// <summary>So many more characters are done with.</summary>
    public void Advance(int characters)
    {
        Position += encoding.GetByteCount(_chars.AsSpan(_start, characters));
        _start += characters;
    }

    public override int Peek() => throw new NotSupportedException("The parser reads blocks.");

    public override int Read() => throw new NotSupportedException("The parser reads blocks.");

    public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

    public override int Read(Span<char> buffer)
    {
        if (_next == _end && !Decode())
            return 0;
        var count = Math.Min(buffer.Length, _end - _next);
        _chars.AsSpan(_next, count).CopyTo(buffer);
        _next += count;
        return count;
    }

    private bool Decode()
    {
        _chars.AsSpan(_start, _end - _start).CopyTo(_chars);
        (_end, _next, _start) = (_end - _start, _next - _start, 0);
        if (_chars.Length - _end < _bytes.Length)
            Array.Resize(ref _chars, _chars.Length * 2);

        while (true)
        {
            var read = RandomAccess.Read(file, _bytes.AsSpan(_byteCount), _filePosition);
            _filePosition += read;
            _byteCount += read;
            if (_byteCount == 0)
                return false;
            int used, made;
            if (_isUtf8)
            {
                var status = Utf8.ToUtf16(_bytes.AsSpan(0, _byteCount), _chars.AsSpan(_end), out used, out made, replaceInvalidSequences: false, isFinalBlock: read == 0);
                if (status == OperationStatus.InvalidData && made == 0)
                    throw new InvalidDataException($"The bytes at {_filePosition - _byteCount + used} are no UTF-8 ({DirectorySettings.CharsetKey})");
            }
            else
            {
                _decoder.Convert(_bytes.AsSpan(0, _byteCount), _chars.AsSpan(_end), flush: read == 0, out used, out made, out _);
            }

            _bytes.AsSpan(used, _byteCount - used).CopyTo(_bytes);
            _byteCount -= used;
            _end += made;
            if (made > 0)
                return true;
            if (read == 0)
                return false;
        }
    }
}
