using System.Buffers.Text;
using System.Text;

namespace RestStream.Http.Produce;

/// <summary>Writes text and numbers into room that is known to be enough.</summary>
internal ref struct SpanWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;

    public int Length { get; private set; }

    public void Append(ReadOnlySpan<byte> text)
    {
        text.CopyTo(_destination[Length..]);
        Length += text.Length;
    }

    public void Append(string ascii) => Length += Encoding.UTF8.GetBytes(ascii, _destination[Length..]);

    public void Append(long number)
    {
        Utf8Formatter.TryFormat(number, _destination[Length..], out var written);
        Length += written;
    }
}
