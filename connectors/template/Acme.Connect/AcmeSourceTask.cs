using System.Text;
using RestStream.Connect;
using RestStream.Connect.Data;

namespace Acme.Connect;

/// <summary>Reads lines. The offset of a record is the position in the file behind its line: where to read on after a stop or a crash.</summary>
public sealed class AcmeSourceTask : SourceTask
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private ISourceTaskContext _context = null!;
    private Dictionary<string, object?> _partition = [];
    private string _file = "";
    private long _position;

    /// <inheritdoc/>
    public override async Task StartAsync(ISourceTaskContext context, CancellationToken cancellationToken)
    {
        _context = context;
        _file = context.Files.Resolve(context.Config.GetString("file"));
        _partition = new Dictionary<string, object?> { ["file"] = _file };
        var offset = await context.LastOffsetAsync(_partition, cancellationToken);
        _position = offset is null ? 0 : (long)offset["position"]!;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var records = ReadLines();
            if (records.Count > 0)
                return records;
            await Task.Delay(s_pause, _context.Time, cancellationToken);
        }
    }

    private List<SourceRecord> ReadLines()
    {
        var records = new List<SourceRecord>();
        if (!File.Exists(_file))
            return records;
        using var file = _context.Files.Open(_file, FileMode.Open, FileAccess.Read);
        file.Position = _position;
        var line = new MemoryStream();
        for (int next; records.Count < _context.Config.GetInt("batch.size") && (next = file.ReadByte()) >= 0;)
        {
            if (next != '\n')
            {
                line.WriteByte((byte)next);
                continue;
            }

            // A last line without its end is still being written: it waits.
            _position = file.Position;
            records.Add(new SourceRecord
            {
                Topic = _context.Config.GetString("topic"),
                ValueSchema = Schema.String,
                Value = Encoding.UTF8.GetString(line.ToArray()),
                SourcePartition = _partition,
                SourceOffset = new Dictionary<string, object?> { ["position"] = _position },
            });
            line.SetLength(0);
        }

        return records;
    }
}
