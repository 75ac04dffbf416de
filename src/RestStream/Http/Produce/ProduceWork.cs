using Microsoft.Extensions.ObjectPool;
using RestStream.Broker;
using RestStream.Settings;

namespace RestStream.Http.Produce;

/// <summary>Everything that one produce request works with, reused so that a request allocates next to nothing.</summary>
internal sealed class ProduceWork(IBroker broker, LimitOptions limits)
{
    public PooledBytes Body { get; } = new();
    public PooledBytes Answer { get; } = new();
    public RecordParser Parser { get; } = new(limits);
    public RecordSet Records { get; } = new(broker, limits);

    private void Clear()
    {
        Body.Clear();
        Answer.Clear();
        Records.Clear();
    }

    internal sealed class Policy(IBroker broker, LimitOptions limits) : PooledObjectPolicy<ProduceWork>
    {
        public override ProduceWork Create() => new(broker, limits);

        public override bool Return(ProduceWork work)
        {
            work.Clear();
            return true;
        }
    }
}
