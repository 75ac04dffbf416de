using RestStream.Http.Errors;

namespace RestStream.Http.Records;

/// <summary>The refusals of reading, each with the cursor with which reading goes on.</summary>
internal static class ReadErrors
{
    public static HttpError From(Gap gap, RecordFeed feed)
    {
        var slot = feed.Slots[gap.Slot];
        var next = feed.Next.ToArray();
        next[gap.Slot] = gap.Resumed;
        var extra = new Dictionary<string, object?>
        {
            ["topic"] = slot.Topic,
            ["partition"] = slot.Partition,
            ["requested"] = gap.Requested,
            [gap.Kind switch { GapKind.Deleted => "earliest", GapKind.BeyondEnd => "end", _ => "next_good_offset" }] = gap.Resumed,
            ["cursor"] = feed.Cursor.ToText(next),
        };
        return gap.Kind switch
        {
            GapKind.Deleted => new HttpError(410, 41001, "offset-gone", "Offset gone",
                $"Offset {gap.Requested} of partition {slot.Partition} of '{slot.Topic}' is deleted; the first one kept is {gap.Resumed}. "
                + "Go on with the cursor given here, or add on_gap=earliest.")
            { Extra = extra },
            GapKind.BeyondEnd => new HttpError(416, 41601, "offset-out-of-range", "Offset out of range",
                $"Offset {gap.Requested} of partition {slot.Partition} of '{slot.Topic}' is beyond its end, {gap.Resumed}. "
                + "Go on with the cursor given here, or wait for it with timeout=20000.")
            { Extra = extra },
            _ => new HttpError(500, 50004, "damaged-records", "Damaged records",
                $"Records of partition {slot.Partition} of '{slot.Topic}' from offset {gap.Requested} on are damaged on disk; the next good one is {gap.Resumed}. "
                + "Go on with the cursor given here, or add on_gap=earliest.")
            { Extra = extra },
        };
    }

    public static HttpError Recreated(RecordFeed feed) =>
        new(409, 40905, "topic-recreated", "Topic recreated",
            "The topic was deleted and made again since this cursor was handed out. Begin anew with the cursor given here, or with from=earliest.")
        {
            Extra = new Dictionary<string, object?> { ["reason"] = "topic_recreated", ["cursor"] = feed.CursorText() },
        };
}
