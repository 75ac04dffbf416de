using System.Runtime.InteropServices;

namespace RestStream.Benchmarks.Load.Client;

/// <summary>The few calls with which one thread serves thousands of connections at the least cost: the load shares its processors with the server.</summary>
internal static unsafe partial class Libc
{
    public const short PollIn = 1, PollOut = 4;
    public const int TryAgain = 11, Interrupted = 4;

    // Never block, and no SIGPIPE for a connection that is gone.
    private const int DontWait = 0x40, NoSignal = 0x4000;

    /// <summary>Bytes sent; -1 when the socket's buffer is full.</summary>
    public static int Send(int socket, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
            return Result(send(socket, first, bytes.Length, DontWait | NoSignal));
    }

    /// <summary>Bytes received; 0 = the peer closed, -1 = nothing there.</summary>
    public static int Receive(int socket, Span<byte> into)
    {
        fixed (byte* first = into)
            return Result(recv(socket, first, into.Length, DontWait));
    }

    public static int Poll(Span<PollDescriptor> descriptors, int timeoutMs)
    {
        fixed (PollDescriptor* first = descriptors)
        {
            var ready = poll(first, (nuint)descriptors.Length, timeoutMs);
            if (ready < 0 && Marshal.GetLastPInvokeError() != Interrupted)
                throw new IOException($"poll failed with errno {Marshal.GetLastPInvokeError()}.");
            return Math.Max(ready, 0);
        }
    }

    public static void DataSync(int file)
    {
        if (fdatasync(file) != 0)
            throw new IOException($"fdatasync failed with errno {Marshal.GetLastPInvokeError()}.");
    }

    private static int Result(nint result)
    {
        if (result >= 0)
            return (int)result;
        var error = Marshal.GetLastPInvokeError();
        return error is TryAgain or Interrupted ? -1 : throw new IOException($"The connection broke (errno {error}).");
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollDescriptor
    {
        public int File;
        public short Events;
        public short Ready;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int socket, byte* bytes, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int socket, byte* bytes, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollDescriptor* descriptors, nuint count, int timeoutMs);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(int file);
}
