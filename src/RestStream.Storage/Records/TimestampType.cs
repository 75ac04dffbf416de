namespace RestStream.Storage.Records;

/// <summary>Whose clock a record's timestamp comes from: bit 3 of a batch's attributes.</summary>
public enum TimestampType : byte
{
    CreateTime = 0,
    LogAppendTime = 1,
}
