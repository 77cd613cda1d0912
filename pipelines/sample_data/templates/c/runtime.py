"""Runtime efficiency in C."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.C,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="strlen-in-loops",
        about="strlen in loop conditions, strcat from the start each time, linear search in a sorted table",
        path="src/${entity}_text.c",
        messages=(
            "Speed up ${entity}_text: no strlen in loop conditions\n\nbsearch instead of a scan, no "
            "strcat. Joining is "
            "linear now.",
            "Optimize loop over $entities: faster join, binary search for lookup",
            "Faster $text handling in the hot path of the $owner",
        ),
        change=r"""
 /* Text of $entities for the display of the $owner. */
 #include <ctype.h>
 #include <stddef.h>
 #include <stdlib.h>
 #include <string.h>

 struct $entity {
     const char *$text;
     int $amount;
 };

 $surrounding

 /* Turns a $text into upper case, in place. */
 void upper_$text(char *$text)
 {
-    for (size_t i = 0; i < strlen($text); i++)
-        $text[i] = (char)toupper((unsigned char)$text[i]);
+    for (; *$text; $text++)
+        *$text = (char)toupper((unsigned char)*$text);
 }

 /* Joins all texts with blanks; `out` has room for them. */
 void join_$entities(char *out, const struct $entity *$entities, size_t count)
 {
-    out[0] = '\0';
-    for (size_t i = 0; i < count; i++) {
-        strcat(out, $entities[i].$text);
-        strcat(out, " ");
-    }
+    for (size_t i = 0; i < count; i++) {
+        const size_t length = strlen($entities[i].$text);
+        memcpy(out, $entities[i].$text, length);
+        out += length;
+        *out++ = ' ';
+    }
+    *out = '\0';
 }

+static int by_$text(const void *key, const void *row)
+{
+    return strcmp(key, ((const struct $entity *)row)->$text);
+}
+
 /* Finds a $entity; `sorted` ascends by $text. */
 const struct $entity *${fetch}_$entity(const struct $entity *sorted, size_t count, const char *$text)
 {
-    const struct $entity *$result = NULL;
-    for (size_t i = 0; i < count; i++)
-        if (strcmp(sorted[i].$text, $text) == 0)
-            $result = &sorted[i];
-    return $result;
+    return bsearch($text, sorted, count, sizeof(*sorted), by_$text);
 }
""",
    ),
    MinedChange(
        language=Language.C,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="grow-by-one",
        about="a list grows by one element at a time, deletions shift the tail again and again, pow for squares",
        path="src/${entity}_series.c",
        messages=(
            "Speed up ${entity}_series: grow by doubling, remove in one pass",
            "Optimize loop in remove_small, was quadratic\n\nAlso faster variance without pow. The $owner has series "
            "of millions of $entities.",
            "Faster ${entity}_series",
        ),
        change=r"""
 /* Series of $amount values of $entities. */
-#include <math.h>
 #include <stddef.h>
 #include <stdlib.h>

 struct ${entity}_series {
     double *values;
     size_t count;
     size_t room;
 };

 $surrounding

 /* Appends a value. Returns 0, or -1 where there is no memory. */
 int append_$amount(struct ${entity}_series *series, double value)
 {
-    double *values = realloc(series->values, (series->count + 1) * sizeof(*values));
-    if (values == NULL)
-        return -1;
-    series->values = values;
-    series->values[series->count] = value;
-    series->count++;
+    if (series->count == series->room) {
+        const size_t room = series->room ? 2 * series->room : $size;
+        double *values = realloc(series->values, room * sizeof(*values));
+        if (values == NULL)
+            return -1;
+        series->values = values;
+        series->room = room;
+    }
+    series->values[series->count++] = value;
     return 0;
 }

 /* Removes all values below the limit and keeps the order of the others. */
 void remove_small(struct ${entity}_series *series, double limit)
 {
-    for (size_t i = 0; i < series->count;) {
-        if (series->values[i] >= limit) {
-            i++;
-            continue;
-        }
-        for (size_t j = i + 1; j < series->count; j++)
-            series->values[j - 1] = series->values[j];
-        series->count--;
-    }
+    size_t kept_values = 0;
+    for (size_t i = 0; i < series->count; i++)
+        if (series->values[i] >= limit)
+            series->values[kept_values++] = series->values[i];
+    series->count = kept_values;
 }

 /* The variance; there is at least one value. */
 double variance(const struct ${entity}_series *series)
 {
     double sum = 0.0, squares = 0.0;
-    for (size_t i = 0; i < series->count; i++)
-        sum += series->values[i];
-    for (size_t i = 0; i < series->count; i++)
-        squares += pow(series->values[i] - sum / (double)series->count, 2.0);
-    return squares / (double)series->count;
+    for (size_t i = 0; i < series->count; i++)
+        sum += series->values[i];
+    const double mean = sum / (double)series->count;
+    for (size_t i = 0; i < series->count; i++) {
+        const double distance = series->values[i] - mean;
+        squares += distance * distance;
+    }
+    return squares / (double)series->count;
 }
""",
    ),
    BenchmarkChange(
        language=Language.C,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="column-order",
        about="a matrix is walked by columns, duplicates are found by pairs, powers by repeated "
        "multiplication",
        instruction=(
            "Write C functions over ${entities}: `long grid_total(const int *grid, size_t rows, size_t "
            "columns)` sums a matrix "
            "stored row by row, `int has_duplicate(int *${amount}s, size_t count)` tells whether a value "
            "occurs twice (the array "
            "may be reordered), and `unsigned long power(unsigned long base, unsigned exponent)`."
        ),
        change=r"""
 /* Figures over grids of $entities. */
 #include <stddef.h>
 #include <stdlib.h>

 $surrounding

 /* The sum of a matrix that is stored row by row. */
 long grid_total(const int *grid, size_t rows, size_t columns)
 {
     long total = 0;
-    for (size_t column = 0; column < columns; column++)
-        for (size_t row = 0; row < rows; row++)
-            total += grid[row * columns + column];
+    for (size_t row = 0; row < rows; row++)
+        for (size_t column = 0; column < columns; column++)
+            total += grid[row * columns + column];
     return total;
 }

