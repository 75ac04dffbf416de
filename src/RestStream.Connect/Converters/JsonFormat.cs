namespace RestStream.Connect.Converters;

/// <summary>Settings of a JSON converter that change values.</summary>
/// <param name="NumericDecimals">Decimals are written as numbers instead of the Base64 of their bytes; both are read.</param>
/// <param name="ReplaceNullWithDefault">Null becomes the default of its schema, where there is one.</param>
internal sealed record JsonFormat(bool NumericDecimals = false, bool ReplaceNullWithDefault = true);
