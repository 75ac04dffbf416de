using System.Globalization;

using RestStream.Connect.Data;

namespace RestStream.Connectors.Datagen;

/// <summary>The kinds of records, with the names, fields, types and ranges of Confluent's connector; texts that it makes up are realistic ones here.</summary>
internal static class Quickstarts
{
    // The range that Confluent's schemas have for points in time: 2017-02-21 to 2018-02-22, and the year 2021.
    private const long FirstTime = 1487715775521, LastTime = 1519273364600, FirstTime2021 = 1609459200000, LastTime2021 = 1640995199000;

    private static readonly string[] s_users = Pools.Numbered("User_", 1, 9);
    private static readonly string[] s_genders = ["MALE", "FEMALE", "OTHER"];

    private static readonly Schema s_address = SchemaBuilder.Struct().Named("ksql.address").Field("city", Schema.String).Field("state", Schema.String).Field("zipcode", Schema.Int64).Build();
    private static readonly Schema s_orderLine = SchemaBuilder.Struct().Named("pizza_orders.order_line")
        .Field("product_id", Schema.Int32).Field("category", Schema.String).Field("quantity", Schema.Int32).Field("unit_price", Schema.Float64).Field("net_price", Schema.Float64).Build();

    private static readonly string[] s_pizzaCategories = ["pizza", "calzone", "salad", "wings", "dessert"];
    private static readonly string[][] s_interests = [["Game", "News"], ["Game", "Sport"], ["News", "Movies"], ["News", "Travel"]];
    private static readonly string[] s_statuses = ["200", "200", "200", "302", "404", "405", "406", "407", "500"];
    private static readonly string[] s_bytes = ["278", "1289", "2048", "4006", "4096", "14096"];
    private static readonly (int Code, string Definition)[] s_codes =
        [(200, "Successful"), (302, "Redirect"), (404, "Page not found"), (405, "Method not allowed"), (406, "Not acceptable"), (407, "Proxy authentication required"), (500, "Internal server error")];

    private static readonly (int Id, string City, string Country)[] s_stores =
        [(1, "Raleigh", "US"), (2, "Chicago", "US"), (3, "Mexico City", "Mexico"), (4, "Toronto", "Canada"), (5, "Paris", "France"), (6, "London", "UK"), (7, "Milan", "Italy")];

