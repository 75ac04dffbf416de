using Microsoft.Extensions.Logging;
using RestStream.Storage;

namespace RestStream.Broker;

/// <summary>Everything the broker logs. Ids are fixed: 2000-2099 topics and the broker's life, 2100-2199 what the storage reports, 2200-2299 consumer groups.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(2000, LogLevel.Information, "Broker started on {DataDirectory}: {Topics} topics, {Partitions} partitions; recovery took {Took} and read {ScannedBytes} bytes after {Earlier}")]
    public static partial void BrokerStarted(this ILogger logger, string dataDirectory, int topics, int partitions, TimeSpan took, long scannedBytes, string earlier);

    [LoggerMessage(2001, LogLevel.Information, "Broker stopped; everything is flushed")]
    public static partial void BrokerStopped(this ILogger logger);

    [LoggerMessage(2002, LogLevel.Information, "Topic {Topic} created with {Partitions} partitions, id {TopicId}")]
    public static partial void TopicCreated(this ILogger logger, string topic, int partitions, Guid topicId);

    [LoggerMessage(2003, LogLevel.Information, "Topic {Topic} changed: {Partitions} partitions, own configs {Configs}")]
    public static partial void TopicAltered(this ILogger logger, string topic, int partitions, string configs);

    [LoggerMessage(2004, LogLevel.Information, "Topic {Topic} deleted, id {TopicId}")]
    public static partial void TopicDeleted(this ILogger logger, string topic, Guid topicId);

    [LoggerMessage(2005, LogLevel.Information, "Deletion of {Partition} was begun before the restart and is now finished")]
    public static partial void DeletionFinished(this ILogger logger, TopicPartition partition);

    [LoggerMessage(2006, LogLevel.Warning, "No topic claims the partition directory {Partition} (topic id {TopicId}); it is set aside as -stray, its data is kept")]
    public static partial void StraySetAside(this ILogger logger, TopicPartition partition, Guid topicId);

    [LoggerMessage(2007, LogLevel.Error, "The directory of {Partition} is missing; the partition starts empty")]
    public static partial void PartitionMissing(this ILogger logger, TopicPartition partition);

    [LoggerMessage(2008, LogLevel.Error, "The metadata topic is damaged: {Problem}")]
    public static partial void MetadataDamaged(this ILogger logger, string problem);

    [LoggerMessage(2018, LogLevel.Error, "The broker's own topic {Topic} is damaged, what stood there is forgotten: {Problem}")]
    public static partial void OwnTopicDamaged(this ILogger logger, string topic, string problem);

    [LoggerMessage(2009, LogLevel.Warning, "Topic {Topic} has {Partitions} partition directories but no readable metadata; it is served with nothing ever deleted (retention.ms=-1, retention.bytes=-1)")]
    public static partial void TopicAdopted(this ILogger logger, string topic, int partitions);

    [LoggerMessage(2010, LogLevel.Debug, "Retention deleted {Records} records of {Partition}")]
    public static partial void RetentionDeleted(this ILogger logger, long records, TopicPartition partition);

    [LoggerMessage(2011, LogLevel.Warning, "Retention of {Partition} failed; the next pass tries again")]
    public static partial void RetentionFailed(this ILogger logger, Exception error, TopicPartition partition);

    [LoggerMessage(2012, LogLevel.Warning, "The clock jumped ahead by {Jump}; retention by time waits {Hold} in case it is wrong")]
    public static partial void ClockJumped(this ILogger logger, TimeSpan jump, TimeSpan hold);

    [LoggerMessage(2013, LogLevel.Information, "Retention by time goes on")]
    public static partial void ClockTrusted(this ILogger logger);

    [LoggerMessage(2014, LogLevel.Debug, "Retention pass over {Partitions} partitions ended")]
    public static partial void RetentionPassEnded(this ILogger logger, int partitions);

    [LoggerMessage(2015, LogLevel.Warning, "The directories of topic {Topic} could not be deleted; the next start tries again")]
    public static partial void DirectoryNotDeleted(this ILogger logger, Exception error, string topic);

    [LoggerMessage(2030, LogLevel.Debug, "Compacted {Partition} up to offset {CleanedTo}: {BytesRead} bytes became {BytesWritten}, {RemovedRecords} of {Records} records went")]
    public static partial void Compacted(this ILogger logger, TopicPartition partition, long cleanedTo, long bytesRead, long bytesWritten, long removedRecords, long records);

    [LoggerMessage(2031, LogLevel.Error, "{Partition} could not be compacted and is left as it is until a restart; its records are all there. Run verify on it")]
    public static partial void CompactionFailed(this ILogger logger, Exception error, TopicPartition partition);

    [LoggerMessage(2032, LogLevel.Warning, "{Partition} is not compacted for want of room on the disk; the next look tries again")]
    public static partial void CompactionNeedsRoom(this ILogger logger, Exception error, TopicPartition partition);

    [LoggerMessage(2033, LogLevel.Debug, "No partition is due for compaction any more, {Passes} passes were made")]
    public static partial void CompactionRoundEnded(this ILogger logger, int passes);

    [LoggerMessage(2100, LogLevel.Information, "{Message}")]
    public static partial void Recovered(this ILogger logger, string message);

    [LoggerMessage(2101, LogLevel.Warning, "{Partition}: {Message}")]
    public static partial void Repaired(this ILogger logger, TopicPartition? partition, string message);

    [LoggerMessage(2102, LogLevel.Error, "{Partition}: {Message}")]
    public static partial void DamageFound(this ILogger logger, TopicPartition? partition, string message);

    [LoggerMessage(2103, LogLevel.Debug, "{Partition}: {Message}")]
    public static partial void SegmentChanged(this ILogger logger, TopicPartition? partition, string message);

    [LoggerMessage(2104, LogLevel.Error, "Disk full, appends are refused until there is room: {Message}")]
    public static partial void DiskFull(this ILogger logger, string message);

    [LoggerMessage(2105, LogLevel.Information, "The disk has room again: {Message}")]
    public static partial void DiskFullEnded(this ILogger logger, string message);

    [LoggerMessage(2106, LogLevel.Critical, "Writing has stopped until a restart: {Message}")]
    public static partial void WritesStopped(this ILogger logger, Exception? error, string message);

    [LoggerMessage(2107, LogLevel.Warning, "{Message}")]
    public static partial void SlowFlush(this ILogger logger, string message);

    [LoggerMessage(2200, LogLevel.Information, "Loaded {Groups} groups with {Members} members in {Took}")]
    public static partial void GroupsLoaded(this ILogger logger, int groups, int members, TimeSpan took);

    [LoggerMessage(2201, LogLevel.Information, "Group {Group} rebalances after generation {Generation}: {Reason}")]
    public static partial void RebalanceStarted(this ILogger logger, string group, int generation, string reason);

    [LoggerMessage(2202, LogLevel.Information, "Group {Group} is stable in generation {Generation} with {Members} members, assigned by {Protocol}")]
    public static partial void RebalanceCompleted(this ILogger logger, string group, int generation, int members, string protocol);

    [LoggerMessage(2203, LogLevel.Information, "Group {Group} is empty, generation {Generation}")]
    public static partial void GroupEmpty(this ILogger logger, string group, int generation);

    [LoggerMessage(2204, LogLevel.Information, "Member {Member} of group {Group} is dropped: {Reason}")]
    public static partial void MemberDropped(this ILogger logger, string member, string group, string reason);

    [LoggerMessage(2205, LogLevel.Warning, "The state of group {Group} could not be written: {Problem}")]
    public static partial void GroupNotWritten(this ILogger logger, string group, string problem);

    [LoggerMessage(2206, LogLevel.Information, "Group {Group} deleted")]
    public static partial void GroupDeleted(this ILogger logger, string group);

    [LoggerMessage(2207, LogLevel.Information, "Group {Group} is forgotten: no members, and no offsets that are younger than their retention")]
    public static partial void GroupExpired(this ILogger logger, string group);

    [LoggerMessage(2208, LogLevel.Information, "{Offsets} offsets of group {Group} are forgotten, they are older than their retention")]
    public static partial void OffsetsExpired(this ILogger logger, int offsets, string group);

    [LoggerMessage(2209, LogLevel.Error, "Records of consumer groups are damaged and passed over: {Problem}")]
    public static partial void GroupRecordsDamaged(this ILogger logger, string problem);
}
