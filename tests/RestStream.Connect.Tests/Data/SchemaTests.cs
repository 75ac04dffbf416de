using RestStream.Connect.Data;

namespace RestStream.Connect.Tests.Data;

/// <summary>Messages are those of Kafka 4.3.1, with the names of Connect's types where it names Java's classes.</summary>
public class SchemaTests
{
    private static readonly Schema s_order = SchemaBuilder.Struct().Named("Order")
        .Field("id", Schema.Int32)
        .Field("tags", SchemaBuilder.Array(Schema.String).Optional().Build())
        .Field("counts", SchemaBuilder.Map(Schema.String, Schema.Int8).Optional().Build())
        .Field("at", SchemaBuilder.From(Schema.Timestamp).Optional().Build())
        .Build();

    [Fact]
    public void A_field_takes_only_values_of_its_schema()
    {
        var order = new Struct(s_order);

        Refuses("Invalid object for schema with type INT32: string for field: \"id\"", () => order["id"] = "x");
        Refuses("Invalid value: null used for required field: \"id\", schema type: INT32", () => order["id"] = null);
        Refuses("Invalid object for schema with type STRING: int32 for element of array field: \"tags\"", () => order["tags"] = new List<object?> { 1 });
        Refuses("Invalid value: null used for required element of array field: \"tags\", schema type: STRING", () => order["tags"] = new List<object?> { null });
        Refuses("Invalid object for schema with type STRING: int32 for key of map field: \"counts\"", () => order["counts"] = new Dictionary<object, object?> { [1] = (sbyte)1 });
        Refuses("Invalid object for schema with type INT8: int32 for value of map field: \"counts\"", () => order["counts"] = new Dictionary<string, object?> { ["k"] = 1 });
        Refuses("Invalid object for schema \"org.apache.kafka.connect.data.Timestamp\" with type INT64: int64 for field: \"at\"", () => order["at"] = 1L);
        Refuses("z is not a valid field name", () => order["z"] = 1);
        Refuses("z is not a valid field name", () => _ = order["z"]);
        Refuses("Not a struct schema: Schema{INT32}", () => _ = new Struct(Schema.Int32));
        Assert.Null(order.GetWithoutDefault("id"));
    }

    [Fact]
    public void A_value_by_itself_is_checked_too()
    {
        Refuses("Invalid object for schema with type INT32: string for value", () => Schema.Int32.Validate("x"));
        Refuses("Invalid value: null used for required value, schema type: INT32", () => Schema.Int32.Validate(null));
        Schema.OptionalInt32.Validate(null);
        Schema.Decimal(2).Validate(1.50m);
    }

    [Fact]
    public void A_struct_is_complete_when_its_required_fields_are_set()
    {
        Refuses("Invalid value: null used for required field: \"id\", schema type: INT32", () => new Struct(s_order).Validate());
        new Struct(s_order).Put("id", 1).Validate();

        var holder = SchemaBuilder.Struct().Field("order", s_order).Build();
        Refuses("Invalid value: null used for required field: \"id\", schema type: INT32", () => new Struct(holder).Put("order", new Struct(s_order)));
        Refuses("Struct schemas do not match.", () => new Struct(holder).Put("order", new Struct(holder)));
    }

    [Fact]
    public void A_field_that_is_not_set_has_the_default_of_its_schema()
    {
        var schema = SchemaBuilder.Struct().Field("a", new SchemaBuilder(SchemaType.Int32).Optional().WithDefault(5).Build()).Build();
        var value = new Struct(schema);

        Assert.Equal(5, value["a"]);
        Assert.Null(value.GetWithoutDefault("a"));
        Assert.Equal("Struct{}", value.ToString());
    }

    [Fact]
    public void A_builder_refuses_what_makes_no_schema()
    {
        Refuses("Cannot create field because of field name duplication a", () => SchemaBuilder.Struct().Field("a", Schema.Int8).Field("a", Schema.Int8));
        Refuses("Cannot create fields on type INT8", () => new SchemaBuilder(SchemaType.Int8).Field("a", Schema.Int8));
        Refuses("fieldName cannot be null.", () => SchemaBuilder.Struct().Field("", Schema.Int8));
        Refuses("fieldSchema for field a cannot be null.", () => SchemaBuilder.Struct().Field("a", null!));
        Refuses("Invalid SchemaBuilder call: name has already been set.", () => SchemaBuilder.Struct().Named("a").Named("b"));
        Refuses("Invalid SchemaBuilder call: optional has already been set.", () => SchemaBuilder.Struct().Optional().Required());
        Refuses("Invalid default value", () => new SchemaBuilder(SchemaType.Int8).WithDefault(1));
        Refuses("valueSchema cannot be null.", () => SchemaBuilder.Array(null!));
        Refuses("keySchema cannot be null.", () => SchemaBuilder.Map(null!, Schema.Int8));
        Refuses("Cannot look up fields on non-struct type", () => Schema.Int8.Field("x"));
    }

    [Fact]
    public void Schemas_and_structs_are_equal_by_what_they_hold()
    {
        Schema Make(string doc) => SchemaBuilder.Struct().WithDoc(doc).Parameter("a", "1").Parameter("b", "2").Field("x", Schema.Bytes).Build();
        var reordered = SchemaBuilder.Struct().WithDoc("d").Parameter("b", "2").Parameter("a", "1").Field("x", Schema.Bytes).Build();

        Assert.Equal(Make("d"), Make("d"));
        Assert.Equal(Make("d"), reordered);
        Assert.NotEqual(Make("d"), Make("e"));
        Assert.Equal(new Struct(Make("d")).Put("x", new byte[] { 1 }), new Struct(reordered).Put("x", new byte[] { 1 }));
        Assert.NotEqual(new Struct(Make("d")).Put("x", new byte[] { 1 }), new Struct(Make("d")).Put("x", new byte[] { 2 }));
    }

    private static void Refuses(string message, Action act)
    {
        var refused = Record.Exception(act);

        Assert.IsAssignableFrom<DataException>(refused);
        Assert.Equal(message, refused.Message);
    }
}
