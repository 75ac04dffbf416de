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

    public static double ToDouble(ReadOnlySpan<byte> number) => double.Parse(Checked(number), NumberStyles.Float, CultureInfo.InvariantCulture);

    public static float ToSingle(ReadOnlySpan<byte> number) => float.Parse(Checked(number), NumberStyles.Float, CultureInfo.InvariantCulture);

    /// <exception cref="JsonException">It has more digits, or a larger exponent, than anything can hold.</exception>
    public static BigDecimal ToDecimal(ReadOnlySpan<byte> number) =>
        BigDecimal.TryParse(Encoding.ASCII.GetString(Checked(number)), out var value) ? value : throw new JsonException($"The number {Encoding.ASCII.GetString(number)} is out of range.");

    private static ReadOnlySpan<byte> Checked(ReadOnlySpan<byte> number) =>
        number.Length <= MaxLength ? number : throw new JsonException($"A number has {number.Length} characters; {MaxLength} is the most.");
}
