using System.Globalization;
using Microsoft.Extensions.Primitives;
using RestStream.Http.Errors;

namespace RestStream.Http.Produce;

/// <summary>
/// Kafka's idempotent producer over HTTP: who sends, and the sequence of the first record, counted per partition from 0 on. Goes into the batch as it is.
/// </summary>
internal readonly record struct ProducerStamp(long Id, short Epoch, int Sequence)
{
    public const string IdHeader = "Producer-Id";
    public const string EpochHeader = "Producer-Epoch";
    public const string SequenceHeader = "Producer-Seq";
    public const string ExpectedSequenceHeader = "Producer-Expected-Seq";
    public const string ReceivedSequenceHeader = "Producer-Received-Seq";

    /// <summary>Null when the request has none of the three headers.</summary>
    /// <exception cref="HttpError">400: one is missing or no number of its range.</exception>
    public static ProducerStamp? Read(IHeaderDictionary headers)
    {
        var (id, epoch, sequence) = (headers[IdHeader], headers[EpochHeader], headers[SequenceHeader]);
        if (id.Count + epoch.Count + sequence.Count == 0)
            return null;
        return new ProducerStamp(
            Number(IdHeader, id, long.MaxValue), (short)Number(EpochHeader, epoch, short.MaxValue), (int)Number(SequenceHeader, sequence, int.MaxValue));
    }

    private static long Number(string name, StringValues values, long max)
    {
        if (values.Count == 0)
            throw HttpError.BadParameter(name, $"{IdHeader}, {EpochHeader} and {SequenceHeader} go together; {name} is missing. POST /producers hands out id and epoch, the sequence counts records from 0 on.");
        return values.Count == 1 && long.TryParse(values[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= max
            ? number
            : throw HttpError.BadParameter(name, $"{name} is one whole number from 0 to {max}.");
    }
}
