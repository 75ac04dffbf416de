using System.Buffers.Text;

namespace RestStream.Connect.Converters;

/// <summary>Base64 as strict as Jackson is: padding must be there, bits behind the last byte may be anything, and spaces may stand between groups of four, not within. .NET differs in the last two.</summary>
internal static class JacksonBase64
{
    private const byte Padding = (byte)'=';

    public static bool TryDecode(ReadOnlySpan<byte> text, out byte[] bytes)
    {
        bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length + 3)];

        // Nearly always what .NET reads too, and without a space that both would have to agree on.
        if (text.IndexOfAnyInRange((byte)0, (byte)' ') < 0 && Base64.DecodeFromUtf8(text, bytes, out _, out var length) == System.Buffers.OperationStatus.Done)
        {
            bytes = bytes[..length];
            return true;
        }

        length = 0;
        while (true)
        {
            while (text is [<= (byte)' ', ..])
                text = text[1..];
            if (text.IsEmpty)
                break;
            if (!TryDecodeGroup(text, bytes, ref length))
                return false;
            text = text[4..];
        }

        bytes = bytes[..length];
        return true;
    }

    private static bool TryDecodeGroup(ReadOnlySpan<byte> text, byte[] bytes, ref int length)
    {
        if (text.Length < 4)
            return false;
        var count = text[2] == Padding && text[3] == Padding ? 1 : text[3] == Padding ? 2 : 3;
        var bits = 0;
        for (var i = 0; i < 4; i++)
        {
            var value = i <= count ? Value(text[i]) : 0;
            if (value < 0)
                return false;
            bits = (bits << 6) | value;
        }

        for (var i = 0; i < count; i++)
            bytes[length++] = (byte)(bits >> (16 - 8 * i));
        return true;
    }

    private static int Value(byte c) => c switch
    {
        >= (byte)'A' and <= (byte)'Z' => c - 'A',
        >= (byte)'a' and <= (byte)'z' => c - 'a' + 26,
        >= (byte)'0' and <= (byte)'9' => c - '0' + 52,
        (byte)'+' => 62,
        (byte)'/' => 63,
        _ => -1,
    };
}
