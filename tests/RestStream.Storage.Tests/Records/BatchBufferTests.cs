using RestStream.Storage.Records;

namespace RestStream.Storage.Tests.Records;

public sealed class BatchBufferTests
{
    [Fact]
    public void Growing_keeps_what_was_written()
    {
        using var buffer = BatchBuffer.Rent(4);
        "abcd"u8.CopyTo(buffer.Whole);
        buffer.Length = 4;

        buffer.EnsureCapacity(100_000);

        Assert.True(buffer.Capacity >= 100_000);
        Assert.Equal("abcd"u8.ToArray(), buffer.Span.ToArray());
    }

    [Fact]
    public void A_second_dispose_is_an_error_even_after_others_rented()
    {
        var buffer = BatchBuffer.Rent(10);
        buffer.Dispose();
        var others = Enumerable.Range(0, 20).Select(_ => BatchBuffer.Rent(10)).ToList();

        Assert.Throws<InvalidOperationException>(buffer.Dispose);

        others.ForEach(b => b.Dispose());
    }

    [Fact]
    public void Use_after_dispose_is_an_error()
    {
        var buffer = BatchBuffer.Rent(10);
        buffer.Dispose();

        Assert.Throws<ObjectDisposedException>(() => buffer.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory.Length);
        Assert.Throws<ObjectDisposedException>(() => buffer.Whole.Length);
        Assert.Throws<ObjectDisposedException>(() => buffer.Length = 1);
        Assert.Throws<ObjectDisposedException>(() => buffer.EnsureCapacity(1));
    }

    [Fact]
    public void A_length_beyond_the_capacity_is_an_error()
    {
        using var buffer = BatchBuffer.Rent(10);

        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Length = buffer.Capacity + 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Length = -1);
    }

    [Fact]
    public void Buffers_rented_and_returned_by_many_threads_never_share_bytes()
    {
        Parallel.For(0, 4, worker =>
        {
            for (var i = 0; i < 5000; i++)
            {
                using var buffer = BatchBuffer.Rent(64);
                buffer.Length = 64;
                buffer.Span.Fill((byte)worker);
                Assert.Equal(-1, buffer.Span.IndexOfAnyExcept((byte)worker));
            }
        });
    }
}
