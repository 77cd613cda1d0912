"""C functions that stand around a change and have no part in it; they need <stddef.h> at most."""

FRAGMENTS: tuple[str, ...] = (
    r"""
/* Keeps a $amount inside what the $owner allows. */
static int clamp_$amount(int value)
{
    if (value < 0)
        return 0;
    return value > $limit ? $limit : value;
}
""",
    r"""
enum ${other}_state {
    ${OTHER}_OPEN,
    ${OTHER}_LATE,
    ${OTHER}_DONE
};
""",
    r"""
/* Returns 1 if a $text holds nothing but blanks. */
static int is_blank_$text(const char *$text)
{
    while (*$text == ' ' || *$text == '\t')
        $text++;
    return *$text == '\0';
}
""",
    r"""
/* The mean $amount of all $others, or 0.0. */
static double mean_$amount(const int *values, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count ? sum / (double)count : 0.0;
}
""",
    r"""
struct ${other}_options {
    const char *$text;
    int max_$amount;
    int verbose;
};

static const struct ${other}_options default_${other}_options = { "none", $limit, 0 };
""",
    r"""
/* The number of fields in an exported line of $others. */
static size_t count_${other}_fields(const char *line)
{
    size_t fields = 1;
    for (; *line; line++)
        if (*line == ';')
            fields++;
    return fields;
}
""",
    r"""
/* Orders $others by $amount, for qsort. */
static int compare_${other}_$amount(const void *left, const void *right)
{
    const int a = *(const int *)left;
    const int b = *(const int *)right;
    return (a > b) - (a < b);
}
""",
)
