using System.ComponentModel.DataAnnotations;

namespace RestStream.Settings;

/// <summary>What one client may ask of the server, section <c>RestStream:Limits</c>. Sizes in bytes.</summary>
internal sealed class LimitOptions
{
    public const string Section = "RestStream:Limits";

    /// <summary>Largest request body, after decompression too. 10 MiB: ten thousand records of 1 KiB.</summary>
    [Range(1024, 1024 * 1024 * 1024)]
    public int MaxRequestBytes { get; set; } = 10 * 1024 * 1024;

    /// <summary>Most records in one produce request that is not streamed. 10,000 keeps one request from holding a partition for long.</summary>
    [Range(1, 1_000_000)]
    public int MaxRecordsPerRequest { get; set; } = 10_000;

    /// <summary>Most headers on one record.</summary>
    [Range(0, 10_000)]
    public int MaxHeadersPerRecord { get; set; } = 100;

    /// <summary>Longest key. 64 KiB: keys are names of things, and compaction holds them in memory.</summary>
    [Range(0, 1024 * 1024 * 1024)]
    public int MaxKeyBytes { get; set; } = 64 * 1024;

    /// <summary>How many times larger than its compressed form a request body may become. 100: JSON reaches 20, a bomb 1,000.</summary>
    [Range(1, 10_000)]
    public int MaxDecompressionRatio { get; set; } = 100;

    /// <summary>Deepest nesting of a JSON value.</summary>
    [Range(1, 1000)]
    public int MaxJsonDepth { get; set; } = 64;

    /// <summary>Records on a page when the request names no number.</summary>
    [Range(1, 100_000)]
    public int DefaultPageRecords { get; set; } = 500;

    /// <summary>Most records that a page may be asked for.</summary>
    [Range(1, 1_000_000)]
    public int MaxPageRecords { get; set; } = 100_000;

    /// <summary>Bytes of records on a page when the request names no number.</summary>
    [Range(1024, 1024 * 1024 * 1024)]
    public int DefaultPageBytes { get; set; } = 1024 * 1024;

    /// <summary>Most bytes that a page may be asked for. 64 MiB as in Confluent's proxy.</summary>
    [Range(1024, 1024 * 1024 * 1024)]
    public int MaxPageBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Longest long-poll. 60 s: the idle limit of common proxies.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan MaxWait { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Pause between heartbeats on a quiet stream. 15 s: half of the shortest common idle limit.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00")]
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A stream whose client has not taken what was sent for this long is dropped; it resumes by its last id.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan SlowReaderTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Most streams (server-sent events and followed NDJSON) at a time; above, a stream is told to come back later.</summary>
    [Range(1, 1_000_000)]
    public int MaxStreams { get; set; } = 20_000;

    /// <summary>Most connections; fewer when the process may not open that many files: they leave a quarter of its descriptors alone. Kestrel's own default is none at all.</summary>
    [Range(1, 1_000_000)]
    public int MaxConnections { get; set; } = 25_000;
}
