using RestStream.Connect.Config;

namespace RestStream.Connect.Plugins;

/// <summary>
/// Changes one record at a time, in the chain of a connector (<c>transforms</c>). Pure: no I/O, no state between records that changes the answer. One instance per task; never called by two threads at once.
/// Has a public constructor without parameters.
/// </summary>
public abstract class Transform : IDisposable
{
    /// <summary>What may be configured.</summary>
    public abstract ConfigDef Config { get; }

    /// <summary>Called once, first.</summary>
    /// <exception cref="ConfigException">The settings contradict each other.</exception>
    public abstract void Configure(ConfigValues config);

    /// <summary>The changed record (the same type that came: source or sink record), the same object when nothing changes, or null to drop it.</summary>
    /// <exception cref="ConnectException">The record cannot be changed: the error policy of the connector decides.</exception>
    public abstract ConnectRecord? Apply(ConnectRecord record);

    /// <summary>Releases what it holds.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>Decides whether a transform is applied to a record (<c>predicates</c>). As <see cref="Transform"/> otherwise.</summary>
public abstract class Predicate : IDisposable
{
    /// <summary>What may be configured.</summary>
    public abstract ConfigDef Config { get; }

    /// <summary>Called once, first.</summary>
    public abstract void Configure(ConfigValues config);

    /// <summary>Whether the record meets the condition.</summary>
    public abstract bool Test(ConnectRecord record);

    /// <summary>Releases what it holds.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}
