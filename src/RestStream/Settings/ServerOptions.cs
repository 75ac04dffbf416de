using System.ComponentModel.DataAnnotations;

namespace RestStream.Settings;

/// <summary>Settings of the process, section <c>RestStream</c>. Lists may be written as JSON arrays or as one text with commas.</summary>
internal sealed class ServerOptions
{
    public const string Section = "RestStream";

    /// <summary>Where the log lives. A relative path starts at the working directory, so that a trial run leaves everything in one place.</summary>
    [Required]
    public string DataDirectory { get; set; } = "./data";

    /// <summary>Create a topic on its first record. Off, because a typing error must not become a topic; on in the Development environment.</summary>
    public bool AutoCreateTopics { get; set; }

    /// <summary>Listen beyond the loopback interface although nobody has to log in. Off: an open log on the network must be somebody's decision.</summary>
    public bool AllowAnonymous { get; set; }

    /// <summary>
    /// Host names that requests may name, besides <c>localhost</c>, <c>127.0.0.1</c> and <c>[::1]</c>. Others are refused (421) on the loopback interface,
    /// where they are a sign of DNS rebinding; on other interfaces only when this list has entries.
    /// </summary>
    public string[] AllowedHosts { get; set; } = [];

    /// <summary>Origins (<c>https://app.example.com</c>) whose pages may call this server from a browser; <c>*</c> is every page. Empty: CORS is off.</summary>
    public string[] CorsOrigins { get; set; } = [];

    /// <summary>
    /// Addresses (<c>10.0.0.7</c>) or networks (<c>10.0.0.0/8</c>) of the reverse proxies in front of this server. Only their <c>Forwarded</c> and <c>X-Forwarded-Proto</c>, <c>-Host</c>
    /// and <c>-Prefix</c> count, in the <c>base_uri</c> of consumer instances. Empty: nobody's, because anybody can write these headers.
    /// </summary>
    public string[] TrustedProxies { get; set; } = [];

    /// <summary>Serve the Swagger UI at <c>/swagger</c>. On: it is local and offers nothing that the API does not.</summary>
    public bool Swagger { get; set; } = true;

    /// <summary>Most series of one metric; further ones are counted as dropped. 10,000 keeps a scrape below a few megabytes.</summary>
    [Range(10, 1_000_000)]
    public int MetricsMaxSeries { get; set; } = 10_000;

    /// <summary>
    /// Longest a stop may take. Four fifths are for requests in flight, the rest for closing the log. 10 s: what <c>docker stop</c> waits before it kills.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(10);
}
