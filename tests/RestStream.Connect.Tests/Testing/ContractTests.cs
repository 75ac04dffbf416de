using RestStream.Connect.Testing;

namespace RestStream.Connect.Tests.Testing;

/// <summary>A connector that keeps its promises passes every test of the contract.</summary>
public class GoodSourceTests : SourceContract
{
    private protected virtual Mistake Mistake => Mistake.None;

    private MemorySystem System => field ??= new MemorySystem(Mistake);

    protected override TimeSpan Patience => TimeSpan.FromMilliseconds(Mistake == Mistake.None ? 10_000 : 300);

    protected override IReadOnlyDictionary<string, string> Config => System.Config;

    protected override IEnumerable<(string Key, string? Value)> BadConfig => [("topic", null), ("batch", "0"), ("batch", "many")];

    protected override SourceConnector CreateConnector() => Mistake == Mistake.AcceptsEverything ? new LaxSource() : new GoodSource();

    protected override Task<IReadOnlyList<string>> FillAsync()
    {
        System.Items.AddRange(["a", "b", "c", "d", "e"]);
        return Task.FromResult<IReadOnlyList<string>>([.. System.Items]);
    }
}

/// <summary>As for sources.</summary>
public class GoodSinkTests : SinkContract
{
    private protected virtual Mistake Mistake => Mistake.None;

    private MemorySystem System => field ??= new MemorySystem(Mistake);

    protected override IReadOnlyDictionary<string, string> Config => System.Config;

    protected override IEnumerable<(string Key, string? Value)> BadConfig => [("topic", null), ("batch", "0")];

    protected override SinkConnector CreateConnector() => new MemorySink();

    protected override Task<IReadOnlyList<string>> ReadAsync() => Task.FromResult<IReadOnlyList<string>>([.. System.Items]);

    protected override Task<IAsyncDisposable?> BreakAsync()
    {
        System.IsBroken = true;
        return Task.FromResult<IAsyncDisposable?>(new Mended(System));
    }

    private sealed class Mended(MemorySystem system) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            system.IsBroken = false;
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>The contract finds the mistakes that authors make.</summary>
public class ContractTests
{
    [Fact]
    public Task A_source_that_forgets_its_offsets_is_found() => Fails(Mistake.ForgetsOffsets, source => source.A_restart_between_polls_loses_and_repeats_nothing());

    [Fact]
    public Task A_source_that_reads_again_after_its_end_is_found() => Fails(Mistake.ForgetsOffsets, source => source.A_start_behind_the_last_record_reads_nothing_again());

    [Fact]
    public Task A_source_that_acknowledges_before_the_log_has_it_is_found() => Fails(Mistake.AcknowledgesOnPoll, source => source.A_crash_loses_nothing(SourceContract.CrashPoint.AfterPoll));

    [Fact]
    public Task A_source_whose_records_have_the_offset_of_their_batch_is_found() =>
        Fails(Mistake.OffsetOfTheWholeBatch, source => source.A_crash_loses_nothing(SourceContract.CrashPoint.AfterTheFirstRecordOfAPoll));

    [Fact]
    public Task A_poll_that_does_not_end_is_found() => Fails(Mistake.HangsWhenCancelled, source => source.A_poll_that_is_cancelled_ends());

    [Fact]
    public Task A_configuration_that_is_not_checked_is_found() => Fails(Mistake.AcceptsEverything, source => source.A_bad_configuration_is_reported_by_key());

    [Fact]
    public Task A_setting_that_is_not_explained_is_found() => Fails(Mistake.AcceptsEverything, source => source.Every_setting_says_what_it_does_and_all_instances_define_the_same());

    [Fact]
    public Task More_tasks_than_allowed_are_found() => Fails(Mistake.TooManyTasks, source => source.There_are_never_more_tasks_than_allowed());

    [Fact]
    public Task A_dispose_that_fails_is_found() => Fails(Mistake.DisposeFailsBeforeStart, source => source.A_task_whose_start_failed_is_disposed_without_error());

    [Fact]
    public Task A_sink_that_says_safe_before_it_wrote_is_found() => FailsSink(Mistake.WritesOnDisposeOnly, sink => sink.A_crash_loses_nothing(SinkContract.CrashPoint.AfterCommit));

    [Fact]
    public Task A_sink_that_claims_more_than_it_got_is_found() => FailsSink(Mistake.ClaimsTooMuch, sink => sink.A_flush_never_claims_more_than_was_put());

    [Fact]
    public Task A_sink_that_loses_what_it_could_not_write_is_found() => FailsSink(Mistake.LosesWhatFailed, sink => sink.Records_that_could_not_be_written_arrive_when_they_are_handed_out_again());

    [Fact]
    public Task A_sink_that_repeats_without_a_crash_is_found() => FailsSink(Mistake.RepeatsOnRestart, sink => sink.A_restart_loses_and_repeats_nothing());

    private static async Task Fails(Mistake mistake, Func<SourceContract, Task> test) => Assert.NotNull(await Record.ExceptionAsync(() => test(new MistakenSource(mistake))));

    private static async Task FailsSink(Mistake mistake, Func<SinkContract, Task> test) => Assert.NotNull(await Record.ExceptionAsync(() => test(new MistakenSink(mistake))));

    private sealed class MistakenSource(Mistake mistake) : GoodSourceTests
    {
        private protected override Mistake Mistake => mistake;
    }

    private sealed class MistakenSink(Mistake mistake) : GoodSinkTests
    {
        private protected override Mistake Mistake => mistake;
    }
}
