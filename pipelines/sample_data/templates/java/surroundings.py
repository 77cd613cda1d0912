"""Java members that stand around a change and have no part in it; they need nothing imported."""

FRAGMENTS: tuple[str, ...] = (
    r"""
private static String describe${Other}(long id, String $text) {
    StringBuilder line = new StringBuilder("$other ").append(id);
    if ($text != null && !$text.isEmpty()) {
        line.append(' ').append($text);
    }
    return line.toString();
}
""",
    r"""
private static boolean isBlank${Text}(String value) {
    return value == null || value.trim().isEmpty();
}
""",
    r"""
/** Keeps a $amount inside what the $owner allows. */
static int clamp${Amount}(int value) {
    return Math.max(0, Math.min($limit, value));
}
""",
    r"""
/** Raised when a $other cannot be used. */
static final class ${Other}Exception extends RuntimeException {
    ${Other}Exception(long id, String reason) {
        super("$other " + id + ": " + reason);
    }
}
""",
    r"""
/** Cuts one exported line of $others into its fields. */
static String[] split${Others}Line(String line) {
    String[] parts = line.split(";", -1);
    for (int i = 0; i < parts.length; i++) {
        parts[i] = parts[i].trim();
    }
    return parts;
}
""",
    r"""
/** What the $owner may do with $others. */
enum ${Other}State {
    OPEN,
    LATE,
    DONE;

    boolean isFinal() {
        return this == DONE;
    }
}
""",
    r"""
private static double mean${Amount}(int[] values) {
    if (values.length == 0) {
        return 0.0;
    }
    long sum = 0;
    for (int value : values) {
        sum += value;
    }
    return (double) sum / values.length;
}
""",
    r"""
static String ${owner}Greeting(String first, String last) {
    String full = (first + " " + last).trim();
    return full.isEmpty() ? "Dear $owner," : "Dear " + full + ",";
}
""",
)
