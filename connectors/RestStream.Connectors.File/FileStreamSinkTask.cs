using System.Buffers;
using System.Text;

using RestStream.Connect;
using RestStream.Connect.Data;

namespace RestStream.Connectors.Files;

/// <summary>
/// Appends a line for each record, <c>null</c> for a tombstone. At least once: what was written behind the last commit is written again after a crash.
/// Durable before <see cref="FlushAsync"/> answers; the standard output is not.
/// </summary>
public sealed class FileStreamSinkTask : SinkTask
{
    private readonly ArrayBufferWriter<byte> _lines = new();
    private AppendedFile? _file;
    private Stream? _standardOutput;

    /// <inheritdoc/>
    public override Task StartAsync(ISinkTaskContext context, CancellationToken cancellationToken)
    {
        if (context.Config.FindString(FileStreamSinkConnector.FileKey) is { Length: > 0 } file)
            _file = AppendedFile.Open(context.Files, file);
        else
            _standardOutput = Console.OpenStandardOutput();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task PutAsync(IReadOnlyList<SinkRecord> records, CancellationToken cancellationToken)
    {
        if (records.Count == 0)
            return Task.CompletedTask;
        _lines.ResetWrittenCount();
        foreach (var record in records)
        {
            Encoding.UTF8.GetBytes(Values.ToText(record.Value), _lines);
            _lines.Write("\n"u8);
        }

        _file?.Append(_lines.WrittenSpan);
        _standardOutput?.Write(_lines.WrittenSpan);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task<IReadOnlyDictionary<TopicPartition, long>> FlushAsync(IReadOnlyDictionary<TopicPartition, long> offsets, CancellationToken cancellationToken)
    {
        _file?.Flush();
        _standardOutput?.Flush();
        return Task.FromResult(offsets);
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        _file?.Dispose();
        _standardOutput?.Dispose();
        return base.DisposeAsync();
    }
}
