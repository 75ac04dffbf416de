using System.Text;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Connect;

/// <summary>The same requests to a real Kafka Connect and to RestStream. Every difference in status, body or state is a row of the table in docs/connect.md, and every row there is a difference.</summary>
public sealed class DifferentialTests : IDisposable
{
    private readonly TempFolder _folder = new("differential");

    public void Dispose() => _folder.Dispose();

    [RequiresToolFact("kafka")]
    public async Task RestStream_answers_as_Kafka_Connect_except_where_the_documentation_says_why()
    {
        Directory.CreateDirectory(_folder["files"]);
        await using var ours = await ConnectServer.StartAsync("--RestStream:Connect:Listener", "http://127.0.0.1:0", "--RestStream:Connect:FileRoots", _folder["files"]);
        var own = new Uri(System.Text.RegularExpressions.Regex.Match(ours.Server.Output, @"connectors  (http://127\.0\.0\.1:\d+/)connectors").Groups[1].Value);
        using var client = new HttpClient { BaseAddress = own };
        await using var kafka = await KafkaConnect.StartAsync(_folder["kafka"]);

        var rows = File.ReadAllLines(Path.Combine(Locations.RepositoryRoot, "docs", "connect.md")).SkipWhile(l => !l.StartsWith("| row |")).TakeWhile(l => l.StartsWith('|')).Skip(2).Select(l => l.Split('`')[1]).ToHashSet();
        var (wrong, met) = (new List<string>(), new HashSet<string>());
        foreach (var step in Script.Steps)
        {
            var answers = await Task.WhenAll(SendAsync(kafka.Client, step, "kafka"), SendAsync(client, step, "ours"));
            var difference = Script.Difference(step, answers[0], answers[1]);
            if (step.Row is null && difference is not null)
                wrong.Add($"{step}: {difference}\n    Kafka: {answers[0]}\n    RestStream: {answers[1]}");
            else if (step.Row is { } row && difference is null)
                wrong.Add($"{step}: no difference; take row '{row}' away");
            else if (step.Row is { } listed && rows.Contains(listed))
                met.Add(listed);
            else if (step.Row is { } missing)
                wrong.Add($"{step}: docs/connect.md has no row '{missing}'");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(rows.Order(), met.Order());
    }

    private async Task<Answer> SendAsync(HttpClient client, Step step, string who)
    {
        var file = _folder[$"files/{who}.txt"];
        if (!File.Exists(file))
            File.WriteAllText(file, "a\nb\n");
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            using var request = new HttpRequestMessage(new HttpMethod(step.Method), new Uri(client.BaseAddress!, step.Path));
            if (step.Body is not null)
                request.Content = new StringContent(step.Body.Replace("FILE", file).Replace("OUT", _folder[$"files/{who}.out"]), Encoding.UTF8, "application/json");
            using var answer = await client.SendAsync(request, CancellationToken.None);
            var text = (await answer.Content.ReadAsStringAsync(CancellationToken.None)).Replace(file, "FILE").Replace(_folder[$"files/{who}.out"], "OUT");
            var read = new Answer((int)answer.StatusCode, text, answer.Headers, answer.Content.Headers);

            // Kafka's worker did nothing and asks to try again.
            var refused = text.Contains("because a rebalance is expected");
            if (!refused && (step.Until is null || States(read) == step.Until) && (step.Has is null || text.Contains(step.Has)) || enough.IsCancellationRequested)
                return read;
            await Task.Delay(50, CancellationToken.None);
        }
    }

    private static string States(Answer status) => status.Status != 200 ? "" : string.Join(' ',
        new[] { status.Json.GetProperty("connector") }.Concat(status.Json.GetProperty("tasks").EnumerateArray()).Select(s => s.GetProperty("state").GetString()));
}
