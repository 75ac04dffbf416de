using System.Text;
using System.Text.Json;

using RestStream.Connect.Data;
using RestStream.Connectors.Folders;
using RestStream.Connectors.Folders.Formats;
using RestStream.TestKit;

namespace RestStream.Connectors.Tests;

public sealed class FormatTests : IDisposable
{
    private readonly TempFolder _folder = new("formats");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("lines", "a\r\n\n😀ü\rlast", """["a","","😀ü","last"]""")]
    [InlineData("ndjson", "{\"a\":1}\n\n [1,2.5,null] \n\"ü\"\ntrue", """[{"a":1},[1,2.5,null],"ü",true]""")]
    [InlineData("json", " [ {\"a\" : [1 , 2]} , 3,\n\"]\" ] \n", """[{"a":[1,2]},3,"]"]""")]
    [InlineData("json", "[]", "[]")]
    [InlineData("json", "{\"a\":1}{\"a\":2}\n{\"a\":3} 4", """[{"a":1},{"a":2},{"a":3},4]""")]
    [InlineData("json", "", "[]")]
    [InlineData("csv", "1,ü\r\n2,\"b\"\"b\n\r\n,c\"\n\n3,\n", """[{"column01":"1","column02":"ü"},{"column01":"2","column02":"b\"b\n\r\n,c"},{"column01":"3","column02":""}]""")]
    public void Records_come_in_order_with_or_without_a_byte_order_mark_and_from_any_position(string format, string content, string expected)
    {
        foreach (var mark in (string[])["", "\uFEFF"])
        {
            var all = Read(Write(mark + content), Settings(("format", format)));
            Assert.Equal(expected, Json(all.Select(r => r.Value)));
            for (var i = 0; i < all.Count; i++)
                Assert.Equal(Json(all.Skip(i + 1).Select(r => r.Value)), Json(Read(_folder["f"], Settings(("format", format)), all[i].End).Select(r => r.Value)));
        }
    }

    [Theory]
    [InlineData("csv")]
    [InlineData("json")]
    [InlineData("ndjson")]
    [InlineData("lines")]
    public void Large_files_with_records_of_all_sizes_resume_at_every_record(string format)
    {
        var random = new Random(3);
        string[] pieces = ["a", "ü", "😀", "\"\"", ",", "\n", "\r\n", " ", "x\ty"];
        var texts = Enumerable.Range(0, 400).Select(i => string.Concat(Enumerable.Range(0, random.Next(i % 20 == 0 ? 4000 : 20)).Select(_ => pieces[random.Next(pieces.Length)]))).ToList();
        var content = format switch
        {
            "csv" => string.Concat(texts.Select((t, i) => $"{i},\"{t}\"{(i % 3 == 0 ? "\r\n" : "\n")}")),
            "json" => "[" + string.Join(", ", texts.Select(t => JsonSerializer.Serialize(t))) + "]",
            "ndjson" => string.Join('\n', texts.Select(t => JsonSerializer.Serialize(t))),
            _ => string.Join('\n', texts.Select(t => t.ReplaceLineEndings(""))),
        };
        var settings = Settings(("format", format));

        var all = Read(Write(content), settings);

        Assert.Equal(texts.Count, all.Count);
        if (format == "csv")
            Assert.Equal(texts.Select(t => t.Replace("\"\"", "\"", StringComparison.Ordinal)), all.Select(r => ((Dictionary<string, object?>)r.Value!)["column02"]));
        Assert.Equal(new FileInfo(_folder["f"]).Length - (format == "json" ? 1 : 0), all[^1].End);
        for (var i = 0; i < all.Count - 1; i += 7)
            Assert.Equal(Json([all[i + 1].Value]), Json(Read(_folder["f"], settings, all[i].End, most: 1).Select(r => r.Value)));
    }

    [Fact]
    public void Csv_settings_of_spooldir_mean_the_same_here()
    {
        var rows = Read(
            Write("# a comment\n# another\nid;name\n 1;'a;b'\n2;\n3;''\n"),
            Settings(("format", "csv"), ("csv.skip.lines", "2"), ("csv.first.row.as.header", "true"), ("csv.separator.char", "59"), ("csv.quote.char", "39"), ("csv.escape.char", "39"), ("csv.null.field.indicator", "EMPTY_SEPARATORS")));

        Assert.Equal("""[{"id":"1","name":"a;b"},{"id":"2","name":null},{"id":"3","name":""}]""", Json(rows.Select(r => r.Value)));
    }

    [Theory]
    [InlineData("NEITHER", "\"\",\"\"")]
    [InlineData("BOTH", "null,null")]
    [InlineData("EMPTY_SEPARATORS", "null,\"\"")]
    [InlineData("EMPTY_QUOTES", "\"\",null")]
    public void Empty_fields_are_null_where_the_indicator_says_so(string indicator, string expected)
    {
        var rows = Read(Write("\"x,\"\"y\",,\"\"\n"), Settings(("format", "csv"), ("csv.null.field.indicator", indicator)));

        Assert.Equal($$"""[{"column01":"x,\u0022y","column02":{{expected.Split(',')[0]}},"column03":{{expected.Split(',')[1]}}}]""", Json(rows.Select(r => r.Value)).Replace("\\\"", "\\u0022", StringComparison.Ordinal));
    }

    [Fact]
    public void Types_of_csv_columns_are_found_in_the_file_and_the_same_after_a_resume()
    {
        var settings = Settings(("format", "csv"), ("csv.first.row.as.header", "true"), ("csv.infer.types", "true"), ("schema.generation.enabled", "true"), ("schema.generation.value.name", "row"));
        Write("id,price,zip,ok,note\n1,1.5,00123,true,\n2,,4711,False,x\n-3,2,5,true,7\n");

        var all = Read(_folder["f"], settings);

        var schema = all[0].Schema!;
        Assert.Equal("row", schema.Name);
        Assert.Equal([SchemaType.Int64, SchemaType.Float64, SchemaType.String, SchemaType.Boolean, SchemaType.String], schema.Fields.Select(f => f.Schema.Type));
        Assert.Equal("Struct{id=1,price=1.5,zip=00123,ok=true,note=}", Text(all[0].Value));
        Assert.Equal("Struct{id=2,zip=4711,ok=false,note=x}", Text(all[1].Value));
        Assert.Equal(schema, Read(_folder["f"], settings, all[1].End).Single().Schema);

        static string Text(object? value) => Values.ToText(value).Replace("True", "true", StringComparison.Ordinal);
    }

    [Fact]
    public void Json_with_schema_becomes_structs()
    {
        var record = Read(Write("""{"a":1,"b":{"c":[1,null,2]},"d":null,"e":[1,"x"],"f":1.5}"""), Settings(("format", "json"), ("schema.generation.enabled", "true"))).Single();

        record.Schema!.Validate(record.Value);
        Assert.Equal("Struct{a=1,b=Struct{c=[1, null, 2]},e=[1, x],f=1.5}", Values.ToText(record.Value));
    }

    [Fact]
    public void Binary_files_are_one_record_of_bytes()
    {
        File.WriteAllBytes(_folder["f"], [0, 255, 10]);

        var record = Read(_folder["f"], Settings(("format", "binary"))).Single();

        Assert.Equal([0, 255, 10], (byte[])record.Value!);
    }

    [Fact]
    public void Another_character_set_is_read_and_its_positions_are_right()
    {
        File.WriteAllBytes(_folder["f"], Encoding.Latin1.GetBytes("ü,1\nß,2\n"));
        var settings = Settings(("format", "csv"), ("csv.file.charset", "ISO-8859-1"));

        var all = Read(_folder["f"], settings);

        Assert.Equal(4, all[0].End);
        Assert.Equal("""[{"column01":"ß","column02":"2"}]""", Json(Read(_folder["f"], settings, 4).Select(r => r.Value)));
    }

    [Theory]
    [InlineData("csv", "1,2\n3\n", 1, "The row at byte 4 has 1 fields; there are 2 columns")]
    [InlineData("csv", "1,2\n3,\"4\n", 1, "quote")]
    [InlineData("csv", "1,2\n3,4\"5\"\n", 1, "A quote stands where none may be, in the row at byte 4")]
    [InlineData("csv", "3,4\"5\"\n", 0, "A quote stands where none may be, in the row at byte 0")]
    [InlineData("json", "[1,2", 2, "A comma or the end of the array is missing at byte 4")]
    [InlineData("json", "[1,", 1, "The array does not end: the file does, at byte 3")]
    [InlineData("json", "[1 2]", 1, "A comma or the end of the array is missing at byte 3")]
    [InlineData("json", "[1,]", 1, "No JSON at byte 3")]
    [InlineData("json", "[1] x", 1, "Something stands behind the end of the array, at byte 4")]
    [InlineData("json", "{\"a\":", 0, "No JSON at byte 0")]
    [InlineData("ndjson", "1\n1 2\n", 1, "No JSON at byte 2")]
    [InlineData("ndjson", "\"\\ud800\"\n", 0, "UTF-8")]
    [InlineData("json", "[\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]", 0, "longer than 64 bytes")]
    [InlineData("lines", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", 0, "longer than 64 bytes")]
    [InlineData("csv", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", 0, "row at byte 0")]
    [InlineData("binary", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", 0, "longer than 64 bytes")]
    public void What_is_none_of_the_format_is_told_with_its_place_after_the_records_before_it(string format, string content, int good, string message)
    {
        Write(content);
        using var file = File.OpenHandle(_folder["f"]);
        using var reader = RecordReader.Open(file, 0, Settings(("format", format), ("max.record.bytes", "64")));
        for (var i = 0; i < good; i++)
            Assert.True(reader.TryRead(out _));

        var error = Assert.Throws<InvalidDataException>(() => reader.TryRead(out _));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Csv_that_is_no_utf8_is_bad_from_there_on_and_not_before()
    {
        File.WriteAllBytes(_folder["f"], [.. "1,a\n2,"u8, 0xFF, (byte)'\n']);
        using var file = File.OpenHandle(_folder["f"]);
        using var reader = RecordReader.Open(file, 0, Settings(("format", "csv")));
        Assert.True(reader.TryRead(out _));

        var error = Assert.Throws<InvalidDataException>(() => reader.TryRead(out _));
        Assert.Contains("The bytes at 6 are no UTF-8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_row_among_those_that_tell_the_types_of_columns_is_met_after_the_rows_before_it()
    {
        Write("1,a\n2,b\n3,c\"d\"\n");
        using var file = File.OpenHandle(_folder["f"]);
        using var reader = RecordReader.Open(file, 0, Settings(("format", "csv"), ("csv.infer.types", "true")));
        Assert.True(reader.TryRead(out var first));
        Assert.True(reader.TryRead(out _));

        var error = Assert.Throws<InvalidDataException>(() => reader.TryRead(out _));
        Assert.Contains("A quote stands where none may be, in the row at byte 8", error.Message, StringComparison.Ordinal);
        Assert.Equal(1L, ((Dictionary<string, object?>)first.Value!)["column01"]);
    }

    [Theory]
    [InlineData("utf-16", "\uFEFF")]
    [InlineData("utf-16BE", "\uFEFF")]
    [InlineData("utf-32", "\uFEFF")]
    [InlineData("utf-16", "")]
    public void The_byte_order_mark_of_another_character_set_is_no_part_of_the_first_column(string charset, string mark)
    {
        var encoding = Encoding.GetEncoding(charset);
        File.WriteAllBytes(_folder["f"], encoding.GetBytes(mark + "id\n1\nü\n"));
        var settings = Settings(("format", "csv"), ("file.charset", charset), ("csv.first.row.as.header", "true"));

        var all = Read(_folder["f"], settings);

        Assert.Equal("""[{"id":"1"},{"id":"ü"}]""", Json(all.Select(r => r.Value)));
        Assert.Equal("""[{"id":"ü"}]""", Json(Read(_folder["f"], settings, all[0].End).Select(r => r.Value)));
    }

    [Fact]
    public void A_character_set_without_a_byte_order_mark_loses_no_first_character()
    {
        Write("?,1\n");

        var record = Assert.Single(Read(_folder["f"], Settings(("format", "csv"), ("file.charset", "ISO-8859-1"))));

        Assert.Equal("?", ((Dictionary<string, object?>)record.Value!)["column01"]);
    }

    private static DirectorySettings Settings(params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string?> { ["topic"] = "t", ["input.path"] = "x" };
        foreach (var (key, value) in settings)
            all[key] = value;
        return new DirectorySettings(DirectorySettings.Definition.Parse(all));
    }

    private static List<(Schema? Schema, object? Value, long End)> Read(string path, DirectorySettings settings, long position = 0, int most = int.MaxValue)
    {
        using var file = File.OpenHandle(path);
        using var reader = RecordReader.Open(file, position, settings);
        var records = new List<(Schema?, object?, long)>();
        while (records.Count < most && reader.TryRead(out var record))
            records.Add((record.Schema, record.Value, reader.Position));
        return records;
    }

    private static string Json(IEnumerable<object?> values) => JsonSerializer.Serialize(values, new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping })
        .Replace("\\uD83D\\uDE00", "😀", StringComparison.Ordinal);

    private string Write(string content)
    {
        File.WriteAllText(_folder["f"], content, new UTF8Encoding(false));
        return _folder["f"];
    }
}
