namespace RestStream.Connect;

/// <summary>A request of a user is refused; status and message go into Kafka's error body.</summary>
internal sealed class ConnectRequestException(int status, string message, Exception? inner = null) : Exception(message, inner)
{
    public int Status { get; } = status;

    public static ConnectRequestException BadRequest(string message) => new(400, message);

    public static ConnectRequestException NotFound(string message) => new(404, message);

    public static ConnectRequestException Conflict(string message) => new(409, message);
}
