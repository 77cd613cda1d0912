"""Memory efficiency in C."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.C,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="lost-buffers",
        about="buffers are lost on error paths and on realloc, lists are never freed, files stay open",
        path="src/${entity}_list.c",
        messages=(
            "Fix memory leak in ${entity}_list\n\nFree the buffer on every path, close the file, grow by "
            "doubling.",
            "Fix resource leak when a $entity file cannot be read\n\nThe daemon of the $owner ran out of "
            "memory after "
            "some days (memory leak).",
            "Reduce memory usage of ${entity}_list and free it",
        ),
        change=r"""
 /* Lists of $amount values of $entities. */
 #include <stddef.h>
 #include <stdio.h>
 #include <stdlib.h>

 struct ${entity}_list {
     int *values;
     size_t count;
     size_t room;
 };

 $surrounding

 /* Appends a value; returns 0, or -1 where there is no memory. */
 int ${entity}_append(struct ${entity}_list *list, int $amount)
 {
     if (list->count == list->room) {
-        list->room += $limit;
-        list->values = realloc(list->values, list->room * sizeof(struct ${entity}_list));
-        if (list->values == NULL)
+        size_t room = list->room ? 2 * list->room : $small;
+        int *values = realloc(list->values, room * sizeof(*values));
+        if (values == NULL)
             return -1;
+        list->values = values;
+        list->room = room;
     }
     list->values[list->count++] = $amount;
     return 0;
 }

+/* Gives back what the list holds. */
+void ${entity}_clear(struct ${entity}_list *list)
+{
+    free(list->values);
+    list->values = NULL;
+    list->count = list->room = 0;
+}
+
 /* Reads one number per line; returns 0, or -1 on any error. */
 int ${entity}_read(struct ${entity}_list *list, const char *path)
 {
-    char *line = malloc(${limit}000);
+    char line[$size];
+    int status = 0;
     FILE *in = fopen(path, "r");
     if (in == NULL)
         return -1;
-    while (fgets(line, ${limit}000, in))
-        if (${entity}_append(list, atoi(line)) != 0)
-            return -1;
-    return 0;
+    while (status == 0 && fgets(line, sizeof(line), in))
+        status = ${entity}_append(list, atoi(line));
+    if (status != 0)
+        ${entity}_clear(list);
+    fclose(in);
+    return status;
 }
""",
    ),
    MinedChange(
        language=Language.C,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="fixed-nodes",
        about="every node has room for the longest text, removing one loses it, clearing frees the head only",
        path="src/${entity}_chain.c",
        messages=(
            "Fix memory leak in ${entity}_chain: free removed nodes and the whole chain",
            "Reduce memory usage of ${entity}_chain\n\nNodes take what their $text needs instead of four kilobytes. "
            "Fix leak when the $owner clears the chain.",
        ),
        change=r"""
 /* A chain of $entities. */
 #include <stddef.h>
 #include <stdlib.h>
 #include <string.h>

 struct ${entity}_node {
     struct ${entity}_node *next;
     int $amount;
-    char $text[4096];
-    char backup[4096];
+    char $text[];
 };

 $surrounding

 /* A new first node, or NULL where there is no memory. */
 struct ${entity}_node *prepend_$entity(struct ${entity}_node *chain, const char *$text, int $amount)
 {
-    struct ${entity}_node *node = calloc(1, sizeof(*node));
+    const size_t bytes = strlen($text) + 1;
+    struct ${entity}_node *node = malloc(sizeof(*node) + bytes);
     if (node == NULL)
         return NULL;
-    strncpy(node->$text, $text, sizeof(node->$text) - 1);
-    memcpy(node->backup, node->$text, sizeof(node->backup));
+    memcpy(node->$text, $text, bytes);
     node->$amount = $amount;
     node->next = chain;
     return node;
 }

 /* Takes all nodes below the limit out and returns the new chain. */
 struct ${entity}_node *drop_below(struct ${entity}_node *chain, int limit)
 {
     struct ${entity}_node **link = &chain;
     while (*link != NULL) {
-        if ((*link)->$amount < limit)
-            *link = (*link)->next;
-        else
-            link = &(*link)->next;
+        struct ${entity}_node *node = *link;
+        if (node->$amount < limit) {
+            *link = node->next;
+            free(node);
+        } else {
+            link = &node->next;
+        }
     }
     return chain;
 }

 /* Gives the whole chain back. */
 void clear_$entities(struct ${entity}_node *chain)
 {
-    free(chain);
+    while (chain != NULL) {
+        struct ${entity}_node *next = chain->next;
+        free(chain);
+        chain = next;
+    }
 }
""",
    ),
    BenchmarkChange(
        language=Language.C,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="wide-structs",
        about="flags as ints in padded structs, a copy of a text to count words, a whole table for a "
        "running value",
        instruction=(
            "Write C code for ${entities}: a struct with an id (up to four billion), an $amount from 0 to "
            "60000 and three yes/no "
            "flags; `size_t count_words(const char *$text)` for words divided by blanks; and `unsigned "
            "long ways(unsigned "
            "steps)`, the number of ways to climb steps one or two at a time."
        ),
        change=r"""
 /* $Entities by the million, on the small machine of the $owner. */
 #include <stddef.h>
