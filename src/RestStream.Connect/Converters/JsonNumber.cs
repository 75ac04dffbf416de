using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RestStream.Connect.Data;

namespace RestStream.Connect.Converters;

/// <summary>Numbers of JSON, given as their digits, in the types of Connect; what does not fit is cut as Java cuts it.</summary>
internal static class JsonNumber
{
    // Jackson's limit (StreamReadConstraints): the time to read a number grows with the square of its length.
    private const int MaxLength = 1000;

    /// <summary>Whether it has neither point nor exponent.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> number) => number.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0;

    /// <summary>The number without its fraction; of larger ones the lowest 64 bits.</summary>
    public static long ToInt64(ReadOnlySpan<byte> number) =>
        Utf8Parser.TryParse(number, out long value, out var length) && length == number.Length ? value : ToDecimal(number).ToInt64();

    // Plus zero: -0 is 0 in JSON as Jackson reads it, by way of a decimal number.
    public static double ToDouble(ReadOnlySpan<byte> number) => double.Parse(Checked(number), NumberStyles.Float, CultureInfo.InvariantCulture) + 0.0;

    /// <summary>As <see cref="ToDouble"/>.</summary>
    public static float ToSingle(ReadOnlySpan<byte> number) => float.Parse(Checked(number), NumberStyles.Float, CultureInfo.InvariantCulture) + 0.0f;

    /// <exception cref="JsonException">It has more digits, or a larger exponent, than anything can hold.</exception>
    public static BigDecimal ToDecimal(ReadOnlySpan<byte> number) =>
        BigDecimal.TryParse(Encoding.ASCII.GetString(Checked(number)), out var value) ? value : throw new JsonException($"The number {Encoding.ASCII.GetString(number)} is out of range.");

    /// <summary>The JSON with 7 for 007; false when it has no such numbers.</summary>
    public static bool TryRemoveLeadingZeros(ReadOnlySpan<byte> json, out byte[] plain)
    {
        var kept = new byte[json.Length];
        var count = 0;
        var (inText, escaped, inNumber) = (false, false, false);
        for (var i = 0; i < json.Length; i++)
        {
            var c = json[i];
            var isLeading = !inText && !inNumber && c == '0' && i + 1 < json.Length && json[i + 1] is >= (byte)'0' and <= (byte)'9';
            if (!isLeading)
            {
                kept[count++] = c;
                inNumber = !inText && c is >= (byte)'0' and <= (byte)'9' or (byte)'.' or (byte)'e' or (byte)'E' or (byte)'+' || (inNumber && c == '-');
            }

            if (c == '"' && !escaped)
                inText = !inText;
            escaped = inText && c == '\\' && !escaped;
        }

        plain = kept[..count];
        return count < json.Length;
    }

    private static ReadOnlySpan<byte> Checked(ReadOnlySpan<byte> number) =>
        number.Length <= MaxLength ? number : throw new JsonException($"A number has {number.Length} characters; {MaxLength} is the most.");
}