    public static IReadOnlyDictionary<string, Quickstart> All { get; } = new[]
    {
        Users(new Quickstart("users", "userid")),
        Users(new Quickstart("users_", "userid", "ksql.users"))
            .With("interests", SchemaBuilder.Array(Schema.String).Build(), draw => draw.Of(s_interests))
            .With("contactinfo", SchemaBuilder.Map(Schema.String, Schema.String).Build(), pools =>
            {
                var (cities, states) = (pools.Cities, pools.States);
                return draw => new Dictionary<string, object?>
                {
                    ["phone"] = draw.Between(2_000_000_000L, 9_999_999_999L).ToString(CultureInfo.InvariantCulture),
                    ["city"] = draw.Of(cities),
                    ["state"] = draw.Of(states),
                    ["zipcode"] = draw.Between(10_000, 99_999).ToString(CultureInfo.InvariantCulture),
                };
            }),
        new Quickstart("pageviews", "viewtime").WithNumber("viewtime", 1, 10).WithOneOf("userid", s_users).WithOneOf("pageid", Pools.Numbered("Page_", 1, 99)),
        new Quickstart("orders", "orderid")
            .WithLong("ordertime", FirstTime, LastTime).WithIntNumber("orderid").WithOneOf("itemid", Pools.Numbered("Item_", 1, 999)).With("orderunits", Schema.Float64, draw => draw.Between(0.1, 10.0))
            .With("address", s_address, pools =>
            {
                var (cities, states) = (pools.Cities, pools.States);
                return draw => new Struct(s_address).Put("city", draw.Of(cities)).Put("state", draw.Of(states)).Put("zipcode", draw.Between(10_000L, 99_999L));
            }),
        new Quickstart("ratings", "rating_id")
            .WithNumber("rating_id", 1).WithInt("user_id", 1, 20).WithInt("stars", 1, 5).WithInt("route_id", 1, 9999).With("rating_time", Schema.Int64, draw => FirstTime + (draw.Iteration * 1000))
            .WithOneOf("channel", "web", "iOS", "iOS-test", "android").With("message", Schema.String, pools => Pick(pools.Reviews)),
        new Quickstart("clickstream", "ip", "clickstream.clickstream")
            .With("ip", Schema.String, pools => Pick(pools.IpAddresses)).WithInt("userid", 1, 40).WithOneOf("remote_user", "-")
            .With("time", Schema.String, draw => DateTimeOffset.FromUnixTimeMilliseconds(ClickTime(draw)).ToString("dd/MMM/yyyy:HH:mm:ss +0000", CultureInfo.InvariantCulture)).With("_time", Schema.Int64, draw => ClickTime(draw))
            .With("request", Schema.String, pools => Pick(pools.Pages)).WithOneOf("status", s_statuses).WithOneOf("bytes", s_bytes).With("referrer", Schema.String, pools => Pick(pools.Urls))
            .With("agent", Schema.String, pools => Pick(pools.UserAgents)),
        new Quickstart("clickstream_codes", "code", "clickstream.codes")
            .With("code", Schema.Int32, draw => s_codes[draw.Iteration % s_codes.Length].Code).With("definition", Schema.String, draw => s_codes[draw.Iteration % s_codes.Length].Definition),
        new Quickstart("clickstream_users", "user_id", "clickstream.users")
            .WithIntNumber("user_id", 1).With("username", Schema.String, pools => Pick(pools.UserNames)).WithLong("registered_at", FirstTime, LastTime).With("first_name", Schema.String, pools => Pick(pools.FirstNames))
            .With("last_name", Schema.String, pools => Pick(pools.LastNames)).With("city", Schema.String, pools => Pick(pools.Cities)).WithOneOf("level", "Gold", "Silver", "Platinum"),
        new Quickstart("stock_trades", "symbol", "ksql.StockTrade")
            .WithOneOf("side", "BUY", "SELL").WithInt("quantity", 1, 5000).WithOneOf("symbol", "ZBZX", "ZJZZT", "ZTEST", "ZVV", "ZVZZT", "ZWZZT", "ZXZZT").WithInt("price", 5, 1000)
            .WithOneOf("account", "ABC123", "LMN456", "XYZ789").WithOneOf("userid", s_users),
        new Quickstart("inventory", "id").WithNumber("id").WithInt("quantity", -100, 100).WithLong("productid", 10_000_000_001, 10_000_000_016),
        new Quickstart("product", "id")
            .WithNumber("id")
            .WithOneOf("name", "boots", "shirt", "knife", "saucepan", "table", "chair", "clock", "frame", "guitar", "thermometer", "scarf", "doormat", "vase", "clippers", "game", "towels")
            .With("description", Schema.String, pools => Pick(pools.Descriptions)).WithLong("price", 2, 20),
        new Quickstart("purchases", "id", "ksql.purchase").WithNumber("id").WithLong("quantity", 1, 20).WithNumber("productid").WithLong("total", 5, 500),
        new Quickstart("transactions", "transaction_id", "datagen.example.transactions")
            .WithNumber("transaction_id", 1).WithLong("card_id", 1, 24).WithOneOf("user_id", s_users).WithNumber("purchase_id").WithInt("store_id", 1, 7),
        new Quickstart("stores", "store_id", "datagen.example.stores")
            .With("store_id", Schema.Int32, draw => Store(draw).Id).With("city", Schema.String, draw => Store(draw).City).With("country", Schema.String, draw => Store(draw).Country),
        new Quickstart("credit_cards", "card_id", "datagen.example.users")
            .With("card_id", Schema.Int32, draw => (int)(draw.Iteration % 25) + 1).WithLong("card_number", 4_000_000_000_000_000, 6_599_999_999_999_999).WithInt("cvv", 100, 999)
            .With("expiration_date", Schema.String, draw => string.Create(CultureInfo.InvariantCulture, $"{draw.Between(1, 12):00}/{draw.Between(27, 31)}")),
        new Quickstart("fleet_mgmt_description", "vehicle_id", "fleet_mgmt.fleet_mgmt_description")
            .WithInt("vehicle_id", 1000, 9999).With("driver_name", Schema.String, pools => Pick(pools.FullNames)).With("license_plate", Schema.String, pools => Pick(pools.LicensePlates)),
        new Quickstart("fleet_mgmt_location", "vehicle_id", "fleet_mgmt.fleet_mgmt_location")
            .WithInt("vehicle_id", 1000, 9999).With("latitude", Schema.Float64, draw => draw.Between(-50.0, 70.0)).With("longitude", Schema.Float64, draw => draw.Between(-175.0, 175.0))
            .With("ts", Schema.Timestamp, draw => new Instant(draw.Between(FirstTime2021, LastTime2021))),
        new Quickstart("fleet_mgmt_sensors", "vehicle_id", "fleet_mgmt.fleet_mgmt_sensors").WithInt("vehicle_id", 1000, 9999).WithInt("engine_temperature", 150, 250).WithInt("average_rpm", 1800, 5000),
        Pizza(new Quickstart("pizza_orders", "store_id", "pizza_orders.pizza_orders"), "accepted", withCoupon: true)
            .With("order_lines", SchemaBuilder.Array(s_orderLine).Build(), draw => Enumerable.Range(0, draw.Between(1, 4)).Select(_ => OrderLine(draw)).ToList()),
        Pizza(new Quickstart("pizza_orders_completed", "store_id", "pizza_orders.pizza_orders_completed"), "completed", withCoupon: false)
            .WithInt("rack_time_secs", 130, 230).WithInt("order_delivery_time_secs", 1100, 2000),
        Pizza(new Quickstart("pizza_orders_cancelled", "store_id", "pizza_orders.pizza_orders_cancelled"), "cancelled", withCoupon: false),
        new Quickstart("gaming_player_activity", "player_id", "gaming.gaming_player_activity")
            .WithInt("player_id", 1000, 5000).WithInt("game_room_id", 1000, 5000).WithInt("points", 10, 500).With("coordinates", Schema.String, pools => Pick(pools.Coordinates)),
        new Quickstart("gaming_players", "player_id", "gaming.gaming_players")
            .WithIntNumber("player_id", 1000).With("player_name", Schema.String, pools => Pick(pools.FullNames)).With("ip", Schema.String, pools => Pick(pools.IpAddresses)),
        new Quickstart("payroll_bonus", "employee_id", "payroll.payroll_bonus")
            .WithIntNumber("employee_id", 1000).WithInt("bonus", 10, 50).With("ts", Schema.Timestamp, draw => new Instant(draw.Between(FirstTime2021, LastTime2021))),
    }.ToDictionary(q => q.Name, StringComparer.OrdinalIgnoreCase);

