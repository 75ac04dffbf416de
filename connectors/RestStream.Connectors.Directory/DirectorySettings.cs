using System.Text;
using System.Text.RegularExpressions;

using RestStream.Connect.Config;

namespace RestStream.Connectors.Folders;

internal enum FileFormat
{
    Lines,
    Json,
    Ndjson,
    Csv,
    Binary,
}

internal enum CleanupPolicy
{
    Move,
    MoveByDate,
    Delete,
    None,
}

/// <summary>The settings of a directory source, read. Names and defaults are those of kafka-connect-spooldir where it has them; where ours differ, the documentation of the key says so.</summary>
internal sealed class DirectorySettings
{
    public const string Topic = "topic", Format = "format", InputPath = "input.path", FinishedPath = "finished.path", ErrorPath = "error.path", Pattern = "input.file.pattern", Cleanup = "cleanup.policy",
        HaltOnErrorKey = "halt.on.error", MinimumAgeKey = "file.minimum.age.ms", ProcessingExtensionKey = "processing.file.extension", SortKey = "files.sort.attributes", BatchSizeKey = "batch.size",
        EmptyPollWaitKey = "empty.poll.wait.ms", CharsetKey = "file.charset", CsvCharsetKey = "csv.file.charset", MaxRecordBytesKey = "max.record.bytes", KeyFieldsKey = "key.fields", TimestampMode = "timestamp.mode",
        TimestampFieldKey = "timestamp.field", SchemaGeneration = "schema.generation.enabled", SchemaName = "schema.generation.value.name", KeySchemaName = "schema.generation.key.name", Metadata = "metadata.location",
        CsvHeader = "csv.first.row.as.header", CsvFieldsKey = "csv.fields", CsvSeparator = "csv.separator.char", CsvQuote = "csv.quote.char", CsvEscape = "csv.escape.char", CsvSkipLinesKey = "csv.skip.lines",
        CsvNull = "csv.null.field.indicator", CsvInferTypesKey = "csv.infer.types", CsvTrim = "csv.ignore.leading.whitespace", TaskIndexKey = "task.index", TaskCountKey = "task.count";

    public const string ReadAgain = "Files would be moved to where they are read again. Give a folder other than input.path; one inside of it will do, sub-folders are not read.";

    private const string Folders = "File System", General = "General", Timestamps = "Timestamps", Schemas = "Schema", Csv = "CSV Settings";
    private static readonly string[] s_sorts = ["NameAsc", "NameDesc", "LengthAsc", "LengthDesc", "LastModifiedAsc", "LastModifiedDesc"];

    public DirectorySettings(ConfigValues config)
    {
        TopicName = config.GetString(Topic);
        FileFormat = FormatOf(config);
        Policy = Enum.Parse<CleanupPolicy>(config.GetString(Cleanup), ignoreCase: true);
        HaltOnError = config.GetBoolean(HaltOnErrorKey);
        MinimumAge = config.GetMilliseconds(MinimumAgeKey);
        ProcessingExtension = config.GetString(ProcessingExtensionKey);
        Sort = config.GetList(SortKey);
        BatchSize = config.GetInt(BatchSizeKey);
        EmptyPollWait = config.GetMilliseconds(EmptyPollWaitKey);
        MaxRecordBytes = config.GetInt(MaxRecordBytesKey);
        Encoding = FindEncoding(FileFormat == FileFormat.Csv && config.FindString(CsvCharsetKey) is { } csv ? csv : config.GetString(CharsetKey))!;
        KeyFields = config.GetList(KeyFieldsKey);
        TimestampFromFile = config.GetString(TimestampMode) == "FILE_TIME";
        TimestampField = config.GetString(TimestampMode) == "FIELD" ? config.FindString(TimestampFieldKey) ?? "" : null;
        WithSchema = config.GetBoolean(SchemaGeneration);
        ValueSchemaName = config.FindString(SchemaName);
        KeySchemaNameOrNull = config.FindString(KeySchemaName);
        WithHeaders = config.GetString(Metadata) == "HEADERS";
        FirstRowIsHeader = config.GetBoolean(CsvHeader);
        CsvFields = config.GetList(CsvFieldsKey);
        Separator = Character(config.GetString(CsvSeparator));
        Quote = Character(config.GetString(CsvQuote));
        Escape = Character(config.GetString(CsvEscape));
        SkipLines = config.GetInt(CsvSkipLinesKey);
        EmptyIsNull = config.GetString(CsvNull) is "EMPTY_SEPARATORS" or "BOTH";
        EmptyQuotesAreNull = config.GetString(CsvNull) is "EMPTY_QUOTES" or "BOTH";
        InferTypes = config.GetBoolean(CsvInferTypesKey);
        TrimSpaces = config.GetBoolean(CsvTrim);
        TaskIndex = config.GetInt(TaskIndexKey);
        TaskCount = config.GetInt(TaskCountKey);
        NamePattern = CompilePattern(config.GetString(Pattern));
    }

