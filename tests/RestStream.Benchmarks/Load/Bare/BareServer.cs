using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using RestStream.Benchmarks.Load.Client;

namespace RestStream.Benchmarks.Load.Bare;

/// <summary>
/// What the machine gives without a log: Kestrel, the same bodies, the same size of answer. <c>/post</c> reads the body, <c>/parse</c> also walks over its JSON,
/// <c>/fsync-each</c> also writes it to one file and flushes it before it answers, one request after the other.
/// <c>/parked</c> is an event stream on which nothing comes.
/// </summary>
internal static class BareServer
{
    private static readonly byte[] s_answer = """{"offsets":[{"partition":0,"offset":1234567,"timestamp":1790000000000}]}"""u8.ToArray();

    private static readonly byte[] s_ok = ": ok\n\n"u8.ToArray();

    public static async Task<int> RunAsync(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
        });
        var app = builder.Build();

        app.MapPost("/post", async context =>
        {
            await ReadAsync(context, _ => { });
            await AnswerAsync(context);
        });
        app.MapPost("/parse", async context =>
        {
            await ReadAsync(context, Parse);
            await AnswerAsync(context);
        });

        using var file = File.OpenHandle(app.Configuration["file"] ?? throw new ArgumentException("--file is missing"), FileMode.Create, FileAccess.Write);
        using var one = new SemaphoreSlim(1);
        var descriptor = (int)file.DangerousGetHandle();
        var end = 0L;
        app.MapPost("/fsync-each", async context =>
        {
            await ReadAsync(context, Parse);
            await one.WaitAsync();
            try
            {
                RandomAccess.Write(file, s_record, end);
                end += s_record.Length;
                Libc.DataSync(descriptor);
            }
            finally
            {
                one.Release();
            }
            await AnswerAsync(context);
        });

        app.MapGet("/parked", async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.Body.WriteAsync(s_ok);
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });

        app.Lifetime.ApplicationStarted.Register(() => Console.Out.WriteLine($"listening {app.Urls.First()}"));
        await app.RunAsync();
        return 0;
    }

    /// <summary>As large as a batch with one record of the single-record scenarios.</summary>
    private static readonly byte[] s_record = new byte[270];

    private static async ValueTask ReadAsync(HttpContext context, Action<ReadOnlySequence<byte>> use)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync();
            if (read.IsCompleted)
            {
                use(read.Buffer);
                reader.AdvanceTo(read.Buffer.End);
                return;
            }
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static void Parse(ReadOnlySequence<byte> body)
    {
        var reader = new Utf8JsonReader(body);
        while (reader.Read())
        {
        }
    }

    private static ValueTask AnswerAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = s_answer.Length;
        return new(context.Response.Body.WriteAsync(s_answer).AsTask());
    }
}
