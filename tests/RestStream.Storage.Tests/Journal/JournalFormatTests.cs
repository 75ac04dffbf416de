using RestStream.Storage.Journal;

namespace RestStream.Storage.Tests.Journal;

public class JournalFormatTests
{
    [Fact]
    public void A_sealed_entry_is_valid_and_gives_its_mark_back()
    {
        var topicId = Guid.NewGuid();
        var entry = Entry(topicId, number: JournalFormat.EntryNumber(3, 7));

        Assert.Equal(entry.Length, JournalFormat.ValidEntry(entry, JournalFormat.EntryNumber(3, 7)));
        ReadOnlySpan<byte> parts = entry.AsSpan(JournalFormat.HeaderBytes);
        var body = JournalFormat.TakePart(ref parts, out var id, out var partition, out var kind);
        Assert.Equal((topicId, 5, JournalFormat.MarkPart, 8, 0), (id, partition, kind, body.Length, parts.Length));
    }

    [Fact]
    public void An_entry_with_any_bit_flipped_is_not_valid()
    {
        var entry = Entry(Guid.NewGuid(), number: 9);

        for (var bit = 0; bit < entry.Length * 8; bit++)
        {
            entry[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(0, JournalFormat.ValidEntry(entry, 9));
            entry[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void An_entry_cut_at_any_byte_is_not_valid()
    {
        var entry = Entry(Guid.NewGuid(), number: 9);

        for (var length = 0; length < entry.Length; length++)
            Assert.Equal(0, JournalFormat.ValidEntry(entry.AsSpan(0, length), 9));
    }

    [Fact]
    public void An_entry_of_an_earlier_use_of_the_file_is_not_valid() =>
        Assert.Equal(0, JournalFormat.ValidEntry(Entry(Guid.NewGuid(), JournalFormat.EntryNumber(1, 0)), JournalFormat.EntryNumber(2, 0)));

    private static byte[] Entry(Guid topicId, long number)
    {
        var entry = new byte[JournalFormat.HeaderBytes + JournalFormat.PartHeaderBytes + 8];
        JournalFormat.WritePartHeader(entry.AsSpan(JournalFormat.HeaderBytes), topicId, 5, JournalFormat.MarkPart);
        JournalFormat.Seal(entry, number);
        return entry;
    }
}