    public static ConfigDef Definition { get; } = new ConfigDef()
        .Require(Topic, ConfigType.String, "The topic that gets the records.", ConfigValidator.NonEmpty(), group: General)
        .Optional(Format, ConfigType.String, null, "What the files hold: lines (each line a text), ndjson (each line a JSON value), json (an array, whose elements become records, or values one after the other), csv, "
            + "binary (each file one record of bytes). By default the format of the spooldir class that is named as connector.class, else lines.", Words("lines", "ndjson", "json", "csv", "binary"), Importance.High, General)
        .Optional(BatchSizeKey, ConfigType.Int, 1000, "The number of records that are read at a time.", ConfigValidator.AtLeast(1), Importance.Low, General)
        .Optional(EmptyPollWaitKey, ConfigType.Long, 500L, "How long to wait when there is nothing to read, in milliseconds.", ConfigValidator.AtLeast(1), Importance.Low, General)
        .Optional(MaxRecordBytesKey, ConfigType.Int, 1024 * 1024, "The longest record, in bytes of the file; a longer one is a bad record. By default 1 MiB, as large as a record may be by default.", ConfigValidator.Between(1, 1 << 30), Importance.Low, General)
        .Require(InputPath, ConfigType.String, "The folder whose files are read, below a folder of the setting RestStream:Connect:FileRoots; sub-folders, links and names that begin with a dot are left alone.", ConfigValidator.NonEmpty(), group: Folders)
        .Optional(FinishedPath, ConfigType.String, null, "The folder for files that are read and committed; needed for the clean-up policies MOVE and MOVEBYDATE. May be on another disk.", importance: Importance.High, group: Folders)
        .Optional(ErrorPath, ConfigType.String, null, "The folder for files with a bad record; beside each goes a text <name>.error that says what was wrong and where. Without it such a file stays where it is and the task halts.", importance: Importance.High, group: Folders)
        .Optional(Pattern, ConfigType.String, ".*", "A regular expression that must match the whole name of a file.", PatternCheck(), Importance.High, Folders)
        .Optional(Cleanup, ConfigType.String, "MOVE", "What becomes of a file that is read and committed: MOVE to finished.path, MOVEBYDATE to a folder with the date of its last change (UTC) in there, DELETE, or NONE: it stays, and is not read again.",
            ConfigValidator.In("MOVE", "MOVEBYDATE", "DELETE", "NONE"), Importance.Medium, Folders)
        .Optional(HaltOnErrorKey, ConfigType.Boolean, true, "Whether the task fails at a bad record, after the file went to error.path, or goes on with the next file.", group: Folders)
        .Optional(MinimumAgeKey, ConfigType.Long, 1000L, "How long a file must not have changed before it is read, in milliseconds: a file that is still written waits. Spooldir's default is 0.", ConfigValidator.AtLeast(0), Importance.Low, Folders)
        .Optional(ProcessingExtensionKey, ConfigType.String, ".PROCESSING", "While a file is read a flag lies beside it: an empty file with this behind its name (not with the clean-up policy NONE).", ConfigValidator.NonEmpty(), Importance.Low, Folders)
        .Optional(SortKey, ConfigType.List, (IReadOnlyList<string>)["NameAsc"], "The order in which waiting files are read: NameAsc, NameDesc, LengthAsc, LengthDesc, LastModifiedAsc, LastModifiedDesc, one after the other.", SortCheck(), Importance.Low, Folders)
        .Optional(CharsetKey, ConfigType.String, "UTF-8", "The character set of lines and csv; JSON is UTF-8 always. Bytes that are none become U+FFFD in lines and are a bad record in csv.", CharsetCheck(), Importance.Low, Folders)
        .Optional(KeyFieldsKey, ConfigType.List, null, "The fields of the value that make the key: one gives its value, several a map (with schema: a struct). By default no key.", importance: Importance.Medium, group: Schemas)
        .Optional(SchemaGeneration, ConfigType.Boolean, false, "Whether records of csv and json carry a schema made from the file: structs, whose fields are all optional. By default they are plain values without schema.", group: Schemas)
        .Optional(SchemaName, ConfigType.String, null, "The name of the schema of values that is made.", importance: Importance.Low, group: Schemas)
        .Optional(KeySchemaName, ConfigType.String, null, "The name of the schema of keys of several fields.", importance: Importance.Low, group: Schemas)
        .Optional(Metadata, ConfigType.String, "HEADERS", "HEADERS: each record has the headers file.name, file.path, file.length, file.offset (number of the record in the file) and file.last.modified. NONE: no headers.",
            ConfigValidator.In("HEADERS", "NONE"), Importance.Low, Schemas)
        .Optional(TimestampMode, ConfigType.String, "PROCESS_TIME", "The time of a record: PROCESS_TIME when it is read, FILE_TIME of the last change of its file, FIELD of the value named by timestamp.field.",
            ConfigValidator.In("FIELD", "FILE_TIME", "PROCESS_TIME"), Importance.Medium, Timestamps)
        .Optional(TimestampFieldKey, ConfigType.String, null, "The field with the time: ISO 8601 (UTC when it names no zone) or milliseconds since 1970.", importance: Importance.Medium, group: Timestamps)
        .Optional(CsvHeader, ConfigType.Boolean, false, "Whether the first row names the columns. Otherwise csv.fields does; without that they are column01, column02, ..", group: Csv)
        .Optional(CsvFieldsKey, ConfigType.List, null, "The names of the columns, when the first row does not name them.", group: Csv)
        .Optional(CsvSeparator, ConfigType.String, "44", "What separates fields: a character, or its number as in spooldir (9 is a tab, 59 a semicolon).", CharacterCheck(), Importance.Low, Csv)
        .Optional(CsvQuote, ConfigType.String, "34", "What stands around a field that holds separators or line ends: a character or its number.", CharacterCheck(), Importance.Low, Csv)
        .Optional(CsvEscape, ConfigType.String, "34", "What stands before a quote inside of quotes: a character or its number. By default a second quote (RFC 4180); spooldir's default is 92, the backslash.", CharacterCheck(), Importance.Low, Csv)
        .Optional(CsvSkipLinesKey, ConfigType.Int, 0, "Lines at the beginning of each file that are no data.", ConfigValidator.AtLeast(0), Importance.Low, Csv)
        .Optional(CsvNull, ConfigType.String, "NEITHER", "Which empty fields are null: EMPTY_SEPARATORS (,,), EMPTY_QUOTES (,\"\",), BOTH, NEITHER.",
            ConfigValidator.In("EMPTY_SEPARATORS", "EMPTY_QUOTES", "BOTH", "NEITHER"), Importance.Low, Csv)
        .Optional(CsvTrim, ConfigType.Boolean, true, "Whether spaces around a field are dropped; inside of quotes they stay.", importance: Importance.Low, group: Csv)
        .Optional(CsvInferTypesKey, ConfigType.Boolean, false, "Whether columns become numbers and booleans where the first 1000 rows of the file hold nothing else; empty fields are null then. A later value that does not fit is a bad record. By default all fields are text.", group: Csv)
        .Optional(CsvCharsetKey, ConfigType.String, null, "Spooldir's name of file.charset for csv.", CharsetCheck(), Importance.Low, Csv)
        .Define(new ConfigKey(TaskIndexKey, ConfigType.Int) { HasDefault = true, Default = 0, Internal = true, Importance = Importance.Low, Documentation = "Set by the connector: which share of the files is this task's." })
        .Define(new ConfigKey(TaskCountKey, ConfigType.Int) { HasDefault = true, Default = 1, Internal = true, Importance = Importance.Low, Documentation = "Set by the connector: how many tasks share the files." });

