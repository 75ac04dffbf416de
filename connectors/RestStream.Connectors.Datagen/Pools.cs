using Bogus;

namespace RestStream.Connectors.Datagen;

/// <summary>
/// Realistic values by Bogus, made once: picking one of a thousand is a hundred times cheaper than making one for each record. Each pool has a random generator of its own, so what one holds does not depend on which
/// others are used.
/// </summary>
internal sealed class Pools(long seed)
{
    private const int Size = 1000;

    private readonly Dictionary<string, string[]> _made = [];

    public string[] FirstNames => Make(nameof(FirstNames), f => f.Name.FirstName());
    public string[] LastNames => Make(nameof(LastNames), f => f.Name.LastName());
    public string[] FullNames => Make(nameof(FullNames), f => f.Name.FullName());
    public string[] UserNames => Make(nameof(UserNames), f => f.Internet.UserName());
    public string[] Cities => Make(nameof(Cities), f => f.Address.City());
    public string[] States => Make(nameof(States), f => f.Address.State());
    public string[] IpAddresses => Make(nameof(IpAddresses), f => f.Internet.Ip());
    public string[] UserAgents => Make(nameof(UserAgents), f => f.Internet.UserAgent());
    public string[] Urls => Make(nameof(Urls), f => f.Internet.Url());
    public string[] Pages => Make(nameof(Pages), f => $"GET /{f.Internet.DomainWord()}/{f.Lorem.Slug(2)}.html HTTP/1.1");
    public string[] Descriptions => Make(nameof(Descriptions), f => f.Commerce.ProductDescription());
    public string[] Reviews => Make(nameof(Reviews), f => f.Rant.Review("flight"));
    public string[] LicensePlates => Make(nameof(LicensePlates), f => f.Random.Replace("??#-####"));
    public string[] Coordinates => Make(nameof(Coordinates), f => $"[{f.Random.Number(10, 99)},{f.Random.Number(10, 99)}]");

    /// <summary><c>User_1</c> and so on.</summary>
    public static string[] Numbered(string prefix, int from, int to) => [.. Enumerable.Range(from, to - from + 1).Select(i => $"{prefix}{i}")];

    private string[] Make(string name, Func<Faker, string> make)
    {
        if (_made.TryGetValue(name, out var pool))
            return pool;
        var faker = new Faker("en") { Random = new Randomizer(HashCode(seed, name)) };
        return _made[name] = [.. Enumerable.Range(0, Size).Select(_ => make(faker))];
    }

    // Those of .NET differ from process to process.
    private static int HashCode(long seed, string name) => name.Aggregate((int)(seed ^ (seed >> 32)), (hash, c) => (hash * 31) + c);
}
