using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Idempotence;

/// <summary>
/// A request with an Idempotency-Key: either an earlier one's answer (<see cref="Receipt"/>), or the right to be the first, which ends with <see cref="Dispose"/>.
/// </summary>
public sealed class IdempotentRequest : IDisposable
{
    /// <summary>A SHA-256 of what was asked.</summary>
    public const int HashBytes = 32;

    private const byte CurrentVersion = 1;
    private const int PrefixBytes = 1 + HashBytes + 4;
    private readonly IdempotencyKeys _keys;

    internal IdempotentRequest(IdempotencyKeys keys, Guid topicId, string key, ReadOnlySpan<byte> hash)
    {
        _keys = keys;
        TopicId = topicId;
        RecordKey = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{topicId:N}/{key}"));
        Identity = IdentityOf(RecordKey);
        Hash = hash.ToArray();
    }

    /// <summary>What the first request left; null when this is the first.</summary>
    public IdempotentReceipt? Receipt { get; internal set; }

    internal Guid TopicId { get; }

    /// <summary>Key of the record: topic id, slash, key.</summary>
    internal byte[] RecordKey { get; }
    internal UInt128 Identity { get; }
    internal byte[] Hash { get; }

    /// <summary>Somebody else may be the first now, unless the records were written.</summary>
    public void Dispose() => _keys.Release(this);

    /// <summary>128 bits of a SHA-256: two keys that share them are not found by chance nor by intent.</summary>
    internal static UInt128 IdentityOf(ReadOnlySpan<byte> recordKey)
    {
        Span<byte> hash = stackalloc byte[HashBytes];
        SHA256.HashData(recordKey, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    /// <summary>The record that travels with the data. Its value ends with room for the offsets, which the committer fills in.</summary>
    internal BatchBuffer ToBatch(ReadOnlySpan<byte> receipt, int parts, long nowMs)
    {
        var value = new byte[PrefixBytes + receipt.Length + (parts * LogDirectory.ResultBytes)];
        value[0] = CurrentVersion;
        Hash.CopyTo(value, 1);
        BinaryPrimitives.WriteInt32BigEndian(value.AsSpan(1 + HashBytes), parts);
        receipt.CopyTo(value.AsSpan(PrefixBytes));
        using var builder = new RecordBatchBuilder();
        builder.Append(nowMs, keyIsNull: false, RecordKey, valueIsNull: false, value);
        return builder.Build();
    }

    /// <summary>Reads the record of the first request again; false when that asked something else.</summary>
    /// <exception cref="CorruptBatchException">This is no such record.</exception>
    internal bool TryTakeReceipt(ReadOnlySpan<byte> value)
    {
        if (value.Length < PrefixBytes || value[0] != CurrentVersion)
            throw new CorruptBatchException("This is no record of an idempotency key, or one of a newer version.");
        if (!value.Slice(1, HashBytes).SequenceEqual(Hash))
            return false;
        var results = new AppendResult[BinaryPrimitives.ReadInt32BigEndian(value[(1 + HashBytes)..])];
        var places = value[^(results.Length * LogDirectory.ResultBytes)..];
        for (var i = 0; i < results.Length; i++)
        {
            var place = places[(i * LogDirectory.ResultBytes)..];
            results[i] = new AppendResult(BinaryPrimitives.ReadInt64BigEndian(place), BinaryPrimitives.ReadInt64BigEndian(place[8..]), Duplicate: true);
        }

        Receipt = new IdempotentReceipt(value[PrefixBytes..^places.Length].ToArray(), results);
        return true;
    }
}

/// <summary>What the first request with a key left.</summary>
/// <param name="Content">What its sender put down about its records.</param>
/// <param name="Results">Where its batches went, in their order.</param>
public sealed record IdempotentReceipt(ReadOnlyMemory<byte> Content, IReadOnlyList<AppendResult> Results);
