"""C# members that stand around a change and have no part in it; they need nothing but `using System`."""

FRAGMENTS: tuple[str, ...] = (
    r"""
private static string Describe${Other}(long id, string $text)
{
    return string.IsNullOrEmpty($text) ? "$other " + id : "$other " + id + " " + $text;
}
""",
    r"""
private static bool IsBlank${Text}(string value)
{
    return string.IsNullOrWhiteSpace(value);
}
""",
    r"""
/// <summary>Keeps a value inside what the $owner allows.</summary>
internal static int Clamp${Amount}(int value)
{
    return Math.Max(0, Math.Min($limit, value));
}
""",
    r"""
/// <summary>What the $owner may do with a $other.</summary>
public enum ${Other}State
{
    Open,
    Late,
    Done,
}
""",
    r"""
/// <summary>Raised when a $other cannot be used.</summary>
public sealed class ${Other}Exception : Exception
{
    public ${Other}Exception(long id, string reason)
        : base("$other " + id + ": " + reason)
    {
    }
}
""",
    r"""
/// <summary>Cuts one exported line of $others into its fields.</summary>
internal static string[] Split${Others}Line(string line)
{
    var fields = line.Split(';');
    for (var i = 0; i < fields.Length; i++)
    {
        fields[i] = fields[i].Trim();
    }

    return fields;
}
""",
    r"""
internal static double Mean${Amount}(int[] values)
{
    if (values.Length == 0)
    {
        return 0.0;
    }

    long sum = 0;
    foreach (var value in values)
    {
        sum += value;
    }

    return (double)sum / values.Length;
}
""",
    r"""
private static string ${Owner}Greeting(string first, string last)
{
    var full = (first + " " + last).Trim();
    return full.Length == 0 ? "Dear $owner," : "Dear " + full + ",";
}
""",
)
