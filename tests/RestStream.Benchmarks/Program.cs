using BenchmarkDotNet.Running;
using RestStream.Benchmarks.Load;
using RestStream.Benchmarks.Load.Bare;

// load <scenario>…   drives a real server, and the bare endpoints to compare it with, over loopback
// bare               the bare endpoints (started by load)
// anything else      BenchmarkDotNet: --filter '*Append*', --list flat, …
return args switch
{
    ["load", .. var rest] => await LoadCommand.RunAsync(rest),
    ["bare", .. var rest] => await BareServer.RunAsync(rest),
    _ => BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args).Any() ? 0 : 1,
};
