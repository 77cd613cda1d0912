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
)
