using System.Collections.Concurrent;

namespace RestStream.Connect.Tasks;

/// <summary>The hooks that tasks opened, by name; <c>POST /hooks/{name}</c> looks here. Safe on any thread.</summary>
internal sealed class HookRegistry
{
    private const int MaxNameLength = 249;

    private readonly ConcurrentDictionary<string, Hook> _hooks = new(StringComparer.Ordinal);

    /// <exception cref="ConnectException">The name is taken, or is no name (<c>[a-zA-Z0-9._-]{1,249}</c>).</exception>
    public IDisposable Open(string name, Func<HookRequest, CancellationToken, Task<HookResponse>> handler)
    {
        if (name.Length is 0 or > MaxNameLength || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            throw new ConnectException($"A hook's name has 1 to {MaxNameLength} of the characters A-Z a-z 0-9 . _ -.");
        var hook = new Hook(this, name, handler);
        return _hooks.TryAdd(name, hook) ? hook : throw new ConnectException($"The hook '{name}' is open already, for another task. Choose another name.");
    }

    /// <summary>Hands a request to the task; null when nobody has that name.</summary>
    public Task<HookResponse>? Call(string name, HookRequest request, CancellationToken cancellationToken) =>
        _hooks.TryGetValue(name, out var hook) ? hook.Handler(request, cancellationToken) : null;

    private sealed class Hook(HookRegistry registry, string name, Func<HookRequest, CancellationToken, Task<HookResponse>> handler) : IDisposable
    {
        public Func<HookRequest, CancellationToken, Task<HookResponse>> Handler { get; } = handler;

        /// <summary>Takes away this registration only: the name may be another task's by now.</summary>
        public void Dispose() => registry._hooks.TryRemove(KeyValuePair.Create(name, this));
    }
}
