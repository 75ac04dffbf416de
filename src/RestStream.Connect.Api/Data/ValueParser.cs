namespace RestStream.Connect.Data;

/// <summary>
/// Reads the texts that <see cref="Values.ConvertToString"/> writes, guessing what they are (Kafka's Values.parseString). What cannot be read as anything else is text, so nothing is refused;
/// that also holds for lists and maps nested deeper than <see cref="MaxDepth"/>, which protects the stack from headers of strangers.
/// </summary>
internal static class ValueParser
{
    private const int MaxDepth = 256;

    private static readonly SchemaAndValue s_true = new(Schema.Boolean, true);
    private static readonly SchemaAndValue s_false = new(Schema.Boolean, false);

    public static SchemaAndValue Parse(string text)
    {
        if (text.Length == 0)
            return new SchemaAndValue(Schema.String, text);
        return TryParse(new ValueTokens(text), depth: 0, out var parsed) ? parsed : new SchemaAndValue(Schema.String, text);
    }

    // Depth 0 is the text itself, the others are members. False: a member that is nothing, so that what holds it is no list or map. The default of SchemaAndValue stands for null.
    private static bool TryParse(ValueTokens tokens, int depth, out SchemaAndValue parsed)
    {
        parsed = default;
        if (!tokens.HasNext)
            return true;
        if (depth > 0 && tokens.TryTake("\""))
        {
            parsed = Quoted(tokens);
            return true;
        }

        if (TakeLiteral(tokens, depth, "null"))
            return true;
        if (TakeLiteral(tokens, depth, "true"))
        {
            parsed = s_true;
            return true;
        }

        if (TakeLiteral(tokens, depth, "false"))
        {
            parsed = s_false;
            return true;
        }

        if (depth < MaxDepth)
        {
            var start = tokens.Mark();
            var isList = tokens.TryTake("[");
            if (isList || tokens.TryTake("{"))
            {
                if (isList ? TryParseList(tokens, depth, out parsed) : TryParseMap(tokens, depth, out parsed))
                    return true;
                tokens.RewindTo(start);
            }
        }

        if (TryParseToken(tokens, out parsed))
            return true;
        parsed = new SchemaAndValue(Schema.String, tokens.Text);
        return depth == 0;
    }

    private static bool TakeLiteral(ValueTokens tokens, int depth, string literal)
    {
        // By itself a literal is one only when nothing follows: "true}" is text.
        var start = tokens.Mark();
        if (tokens.TryTake(literal) && (depth > 0 || !tokens.HasNext))
            return true;
        tokens.RewindTo(start);
        return false;
    }

    private static SchemaAndValue Quoted(ValueTokens tokens)
    {
        var content = new System.Text.StringBuilder();
        while (tokens.HasNext && !tokens.TryTake("\""))
            content.Append(tokens.Next());
        var text = content.ToString();

        // In quotes only dates and times are more than text.
        var parsed = Parse(text);
        return parsed.Schema?.Name is Schema.DateName or Schema.TimeName or Schema.TimestampName ? parsed : new SchemaAndValue(Schema.String, text);
    }

    private static bool TryParseList(ValueTokens tokens, int depth, out SchemaAndValue parsed)
    {
        parsed = default;
        var items = new List<object?>();
        var common = default(CommonSchema);
        while (tokens.HasNext)
        {
            if (tokens.TryTake("]"))
            {
                if (common.Schema is not null && !TryAlign(common.Schema, items))
                    return false;
                parsed = new SchemaAndValue(common.Schema is null ? SchemaBuilder.ArrayOfNull().Build() : SchemaBuilder.Array(common.Schema).Build(), items);
                return true;
            }

            if (tokens.TryTake(",") || !TryParse(tokens, depth + 1, out var item))
                return false;
            common.Add(item.Schema);
            items.Add(item.Value);

            var mark = tokens.Mark();
            if (tokens.TryTake("]"))
                tokens.RewindTo(mark);
            else if (!tokens.TryTake(","))
                return false;
        }

        return false;
    }

