namespace RestStream.Connect.Data;

/// <summary>The types of the Connect data model, by Kafka's names in lower case. In brackets: the CLR type of a value.</summary>
public enum SchemaType
{
    /// <summary>8-bit signed integer (<see cref="sbyte"/>).</summary>
    Int8,

    /// <summary>16-bit signed integer (<see cref="short"/>).</summary>
    Int16,

    /// <summary>32-bit signed integer (<see cref="int"/>).</summary>
    Int32,

    /// <summary>64-bit signed integer (<see cref="long"/>).</summary>
    Int64,

    /// <summary>32-bit IEEE 754 number (<see cref="float"/>).</summary>
    Float32,

    /// <summary>64-bit IEEE 754 number (<see cref="double"/>).</summary>
    Float64,

    /// <summary>True or false (<see cref="bool"/>).</summary>
    Boolean,

    /// <summary>Text (<see cref="string"/>).</summary>
    String,

    /// <summary>Bytes (<see cref="byte"/>[]).</summary>
    Bytes,

    /// <summary>Elements of one type (<see cref="System.Collections.IList"/>, usually <c>List&lt;object?&gt;</c>).</summary>
    Array,

    /// <summary>Keys of one type to values of one type (<see cref="System.Collections.IDictionary"/>, usually <c>Dictionary&lt;string, object?&gt;</c>).</summary>
    Map,

    /// <summary>Named fields, each with a schema of its own (<see cref="Data.Struct"/>).</summary>
    Struct,
}
