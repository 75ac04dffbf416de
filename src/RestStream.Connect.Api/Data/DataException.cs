namespace RestStream.Connect.Data;

/// <summary>Data and schema do not fit, or bytes are not what a converter reads.</summary>
public class DataException : ConnectException
{
    /// <summary>With what was expected and what was found.</summary>
    public DataException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>A <see cref="SchemaBuilder"/> was used wrongly.</summary>
public sealed class SchemaBuilderException : DataException
{
    /// <summary>With the call that was wrong.</summary>
    public SchemaBuilderException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