    private static bool TryParseMap(ValueTokens tokens, int depth, out SchemaAndValue parsed)
    {
        parsed = default;
        var (keys, values) = (new List<object?>(), new List<object?>());
        var (commonKey, commonValue) = (default(CommonSchema), default(CommonSchema));
        while (tokens.HasNext)
        {
            if (tokens.TryTake("}"))
            {
                var keySchema = commonKey.Schema;
                var valueSchema = keySchema is null ? null : commonValue.Schema;
                if ((keySchema is not null && !TryAlign(keySchema, keys)) || (valueSchema is not null && !TryAlign(valueSchema, values)))
                    return false;
                var map = DeepValue.Map([.. keys.Zip(values, (k, v) => KeyValuePair.Create(k!, v))]);
                parsed = new SchemaAndValue(SchemaBuilder.MapOfUnknown(keySchema, valueSchema).Build(), map);
                return true;
            }

            if (tokens.TryTake(",") || !TryParse(tokens, depth + 1, out var key) || key.Value is null || !tokens.TryTake(":") || !TryParse(tokens, depth + 1, out var value))
                return false;
            keys.Add(key.Value);
            values.Add(value.Value);
            tokens.TryTake(",");
            commonKey.Add(key.Schema);
            commonValue.Add(value.Schema);
        }

        return false;
    }

    private static bool TryParseToken(ValueTokens tokens, out SchemaAndValue parsed)
    {
        parsed = default;
        var raw = tokens.Next();
        if (ValueTokens.IsBlank(raw))
        {
            parsed = new SchemaAndValue(Schema.String, raw);
            return true;
        }

        var token = ValueTokens.Trim(raw).ToString();
        var isDigit = char.IsDigit(token[0]);
        if (isDigit)
        {
            // The colons of a time are tokens of their own.
            var start = tokens.Mark();
            if (tokens.Next(4) is { } rest && IsoDates.TryParse(token + rest, out parsed))
                return true;
            tokens.RewindTo(start);
            if (IsoDates.TryParse(token, out parsed))
                return true;
        }

        return (isDigit || token[0] is '+' or '-') && TryParseNumber(token, out parsed);
    }

    // The smallest type that holds the number; a float also when it only comes near.
    private static bool TryParseNumber(string token, out SchemaAndValue parsed)
    {
        parsed = default;
        if (!BigDecimal.TryParse(token, out var number))
            return false;
        if (number.TryToInt64(out var whole))
        {
            parsed = whole switch
            {
                >= sbyte.MinValue and <= sbyte.MaxValue => new SchemaAndValue(Schema.Int8, (sbyte)whole),
                >= short.MinValue and <= short.MaxValue => new SchemaAndValue(Schema.Int16, (short)whole),
                >= int.MinValue and <= int.MaxValue => new SchemaAndValue(Schema.Int32, (int)whole),
                _ => new SchemaAndValue(Schema.Int64, whole),
            };
        }
        else if (number.Scale != 0 && float.IsFinite(number.ToSingle()))
            parsed = new SchemaAndValue(Schema.Float32, number.ToSingle());
        else if (number.Scale != 0 && double.IsFinite(number.ToDouble()))
            parsed = new SchemaAndValue(Schema.Float64, number.ToDouble());
        else
            parsed = new SchemaAndValue(Schema.Decimal(number.Scale), number);
        return true;
    }

    private static bool TryAlign(Schema schema, List<object?> values)
    {
        try
        {
            for (var i = 0; i < values.Count; i++)
                values[i] = ValueConversion.Convert(schema, null, values[i]);
            return true;
        }
        catch (DataException)
        {
            return false;
        }
    }

    /// <summary>The schema that all members so far have in common, nulls aside: of numbers the widest, else that of the last, which may differ within (as in Kafka).</summary>
    private struct CommonSchema
    {
        private bool _conflict;

        /// <summary>Null before the first member, and once two are of different types.</summary>
        public Schema? Schema { get; private set; }

        public void Add(Schema? next)
        {
            if (next is null || _conflict)
                return;
            if (Schema is null || Schema.Type == next.Type)
                Schema = next;
            else if (Schema.Type > SchemaType.Float64 || next.Type > SchemaType.Float64)
                (Schema, _conflict) = (null, true);
            else if (next.Type > Schema.Type)
                Schema = next;
        }
    }
}