    public string TopicName { get; }
    public FileFormat FileFormat { get; }
    public CleanupPolicy Policy { get; }
    public bool HaltOnError { get; }
    public TimeSpan MinimumAge { get; }
    public string ProcessingExtension { get; }
    public IReadOnlyList<string> Sort { get; }
    public int BatchSize { get; }
    public TimeSpan EmptyPollWait { get; }
    public int MaxRecordBytes { get; }
    public Encoding Encoding { get; }
    public IReadOnlyList<string> KeyFields { get; }
    public bool TimestampFromFile { get; }
    public string? TimestampField { get; }
    public bool WithSchema { get; }
    public string? ValueSchemaName { get; }
    public string? KeySchemaNameOrNull { get; }
    public bool WithHeaders { get; }
    public bool FirstRowIsHeader { get; }
    public IReadOnlyList<string> CsvFields { get; }
    public char Separator { get; }
    public char Quote { get; }
    public char Escape { get; }
    public int SkipLines { get; }
    public bool EmptyIsNull { get; }
    public bool EmptyQuotesAreNull { get; }
    public bool InferTypes { get; }
    public bool TrimSpaces { get; }
    public int TaskIndex { get; }
    public int TaskCount { get; }
    public Regex NamePattern { get; }

    /// <summary>The format that is configured, else the one of the spooldir class by whose name the connector was asked for.</summary>
    public static FileFormat FormatOf(ConfigValues config)
    {
        if (config.FindString(Format) is { } name)
            return Enum.Parse<FileFormat>(name, ignoreCase: true);
        var connector = config.Originals.GetValueOrDefault("connector.class") ?? "";
        return connector switch
        {
            _ when connector.Contains("SpoolDirCsv", StringComparison.Ordinal) => FileFormat.Csv,
            _ when connector.Contains("Json", StringComparison.Ordinal) => FileFormat.Json,
            _ when connector.Contains("SpoolDirBinaryFile", StringComparison.Ordinal) => FileFormat.Binary,
            _ => FileFormat.Lines,
        };
    }

