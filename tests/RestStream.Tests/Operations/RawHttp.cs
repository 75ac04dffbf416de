using System.Net.Sockets;
using System.Text;

namespace RestStream.Tests.Operations;

/// <summary>Requests that no HTTP client would send, written byte by byte.</summary>
internal static class RawHttp
{
    /// <summary>Sends the text (with line ends made CRLF) and reads until the server closes or has been silent for half a second.</summary>
    public static async Task<(string Answer, bool Closed)> SendAsync(Uri server, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Host, server.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request.ReplaceLineEndings("\r\n")));

        var answer = new StringBuilder();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            using var silence = new CancellationTokenSource(TimeSpan.FromSeconds(answer.Length == 0 ? 15 : 0.5));
            try
            {
                var read = await stream.ReadAsync(buffer, silence.Token);
                if (read == 0)
                    return (answer.ToString(), Closed: true);
                answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
            catch (OperationCanceledException)
            {
                return (answer.ToString(), Closed: false);
            }
            catch (IOException)
            {
                return (answer.ToString(), Closed: true);
            }
        }
    }
}
