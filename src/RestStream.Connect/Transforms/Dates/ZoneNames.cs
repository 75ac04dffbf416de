using System.Globalization;

namespace RestStream.Connect.Transforms.Dates;

/// <summary>
/// Names of time zones in dates, as Java 17 reads them for en-US: a name stands for one offset, whatever the date. Of its some 600 names these are the ones that dates hold in practice,
/// and of a name that several zones have (CST, IST, BST ..) Java's first. Of the long names only that of UTC, which <see cref="JavaDateFormat"/> writes.
/// </summary>
internal static class ZoneNames
{
    public const string Utc = "Coordinated Universal Time";

    private static readonly Dictionary<string, int> s_minutes = (
        "GMT 0 WET 0 WEST 60 BST 60 CET 60 CEST 120 MET 60 MEST 120 EET 120 EEST 180 MSK 180 MSD 180 TRT 180 SAMT 240 YEKT 300 OMST 360 NOVT 420 KRAT 420 IRKT 480 YAKT 540 VLAT 600 MAGT 660 PETT -300 "
        + "EST -300 EDT -240 CST -360 CDT -300 MST -420 MDT -360 PST -480 PDT -420 AKST -540 AKDT -480 HST -600 HDT -600 HAST -600 HADT -540 AST -240 ADT -180 NST -210 NDT -150 SST -660 "
        + "ART -180 BRT -180 CLT -240 CLST -180 COT -300 PET -300 UYT -180 VET -240 "
        + "CAT 120 EAT 180 SAST 120 WAT 60 GST 240 IRST 210 IST 120 IDT 180 PKT 300 UZT 300 NPT 345 BDT 360 MMT 390 ICT 420 WIB 420 HKT 480 SGT 480 WITA 480 JST 540 KST 540 WIT 540 "
        + "AWST 480 ACST 570 ACDT 570 AEST 600 AEDT 660 ChST 600 NZST 720 NZDT 780 CHAST 765 CHADT 825").Split(' ').Chunk(2)
        .ToDictionary(pair => pair[0], pair => int.Parse(pair[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture), StringComparer.OrdinalIgnoreCase);

    private static readonly int s_longest = s_minutes.Keys.Max(name => name.Length);

    /// <summary>The longest name that stands there: its length, and minutes east of Greenwich; null for UTC itself, which changes nothing. Null when none does.</summary>
    public static (int Length, int? Minutes)? Find(string text, int position)
    {
        foreach (var own in (ReadOnlySpan<string>)[Utc, "UTC"])
        {
            if (string.Compare(text, position, own, 0, own.Length, StringComparison.OrdinalIgnoreCase) == 0)
                return (own.Length, null);
        }
        var lookup = s_minutes.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var length = Math.Min(s_longest, text.Length - position); length > 0; length--)
        {
            if (lookup.TryGetValue(text.AsSpan(position, length), out var minutes))
                return (length, minutes);
        }
        return null;
    }
}