    private static Encoding? FindEncoding(string name)
    {
        try
        {
            return CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static char Character(string text) => text.Length == 1 && !char.IsAsciiDigit(text[0]) ? text[0] : (char)int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The setting that names the input folder as the one for files that are read, or that are bad; null when none does.</summary>
    /// <exception cref="Connect.FatalException">Connectors may not use one of the folders.</exception>
    public static string? FolderReadAgain(ConfigValues config, Connect.FileRoots files)
    {
        var moves = config.GetString(Cleanup) is "MOVE" or "MOVEBYDATE";
        var input = Resolve(InputPath);
        return Array.Find((string[])[FinishedPath, ErrorPath], key => (moves || key != FinishedPath) && Resolve(key) is { } folder && folder == input);

        string? Resolve(string key) => config.FindString(key) is { Length: > 0 } path ? Path.TrimEndingDirectorySeparator(files.Resolve(path)) : null;
    }

    private static Regex CompilePattern(string pattern)
    {
        var whole = $"^(?:{pattern})$";
        try
        {
            return new Regex(whole, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, Regex.InfiniteMatchTimeout);
        }
        catch (NotSupportedException)
        {
            // It looks around or refers back. Names are short: what takes so long tries out a number of ways that grows without bound.
            return new Regex(whole, RegexOptions.CultureInvariant, TimeSpan.FromMilliseconds(100));
        }
    }

    // null is "by default" for keys that have no default of their own.
    private static ConfigValidator Words(params string[] words) =>
        ConfigValidator.Of(value => value is null || words.Contains(value) ? null : "String must be one of: " + string.Join(", ", words), "[" + string.Join(", ", words) + "]");

    private static ConfigValidator CharsetCheck() => ConfigValidator.Of(value => value is null || FindEncoding((string)value) is not null ? null : "No such character set", "name of a character set");

    private static ConfigValidator SortCheck() => ConfigValidator.Of(
        value => value is IReadOnlyList<string> { Count: > 0 } names && names.All(s_sorts.Contains) ? null : "Each must be one of: " + string.Join(", ", s_sorts), "[" + string.Join(", ", s_sorts) + "]");

    private static ConfigValidator CharacterCheck() => ConfigValidator.Of(
        value => value is string { Length: 1 } text && !char.IsAsciiDigit(text[0]) ? null : ushort.TryParse((string?)value, out var number) && number > 0 ? null : "One character or its number", "a character or its number");

    private static ConfigValidator PatternCheck() => ConfigValidator.Of(
        value =>
        {
            try
            {
                CompilePattern((string)value!);
                return null;
            }
            catch (ArgumentException e)
            {
                return "Invalid regex: " + e.Message;
            }
        },
        "a regular expression");
}
