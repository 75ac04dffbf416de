namespace RestStream.Connect.Data;

/// <summary>A field of a struct.</summary>
/// <param name="Name">Its name, unique in the struct.</param>
/// <param name="Index">Its place in <see cref="Schema.Fields"/>.</param>
/// <param name="Schema">What its values are.</param>
public sealed record Field(string Name, int Index, Schema Schema);
