namespace RestStream.Connect.Tasks;

/// <summary>The hooks that tasks opened, by name; <c>POST /hooks/{name}</c> looks here. Safe on any thread.</summary>
internal sealed class HookRegistry
{
    /// <exception cref="ConnectException">The name is taken, or is no name (<c>[a-zA-Z0-9._-]{1,249}</c>).</exception>
    public IDisposable Open(string name, Func<HookRequest, CancellationToken, Task<HookResponse>> handler) => throw new NotImplementedException();

    /// <summary>Hands a request to the task; null when nobody has that name.</summary>
    public Task<HookResponse>? Call(string name, HookRequest request, CancellationToken cancellationToken) => throw new NotImplementedException();
}