+static int ascending(const void *left, const void *right)
+{
+    const int a = *(const int *)left;
+    const int b = *(const int *)right;
+    return (a > b) - (a < b);
+}
+
 /* Returns 1 if a $amount occurs twice; may reorder the array. */
 int has_duplicate(int *${amount}s, size_t count)
 {
-    for (size_t i = 0; i < count; i++)
-        for (size_t j = 0; j < count; j++)
-            if (i != j && ${amount}s[i] == ${amount}s[j])
-                return 1;
+    qsort(${amount}s, count, sizeof(*${amount}s), ascending);
+    for (size_t i = 1; i < count; i++)
+        if (${amount}s[i] == ${amount}s[i - 1])
+            return 1;
     return 0;
 }

 /* `base` to the power of `exponent`, modulo the word size. */
 unsigned long power(unsigned long base, unsigned exponent)
 {
     unsigned long $result = 1;
-    for (unsigned i = 0; i < exponent; i++)
-        $result = $result * base;
+    for (; exponent; exponent >>= 1, base *= base)
+        if (exponent & 1)
+            $result *= base;
     return $result;
 }
""",
    ),
    MinedChange(
        language=Language.C,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="nested-scans",
        about=(
            "all pairs are compared to count, strlen stands in a loop, a table is filled anew for each call"
        ),
        path="src/${entity}_histogram.c",
        messages=(
            "Speed up the histogram of $entities\n\nOne pass with a table instead of nested loops; was "
            "quadratic.",
            "Faster ${entity}_histogram: no strlen in the loop condition, constant time per $entity",
        ),
        change=r"""
 /* How often each $amount from 0 to MOST occurs among $entities. */
 #include <stddef.h>
+#include <stdlib.h>
 #include <string.h>

 #define MOST $size

+static int order(const void *left, const void *right)
+{
+    const int first = *(const int *)left;
+    const int second = *(const int *)right;
+    return (first > second) - (first < second);
+}
+

 $surrounding

 /* Fills counts[0..MOST]. */
 void histogram(const int *values, size_t n, int counts[MOST + 1])
 {
-    for (int value = 0; value <= MOST; value++) {
-        counts[value] = 0;
-        for (size_t i = 0; i < n; i++)
-            if (values[i] == value)
-                counts[value]++;
-    }
+    memset(counts, 0, (MOST + 1) * sizeof(counts[0]));
+    for (size_t i = 0; i < n; i++)
+        if (values[i] >= 0 && values[i] <= MOST)
+            counts[values[i]]++;
 }

 /* The number of semicolons in a line of the $owner. */
 size_t separators(const char *line)
 {
     size_t found = 0;
-    for (size_t i = 0; i < strlen(line); i++)
-        if (line[i] == ';')
-            found++;
+    for (; *line; line++)
+        found += *line == ';';
     return found;
 }

 /* 1 if a value occurs in an ascending list. */
 int occurs(const int *values, size_t n, int wanted)
 {
-    int found = 0;
-    for (size_t i = 0; i < n; i++)
-        if (values[i] == wanted)
-            found = 1;
-    return found;
+    return bsearch(&wanted, values, n, sizeof(values[0]), order) != NULL;
 }
""",
    ),
    BenchmarkChange(
        language=Language.C,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="word-table",
        about=(
            "strlen stands in loop conditions, a sorted table is searched from the front, strcat walks "
            "from the start"
        ),
        instruction=(
            "Write C functions for ${entities}: `size_t blanks(const char *text)` counts blanks, `long "
            "position(const int *sorted, size_t count, int wanted)` returns where a value stands in an "
            "ascending table or -1, and `void repeat(char *out, const char *word, size_t times)` writes a "
            "word so many times."
        ),
        change=r"""
 /* Words and tables of $entities. */
 #include <stddef.h>
 #include <string.h>

 $surrounding

 /* The number of blanks. */
 size_t blanks(const char *text)
 {
     size_t found = 0;
-    for (size_t i = 0; i < strlen(text); i++) {
-        if (text[i] == ' ')
-            found = found + 1;
-    }
+    for (; *text; text++)
+        found += *text == ' ';
     return found;
 }

 /* The position of a value, or -1. */
 long position(const int *sorted, size_t count, int wanted)
 {
-    for (size_t at = 0; at < count; at++)
-        if (sorted[at] == wanted)
-            return (long)at;
-    return -1;
+    size_t low = 0;
+    size_t high = count;
+    while (low < high) {
+        const size_t middle = low + (high - low) / 2;
+        if (sorted[middle] < wanted)
+            low = middle + 1;
+        else
+            high = middle;
+    }
+    return low < count && sorted[low] == wanted ? (long)low : -1;
 }

 /* The word, so many times; out has room for it. */
 void repeat(char *out, const char *word, size_t times)
 {
-    out[0] = '\0';
-    for (size_t i = 0; i < times; i++)
-        strcat(out, word);
+    const size_t length = strlen(word);
+    for (size_t i = 0; i < times; i++, out += length)
+        memcpy(out, word, length);
+    *out = '\0';
 }
""",
    ),
)
