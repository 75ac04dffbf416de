namespace RestStream.Broker;

/// <summary>Kafka's error codes, with Kafka's numbers, for what this broker refuses.</summary>
public enum ErrorCode : short
{
    UnknownServerError = -1,
    OffsetOutOfRange = 1,
    CorruptMessage = 2,
    UnknownTopicOrPartition = 3,
    RequestTimedOut = 7,
    MessageTooLarge = 10,
    OffsetMetadataTooLarge = 12,
    CoordinatorLoadInProgress = 14,
    CoordinatorNotAvailable = 15,
    NotCoordinator = 16,
    InvalidTopic = 17,
    RecordListTooLarge = 18,
    IllegalGeneration = 22,
    InconsistentGroupProtocol = 23,
    InvalidGroupId = 24,
    UnknownMemberId = 25,
    InvalidSessionTimeout = 26,
    RebalanceInProgress = 27,
    InvalidCommitOffsetSize = 28,
    InvalidTimestamp = 32,
    TopicAlreadyExists = 36,
    InvalidPartitions = 37,
    InvalidConfig = 40,
    InvalidRequest = 42,
    PolicyViolation = 44,
    OutOfOrderSequenceNumber = 45,
    InvalidProducerEpoch = 47,
    InvalidProducerIdMapping = 49,
    KafkaStorageError = 56,
    NonEmptyGroup = 68,
    GroupIdNotFound = 69,
    UnsupportedCompressionType = 76,
    MemberIdRequired = 79,
    GroupMaxSizeReached = 81,
    FencedInstanceId = 82,
    GroupSubscribedToTopic = 86,
    InvalidRecord = 87,

    /// <summary>Too much waits for the disk just now; try again in a moment.</summary>
    ThrottlingQuotaExceeded = 89,

    /// <summary>Ours: the disk is full. Kafka has no code for it.</summary>
    DiskFull = 10_001,

    /// <summary>Ours: the next offset is not the one the request demanded (<c>If-Match</c>).</summary>
    OffsetMismatch = 10_002,

    /// <summary>Ours: the topic was deleted and made again since the cursor was handed out.</summary>
    TopicRecreated = 10_003,

    /// <summary>Ours: more topics or partitions than the settings allow.</summary>
    LimitReached = 10_004,

    /// <summary>Ours: the first request with this Idempotency-Key is still being done.</summary>
    IdempotencyKeyInUse = 10_010,

    /// <summary>Ours: the first request with this Idempotency-Key asked something else.</summary>
    IdempotencyKeyReused = 10_011,
}