-#include <stdlib.h>
-#include <string.h>
+#include <stdint.h>

-struct $entity {
-    int is_open;
-    unsigned long id;
-    int is_late;
-    long $amount;
-    int is_paid;
-};
+struct $entity {
+    uint32_t id;
+    uint16_t $amount;
+    uint8_t is_open : 1;
+    uint8_t is_late : 1;
+    uint8_t is_paid : 1;
+};

 $surrounding

 /* The number of words that blanks divide. */
 size_t count_words(const char *$text)
 {
-    char *copy = malloc(strlen($text) + 1);
-    size_t words = 0;
-    strcpy(copy, $text);
-    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
-        words++;
+    size_t words = 0;
+    char last = ' ';
+    for (; *$text; last = *$text++)
+        words += last == ' ' && *$text != ' ';
     return words;
 }

 /* The number of ways to climb that many steps, one or two at a time. */
 unsigned long ways(unsigned steps)
 {
-    unsigned long *table = calloc(steps + 2, sizeof(*table));
-    table[0] = table[1] = 1;
-    for (unsigned i = 2; i <= steps; i++)
-        table[i] = table[i - 1] + table[i - 2];
-    return table[steps];
+    unsigned long before = 0, current = 1;
+    while (steps--) {
+        const unsigned long next = before + current;
+        before = current;
+        current = next;
+    }
+    return current;
 }
""",
    ),
    MinedChange(
        language=Language.C,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="leaked-files",
        about="early returns leave files open and buffers behind, a copy of the file is made to count lines",
        path="src/${entity}_import.c",
        messages=(
            "Fix memory leak in ${entity}_import\n\nFree and close on every path; count lines without a "
            "copy of the file.",
            "Reduce memory usage of the $entity import, fix resource leak on errors",
        ),
        change=r"""
 /* Imports $entities from a file of the $owner. */
 #include <stddef.h>
 #include <stdio.h>
 #include <stdlib.h>
 #include <string.h>

 #define LINE_BYTES ${size}0

 $surrounding

 /* The number of lines of a file, or -1. */
 long count_$entities(const char *path)
 {
     FILE *in = fopen(path, "r");
     if (in == NULL)
         return -1;
-    char *content = malloc(1 << 24);
-    size_t used = fread(content, 1, 1 << 24, in);
-    char *copy = malloc(used + 1);
-    memcpy(copy, content, used);
-    copy[used] = '\0';
     long lines = 0;
-    for (size_t i = 0; i < used; i++)
-        if (copy[i] == '\n')
-            lines++;
+    for (int c = getc(in); c != EOF; c = getc(in))
+        lines += c == '\n';
+    fclose(in);
     return lines;
 }

 /* The first line of a file on the heap, or NULL. */
 char *first_$entity(const char *path)
 {
     FILE *in = fopen(path, "r");
     if (in == NULL)
         return NULL;
     char *line = malloc(LINE_BYTES);
-    if (line == NULL || fgets(line, LINE_BYTES, in) == NULL)
-        return NULL;
+    if (line != NULL && fgets(line, LINE_BYTES, in) == NULL) {
+        free(line);
+        line = NULL;
+    }
+    fclose(in);
     return line;
 }
""",
    ),
    BenchmarkChange(
        language=Language.C,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="longest-line",
        about="a file is kept as a list of copies, files stay open on errors, and a list is never freed",
        instruction=(
            "Write C functions: `long longest_line(const char *path)` returns the length of the longest "
            "line of a large file of ${entities} (-1 where it cannot be opened), and `int same_start(const "
            "char *left, const char *right)` tells whether two files begin with the same byte (-1 on "
            "errors)."
        ),
        change=r"""
 /* Looks into files of $entities. */
 #include <stddef.h>
 #include <stdio.h>
 #include <stdlib.h>

 $surrounding

 /* The length of the longest line without its end. */
 long longest_line(const char *path)
 {
     FILE *in = fopen(path, "r");
     if (in == NULL)
         return -1;
-    char *content = NULL;
-    size_t used = 0;
-    for (int c = getc(in); c != EOF; c = getc(in)) {
-        content = realloc(content, used + 1);
-        content[used++] = (char)c;
-    }
     long longest = 0;
     long current = 0;
-    for (size_t i = 0; i < used; i++) {
-        current = content[i] == '\n' ? 0 : current + 1;
+    for (int c = getc(in); c != EOF; c = getc(in)) {
+        current = c == '\n' ? 0 : current + 1;
         if (current > longest)
             longest = current;
     }
+    fclose(in);
     return longest;
 }

 /* 1 if both begin alike, 0 if not, -1 on errors. */
 int same_start(const char *left, const char *right)
 {
     FILE *first = fopen(left, "r");
     FILE *second = fopen(right, "r");
-    if (first == NULL || second == NULL)
-        return -1;
-    char *bytes = malloc(2);
-    bytes[0] = (char)getc(first);
-    bytes[1] = (char)getc(second);
-    return bytes[0] == bytes[1];
+    int same = -1;
+    if (first != NULL && second != NULL)
+        same = getc(first) == getc(second);
+    if (first != NULL)
+        fclose(first);
+    if (second != NULL)
+        fclose(second);
+    return same;
 }
""",
    ),
)
