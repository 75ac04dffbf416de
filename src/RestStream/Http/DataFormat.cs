namespace RestStream.Http;

/// <summary>How the bytes of a key, value or header stand in JSON.</summary>
internal enum DataFormat : byte
{
    /// <summary>The bytes are the JSON text itself, as it was sent.</summary>
    Json,

    /// <summary>A JSON string stands for its UTF-8 text; any other JSON for its JSON text.</summary>
    Text,

    /// <summary>A JSON string that holds base64.</summary>
    Base64,
}
