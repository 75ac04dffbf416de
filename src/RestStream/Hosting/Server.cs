using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Connect;
using RestStream.Connect.Tasks;
using RestStream.Http.Compat;
using RestStream.Http.Connect;
using RestStream.Http.Consumers;
using RestStream.Http.Errors;
using RestStream.Http.Groups;
using RestStream.Http.OpenApi;
using RestStream.Http.Operations;
using RestStream.Http.Operations.Metrics;
using RestStream.Http.Produce;
using RestStream.Http.Records;
using RestStream.Http.Topics;
using RestStream.Settings;
using RestStream.Storage.Files;

namespace RestStream.Hosting;

/// <summary>The server from its settings to its exit code.</summary>
internal static class Server
{
    public static async Task<int> RunAsync(string[] args)
    {
        var outcome = new StartOutcome();
        try
        {
            var builder = WebApplication.CreateBuilder(new WebApplicationOptions
            {
                Args = args,

                // The appsettings.json beside the program is the one that counts, whatever the working directory.
                ContentRootPath = AppContext.BaseDirectory,
            });
            AddServices(builder, outcome);
            SettingsCheck.ThrowIfWrong(builder.Configuration);
            DescriptorGate.LimitThreads();
            var app = builder.Build();
            Configure(app);
            await app.RunAsync();
            return outcome.Failure is { } failure ? await FailAsync(failure.ExitCode, failure.Message)
                : outcome.NotClosed is { } notClosed ? await NotClosedAsync(notClosed)
                : ExitCodes.Ended;
        }
        catch (Exception e) when (e == outcome.NotClosed)
        {
            // The services are disposed with the host, and the broker may be one of them.
            return await NotClosedAsync(e);
        }
        catch (SettingsException wrong)
        {
            return await FailAsync(ExitCodes.BadSettings, wrong.Message);
        }
        catch (StartFailureException failure)
        {
            return await FailAsync(failure.ExitCode, failure.Message);
        }
        catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            return await FailAsync(ExitCodes.BadSettings, $"{e.Message} Stop the program that listens there, or choose another address with --urls.");
        }
    }

    private static void AddServices(WebApplicationBuilder builder, StartOutcome outcome)
    {
        var services = builder.Services;
        services.AddSingleton(TimeProvider.System);
        AddOptions(services, builder.Configuration);
        AddKestrel(builder);
        AddLogging(builder.Logging);

        services.AddSingleton(outcome);
        services.AddSingleton<Func<Task<EmbeddedBroker>>>(s => () => EmbeddedBroker.OpenAsync(
            s.GetRequiredService<IOptions<ServerOptions>>().Value.DataDirectory, s.GetRequiredService<IOptions<BrokerOptions>>().Value,
            new LinuxFileSystem(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<EmbeddedBroker>>(),
            s.GetRequiredService<IOptions<GroupOptions>>().Value));
        services.AddSingleton<BrokerService>();
        services.AddHostedService(s => s.GetRequiredService<BrokerService>());
        services.AddSingleton<IBroker>(s => s.GetRequiredService<BrokerService>().Broker);
        services.AddConsumerInstances();
        services.AddSingleton<HookRegistry>();
        services.AddSingleton<ConnectService>();
        if (Connects(builder.Configuration))
            services.AddHostedService(s => s.GetRequiredService<ConnectService>());

        services.AddErrorResponses();
        services.AddSingleton<RequestGuards>();
        services.AddSingleton<StreamGate>();
        services.AddSingleton<GroupStreams>();
        services.AddSingleton<MetricsCollector>();
        services.AddSingleton<HostMetrics>();
        services.AddCors();

        // Pages and descriptions only; NDJSON and event streams go out as they are.
        services.AddResponseCompression(compression => compression.MimeTypes =
            ["application/json", "application/problem+json", "text/plain", Dialect.V2Type, .. new[] { "json", "binary", "text" }.Select(f => $"application/vnd.kafka.{f}.v2+json")]);
        services.AddOpenApiDocument();
    }

    private static bool Connects(IConfiguration configuration) => configuration.GetValue($"{ConnectOptions.Section}:{nameof(ConnectOptions.Enabled)}", defaultValue: true);

    private static void AddOptions(IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ServerOptions>()
            .Configure<IHostEnvironment>((o, environment) => o.AutoCreateTopics = environment.IsDevelopment())
            .BindConfiguration(ServerOptions.Section)
            .Configure(o =>
            {
                o.AllowedHosts = SettingsCheck.List(configuration, $"{ServerOptions.Section}:{nameof(o.AllowedHosts)}");
                o.CorsOrigins = SettingsCheck.List(configuration, $"{ServerOptions.Section}:{nameof(o.CorsOrigins)}");
                o.TrustedProxies = SettingsCheck.List(configuration, $"{ServerOptions.Section}:{nameof(o.TrustedProxies)}");
            });
        services.AddOptions<LimitOptions>().BindConfiguration(LimitOptions.Section);
        services.AddOptions<GroupMemberOptions>().BindConfiguration(GroupMemberOptions.Section);
        services.AddOptions<CompatOptions>().BindConfiguration(CompatOptions.Section);
        services.AddOptions<BrokerOptions>().BindConfiguration(BrokerOptions.Section);
        services.AddOptions<GroupOptions>().BindConfiguration(GroupOptions.Section);
        services.AddOptions<ConnectOptions>().BindConfiguration(ConnectOptions.Section)
            .Configure<IOptions<ServerOptions>>((connect, server) => ConnectSettings.Complete(connect, configuration, server.Value.DataDirectory));
        services.AddOptions<ConnectListenerOptions>().BindConfiguration(ConnectOptions.Section);
        services.AddOptions<HostOptions>().Configure<IOptions<ServerOptions>>((host, server) => host.ShutdownTimeout = server.Value.ShutdownTimeout * 0.8);
    }

    private static void AddKestrel(WebApplicationBuilder builder)
    {
        if (!Listeners.AreConfigured(builder.Configuration))
            builder.WebHost.UseUrls(Listeners.Default);
        ConnectListeners.Configure(builder);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        DescriptorGate.AddTo(builder.Services);
        builder.Services.AddOptions<KestrelServerOptions>().Configure<IOptions<LimitOptions>>((kestrel, limits) =>
        {
            kestrel.Limits.MaxConcurrentConnections = limits.Value.MaxConnections;

            // A client that needs longer for its headers is broken or hostile; Kestrel's own limit is 30 s.
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);

            // The produce endpoints count bytes themselves, after decompression too, and answer with the one error body.
            kestrel.Limits.MaxRequestBodySize = null;

            // Finds HTTP/2 peers that went away without a word.
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        });
    }

    private static void AddLogging(ILoggingBuilder logging)
    {
        logging.ClearProviders();
        logging.AddConsole();

        // "Hosting failed to start" with a stack trace; RunAsync says the same in one line.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        logging.AddConsoleFormatter<LineFormatter, ConsoleFormatterOptions>();
        logging.Services.AddLogLevels();
        logging.Services.AddOptions<ConsoleLoggerOptions>().PostConfigure(o => o.FormatterName ??= LineFormatter.FormatterName);
    }

    private static void Configure(WebApplication app)
    {
        var options = app.Services.GetRequiredService<IOptions<ServerOptions>>().Value;
        Listeners.ThrowIfOpenToTheNetwork(app.Configuration, options.AllowAnonymous);

        // Before anything measures.
        app.Services.GetRequiredService<MetricsCollector>();
        app.Services.GetRequiredService<HostMetrics>();

        app.UseErrorResponses();
        app.Use(app.Services.GetRequiredService<RequestGuards>().Before);
        UseCors(app, options.CorsOrigins);
        app.UseConnect();
        app.UseRouting();
        app.UseOpenApiDocument(options.Swagger);
        app.UseWhen(context => HttpMethods.IsGet(context.Request.Method) && !ReadEndpoints.IsStream(context.Request), pages => pages.UseResponseCompression());
        app.MapOperations();
        app.MapTopics();
        app.MapProduce();
        app.MapProducers();
        app.MapRecords();
        app.MapGroups();
        app.MapCompat();
        app.MapConnect();

        app.Lifetime.ApplicationStarted.Register(() => ShowBanner(app, options));
        app.Lifetime.ApplicationStopping.Register(() => app.Logger.Stopping());
    }

    private static void UseCors(WebApplication app, string[] origins)
    {
        if (origins.Length == 0)
            return;
        app.UseCors(policy => (origins.Contains("*") ? policy.AllowAnyOrigin() : policy.WithOrigins(origins))
            .AllowAnyHeader().AllowAnyMethod()
            .WithExposedHeaders(
                "Location", "ETag", "Retry-After", "Link", "Idempotent-Replayed", "Producer-Epoch", "Producer-Expected-Seq", "Producer-Received-Seq", "Preference-Applied",
                RecordPage.CursorHeader, RecordPage.EndHeader)
            .SetPreflightMaxAge(TimeSpan.FromMinutes(10)));
    }

    private static void ShowBanner(WebApplication app, ServerOptions options)
    {
        var urls = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        var connectors = Connects(app.Configuration) ? app.Services.GetRequiredService<ConnectListeners>().ConnectUrl ?? Listeners.Reachable(urls.FirstOrDefault() ?? Listeners.Default) : null;
        Console.Out.WriteLine(Banner.Text(options, [.. urls], connectors, recovering: !app.Services.GetRequiredService<BrokerService>().IsOpen(out _)));
    }

    private static Task<int> NotClosedAsync(Exception error) => FailAsync(ExitCodes.StorageFailure, $"The log was not closed cleanly; the next start repairs it. {error.Message}");

    private static async Task<int> FailAsync(int exitCode, string message)
    {
        await Console.Error.WriteLineAsync(message);
        return exitCode;
    }
}
