using System.IO.Pipelines;
using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using RestStream.Http.Records;
using RestStream.Settings;
using RestStream.Storage.Records;

namespace RestStream.Benchmarks.Engine;

/// <summary>
/// From the append of a batch to the event in each follower's pipe, with the real streams and waiters but no sockets. One operation is one record to one follower,
/// so that what an append costs once is shared by all of them.
/// </summary>
[Config(typeof(EngineConfig))]
public class SseFanOut
{
    private const int Followers = 1000, Records = 100;

    private readonly RecordBatchBuilder _builder = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _streams = [];
    private readonly byte[][] _values = EngineData.Values(Records);
    private EngineData _data = null!;
    private long _expected;
    private int _waiting;

    [GlobalSetup]
    public void Open() => OpenAsync().GetAwaiter().GetResult();

    private async Task OpenAsync()
    {
        _data = await EngineData.OpenAsync("os");
        var limits = new LimitOptions { Heartbeat = TimeSpan.FromMinutes(5) };
        for (var i = 0; i < Followers; i++)
        {
            var context = new DefaultHttpContext();
            var writer = new CountingWriter(this);
            context.Features.Set<IHttpResponseBodyFeature>(new Body(writer));
            context.Request.Headers.Accept = ReadForm.EventStreamType;
            var parameters = ReadParameters.Parse(context.Request, limits, TimeProvider.System);
            var feed = RecordFeed.Open(_data.Broker, new ReadTarget([EngineData.Topic], null, InCursor: false), parameters);
            _streams.Add(new EventStream(context, feed, limits, TimeProvider.System).RunAsync(_stopping.Token));
        }
    }

    [GlobalCleanup]
    public void Close() => CloseAsync().GetAwaiter().GetResult();

    private async Task CloseAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_streams);
        await _data.DisposeAsync();
    }

    [Benchmark(OperationsPerInvoke = Followers * Records)]
    public void AppendToFollowers() => AppendToFollowersAsync().GetAwaiter().GetResult();

    private async Task AppendToFollowersAsync()
    {
        _waiting = Followers;
        Volatile.Write(ref _expected, _expected + Records);
        await _data.Broker.ProduceAsync(EngineData.Partition, EngineData.Build(_builder, _values));
        await _arrived.WaitAsync();
    }

    private void Arrived()
    {
        if (Interlocked.Decrement(ref _waiting) == 0)
            _arrived.Release();
    }

    private sealed class Body(PipeWriter writer) : IHttpResponseBodyFeature
    {
        public Stream Stream => Stream.Null;
        public PipeWriter Writer => writer;
        public Task CompleteAsync() => Task.CompletedTask;
        public void DisableBuffering()
        {
        }

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();
        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;
    }

    /// <summary>Counts the events that are flushed into it, by their <c>data:</c> lines, and keeps nothing.</summary>
    private sealed class CountingWriter(SseFanOut owner) : PipeWriter
    {
        private readonly byte[] _room = new byte[256 * 1024];
        private int _length;
        private long _events;

        public override void Advance(int bytes) => _length += bytes;
        public override Memory<byte> GetMemory(int sizeHint = 0) => _room.AsMemory(_length);
        public override Span<byte> GetSpan(int sizeHint = 0) => _room.AsSpan(_length);
        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            _events += _room.AsSpan(0, _length).Count("\ndata: "u8);
            _length = 0;
            if (_events == Volatile.Read(ref owner._expected) && _events > 0)
                owner.Arrived();
            return new(new FlushResult(isCanceled: false, isCompleted: false));
        }
    }
}
