using System.Text;
using RestStream.Connect;
using RestStream.Connect.Data;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Sink;

/// <summary>
/// Sends what it is given before it returns, in the order of each partition. A record that the other side refuses is reported; of a refused batch each record is sent alone to find out which it is.
/// When a try ends in the middle, what was taken is remembered, so that the repeat does not send it twice; and told to the worker, so that neither a restart of the task does.
/// </summary>
internal sealed class HttpSinkTask : SinkTask
{
    private readonly Dictionary<TopicPartition, long> _done = [];
    private ISinkTaskContext _context = null!;
    private HttpCalls _calls = null!;
    private Authorization _authorization = null!;
    private RecordRequest _requests = null!;
    private StatusRanges _success = null!;
    private StatusRanges _ignored = null!;
    private StatusRanges _fatal = null!;
    private int _batchSize;
    private int _inFlight;
    private bool _ignoresNull;
    private string? _resultTopic;
    private string? _errorTopic;

    public override Task StartAsync(ISinkTaskContext context, CancellationToken cancellationToken)
    {
        var config = context.Config;
        _context = context;
        (_resultTopic, _errorTopic) = (config.FindString("reporter.result.topic.name"), config.FindString("reporter.error.topic.name"));
        _success = new StatusRanges(config.GetList("http.codes.success"));
        _calls = new HttpCalls(
            context.Network, context.Time, TimeSpan.FromSeconds(config.GetInt("http.timeout")), config.GetInt("max.retries"), config.GetMilliseconds("retry.backoff.ms"),
            new StatusRanges(config.GetList("http.codes.retry")), config.GetInt("http.response.max.bytes"))
        {
            // What was taken is taken, whatever the answer says.
            ReadsBody = status => (_success.Contains(status) ? _resultTopic : _errorTopic) is not null,
            CutsBody = true,
        };
        _authorization = HttpAuthorization.Create(config, _calls.Client, context.Time);
        _requests = new RecordRequest(config);
        _ignored = new StatusRanges(config.GetList("http.codes.ignore"));
        _fatal = new StatusRanges(config.GetList("http.codes.fatal"));
        _batchSize = config.GetBoolean("batching.enabled") ? config.GetInt("batch.max.size") : 1;
        _inFlight = config.GetInt("max.in.flight.requests");
        _ignoresNull = config.GetString("http.on.null") == "ignore";
        return Task.CompletedTask;
    }

    public override async Task PutAsync(IReadOnlyList<SinkRecord> records, CancellationToken cancellationToken)
    {
        var partitions = records
            .Where(r => !_ignoresNull || r.Value is not null)
            .GroupBy(r => new TopicPartition(r.OriginalTopic, r.OriginalPartition))
            .Select(p => (p.Key, Records: p.Where(r => r.Offset >= _done.GetValueOrDefault(p.Key, -1)).ToList()))
            .Where(p => p.Records.Count > 0)
            .ToList();

        // Only the records of this put can come again, so what was done before it need not be remembered.
        var done = new (TopicPartition Partition, long Next)[partitions.Count];
        try
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, partitions.Count), new ParallelOptions { MaxDegreeOfParallelism = _inFlight, CancellationToken = cancellationToken },
                async (i, token) =>
                {
                    var (partition, own) = partitions[i];
                    await foreach (var next in SendAsync(own, token))
                        done[i] = (partition, next);
                });
            _done.Clear();
        }
        catch
        {
            foreach (var (partition, next) in done.Where(d => d.Next > 0))
                _done[partition] = next;
            throw;
        }
    }

    public override Task<IReadOnlyDictionary<TopicPartition, long>> FlushAsync(IReadOnlyDictionary<TopicPartition, long> offsets, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyDictionary<TopicPartition, long>>(offsets.ToDictionary(o => o.Key, o => Math.Max(o.Value, _done.GetValueOrDefault(o.Key))));

    public override Task CloseAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken)
    {
        foreach (var partition in partitions)
            _done.Remove(partition);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        _calls?.Dispose();
        return base.DisposeAsync();
    }

    /// <summary>Sends the records of one partition in order; says after each request behind which offset all is done.</summary>
    private async IAsyncEnumerable<long> SendAsync(List<SinkRecord> records, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A transform may have spread the records of a partition over several topics, and a batch goes to one URL.
        for (int start = 0, count; start < records.Count; start += count)
        {
            count = 1;
            while (count < _batchSize && start + count < records.Count && records[start + count].Topic == records[start].Topic)
                count++;
            var batch = records.GetRange(start, count);
            if (_batchSize == 1)
            {
                await SendOneAsync(batch[0], cancellationToken);
            }
            else if (!await TrySendAsync(batch, () => _requests.Batch(batch), cancellationToken))
            {
                foreach (var record in batch)
                {
                    await TrySendAsync([record], () => _requests.Batch([record]), cancellationToken, reports: true);
                    yield return record.Offset + 1;
                }
            }

            yield return batch[^1].Offset + 1;
        }
    }

    private Task SendOneAsync(SinkRecord record, CancellationToken cancellationToken) => TrySendAsync([record], () => _requests.Single(record), cancellationToken, reports: true);

    /// <summary>False: the request was refused for what it holds. With <paramref name="reports"/> the record is reported instead.</summary>
    private async Task<bool> TrySendAsync(IReadOnlyList<SinkRecord> records, Func<HttpRequestMessage> make, CancellationToken cancellationToken, bool reports = false)
    {
        HttpAnswer answer;
        try
        {
            answer = await _calls.SendAsync(make, _authorization, cancellationToken);
        }
        catch (RecordException e)
        {
            if (!reports)
                return false;
            await _context.ReportAsync(records[0], e);
            return true;
        }

        if (_success.Contains(answer.Status))
        {
            await TellAsync(_resultTopic, records, answer, cancellationToken);
            return true;
        }

        if (_ignored.Contains(answer.Status))
            return true;
        if (_fatal.Contains(answer.Status))
            throw new FatalException($"{answer.Url} answered {answer.Status}. Check the settings for authorization and what this user may do.");
        if (!reports)
            return false;
        await TellAsync(_errorTopic, records, answer, cancellationToken);
        await _context.ReportAsync(records[0], new ConnectException($"{answer.Url} answered {answer.Status}."));
        return true;
    }

    private async Task TellAsync(string? topic, IReadOnlyList<SinkRecord> records, HttpAnswer answer, CancellationToken cancellationToken)
    {
        if (topic is null)
            return;
        foreach (var record in records)
        {
            var value = new Dictionary<string, object?>
            {
                ["topic"] = record.OriginalTopic,
                ["partition"] = (long)record.OriginalPartition,
                ["offset"] = record.Offset,
                ["status"] = (long)answer.Status,
                ["body"] = Encoding.UTF8.GetString(answer.Body),
            };
            await _context.ProduceAsync(topic, new SchemaAndValue(record.KeySchema, record.Key), new SchemaAndValue(null, value), [], cancellationToken);
        }
    }
}