    private static Quickstart Users(Quickstart users) =>
        users.WithLong("registertime", FirstTime, LastTime).WithOneOf("userid", s_users).WithOneOf("regionid", Pools.Numbered("Region_", 1, 9)).WithOneOf("gender", s_genders);

    private static Quickstart Pizza(Quickstart orders, string status, bool withCoupon)
    {
        orders.WithInt("store_id", 1, 10).WithIntNumber("store_order_id", 1000);
        if (withCoupon)
            orders.WithInt("coupon_code", 1000, 2000);
        return orders.With("date", Schema.Date, draw => new Instant(draw.Between(18_000L, 19_000L) * 86_400_000)).WithOneOf("status", status);
    }

    private static object? OrderLine(Draw draw)
    {
        var quantity = draw.Between(1, 5);
        var price = draw.Between(100, 2500);
        return new Struct(s_orderLine).Put("product_id", draw.Between(1, 100)).Put("category", draw.Of(s_pizzaCategories)).Put("quantity", quantity)
            .Put("unit_price", price / 100.0).Put("net_price", price * quantity / 100.0);
    }

    private static Func<Draw, object?> Pick(string[] pool) => draw => draw.Of(pool);

    private static long ClickTime(Draw draw) => FirstTime + (draw.Iteration * 10);

    private static (int Id, string City, string Country) Store(Draw draw) => s_stores[draw.Iteration % s_stores.Length];
}
