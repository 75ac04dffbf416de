using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace RestStream.Benchmarks.Engine;

/// <summary>
/// Short runs in this process: the figures that gate are bytes allocated, which do not vary; times are for comparing two commits on one quiet machine.
/// The in-process toolchain awaits nothing, so set-ups and benchmarks block.
/// </summary>
internal sealed class EngineConfig : ManualConfig
{
    public EngineConfig()
    {
        AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(5));
        AddDiagnoser(MemoryDiagnoser.Default);
        AddColumn(StatisticColumn.OperationsPerSecond);
        HideColumns(Column.Error, Column.StdDev, Column.Gen0, Column.Gen1, Column.Gen2);
    }
}
