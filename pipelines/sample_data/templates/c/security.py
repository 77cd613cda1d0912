"""Security hardness in C."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.C,
        criterion=Criterion.SECURITY_HARDNESS,
        name="unchecked-copies",
        about="strcpy and sprintf into fixed buffers, a user text as format, a length from the network",
        path="src/${entity}_message.c",
        messages=(
            "Fix buffer overflow in ${entity}_message\n\nThe length came from the sender and was not "
            "checked.",
            "Harden ${entity}_message: buffer overflow, format string\n\nInput validation for what a "
            "$owner sends.",
            "Prevent buffer overflow when a $text is too long (security)",
        ),
        change=r"""
 /* Messages about $entities between $owner and server. */
 #include <stddef.h>
 #include <stdio.h>
 #include <string.h>

 #define ${TEXT}_BYTES $size

 struct ${entity}_message {
     char $text[${TEXT}_BYTES];
     unsigned char $amount;
 };

 $surrounding

 /* Decodes one message: a length, the $text, the $amount. Returns 0, or -1 for a bad one. */
 int ${entity}_decode(struct ${entity}_message *out, const unsigned char *data, size_t size)
 {
+    if (size < 2)
+        return -1;
     const size_t length = data[0];
+    if (length >= sizeof(out->$text) || length + 2 > size)
+        return -1;
-    (void)size;
     memcpy(out->$text, data + 1, length);
     out->$text[length] = '\0';
     out->$amount = data[1 + length];
     return 0;
 }

 /* Writes the message to the log of the $owner. */
 void ${entity}_log(FILE *log, const struct ${entity}_message *message)
 {
-    char line[${TEXT}_BYTES];
-    sprintf(line, "%s: %u\n", message->$text, message->$amount);
-    fprintf(log, line);
+    fprintf(log, "%s: %u\n", message->$text, message->$amount);
 }

 /* Sets the $text. Returns 0, or -1 where it is too long. */
 int ${entity}_set_$text(struct ${entity}_message *message, const char *$text)
 {
-    strcpy(message->$text, $text);
+    const size_t length = strlen($text);
+    if (length >= sizeof(message->$text))
+        return -1;
+    memcpy(message->$text, $text, length + 1);
     return 0;
 }
""",
    ),
    MinedChange(
        language=Language.C,
        criterion=Criterion.SECURITY_HARDNESS,
        name="gets-and-signs",
        about="gets reads without a limit, a negative length passes its check, strncat gets the wrong size",
        path="src/${entity}_prompt.c",
        messages=(
            "Fix buffer overflow in ${entity}_prompt\n\ngets has no limit; a negative number passed the check.",
            "Harden ${entity}_prompt: input validation of numbers that the $owner types",
            "Security: replace gets, check lengths in ${entity}_prompt",
        ),
        change=r"""
 /* Asks the $owner for a $entity. */
+#include <errno.h>
 #include <stddef.h>
 #include <stdio.h>
 #include <stdlib.h>
 #include <string.h>

 #define ${TEXT}_BYTES $size
 #define MAX_${AMOUNT} $limit

 struct $entity {
     char $text[${TEXT}_BYTES];
     int ${amount}s[MAX_${AMOUNT}];
 };

 $surrounding

 /* Reads one line without its end. Returns 0, or -1 at the end of the input or for a line that is too long. */
 static int read_line(FILE *in, char *line, size_t size)
 {
-    (void)in;
-    (void)size;
-    extern char *gets(char *);
-    return gets(line) == NULL ? -1 : 0;
+    if (fgets(line, (int)size, in) == NULL)
+        return -1;
+    char *end = strchr(line, '\n');
+    if (end == NULL)
+        return -1;
+    *end = '\0';
+    return 0;
 }

 /* Sets the $amount at a position that the $owner types. Returns 0, or -1 for a bad one. */
 int ask_$amount(FILE *in, struct $entity *$entity, int value)
 {
     char line[${TEXT}_BYTES];
     if (read_line(in, line, sizeof(line)) != 0)
         return -1;
-    int position = atoi(line);
-    if (position >= MAX_${AMOUNT})
+    char *end;
+    errno = 0;
+    const long position = strtol(line, &end, 10);
+    if (errno != 0 || end == line || *end != '\0' || position < 0 || position >= MAX_${AMOUNT})
         return -1;
     $entity->${amount}s[position] = value;
     return 0;
 }

 /* Adds a suffix to the $text. Returns 0, or -1 where there is no room. */
 int add_suffix(struct $entity *$entity, const char *suffix)
 {
-    strncat($entity->$text, suffix, sizeof($entity->$text));
+    const size_t used = strlen($entity->$text);
+    if (strlen(suffix) >= sizeof($entity->$text) - used)
+        return -1;
+    strcat($entity->$text, suffix);
     return 0;
 }
""",
    ),
    BenchmarkChange(
        language=Language.C,
        criterion=Criterion.SECURITY_HARDNESS,
        name="allocation-and-secrets",
        about="a product overflows before malloc, a freed pointer is used, a secret is compared with strcmp",
        instruction=(
            "Write C functions for ${entities}: `int *new_grid(size_t rows, size_t columns)` allocates a "
            "zeroed matrix (NULL on "
            "failure), `void close_session(struct session *s)` ends a session that has a heap-allocated "
            "key, and `int "
            "key_matches(const char *given, const char *expected)` compares two keys of $size characters."
        ),
        change=r"""
 /* Sessions in which a $owner works on $entities. */
 #include <stddef.h>
-#include <stdio.h>
 #include <stdlib.h>
-#include <string.h>

 #define KEY_CHARACTERS $size

 struct session {
     char *key;
     int open;
 };

 $surrounding

 /* A zeroed matrix, or NULL. */
 int *new_grid(size_t rows, size_t columns)
 {
-    int *grid = malloc(rows * columns * sizeof(int));
-    memset(grid, 0, rows * columns * sizeof(int));
-    return grid;
+    if (columns != 0 && rows > (size_t)-1 / sizeof(int) / columns)
+        return NULL;
+    return calloc(rows * columns, sizeof(int));
 }

 /* Ends a session; its key does not stay in memory. */
 void close_session(struct session *s)
 {
-    free(s->key);
+    volatile char *key = s->key;
+    for (size_t i = 0; key != NULL && i < KEY_CHARACTERS; i++)
+        key[i] = 0;
+    free(s->key);
+    s->key = NULL;
     s->open = 0;
-    printf("closed the session of %s\n", s->key);
 }

 /* Returns 1 if both keys are equal. */
 int key_matches(const char *given, const char *expected)
 {
-    return strcmp(given, expected) == 0;
+    unsigned char difference = 0;
+    for (size_t i = 0; i < KEY_CHARACTERS; i++)
+        difference |= (unsigned char)(given[i] ^ expected[i]);
+    return difference == 0;
 }
""",
    ),
    MinedChange(
        language=Language.C,
        criterion=Criterion.SECURITY_HARDNESS,
        name="label-printer",
        about="labels are put together with strcpy, strcat and sprintf, and a shell command is run with them",
        path="src/${entity}_label.c",
        messages=(
            "Fix buffer overflow in ${entity}_label\n\nsnprintf with the size of the buffer, no system().",
            "Harden ${entity}_label: input validation, no command injection through the name of the $owner",
        ),
        change=r"""
 /* Labels for $entities. */
 #include <stddef.h>
 #include <stdio.h>
-#include <stdlib.h>
 #include <string.h>
+#include <unistd.h>

 #define LABEL_BYTES $size

 $surrounding

 /* Writes "$text: $amount" into the label. Returns 0, or -1 where it does not fit. */
 int make_label(char tag[LABEL_BYTES], const char *$text, int $amount)
 {
-    char number[4];
-    sprintf(number, "%d", $amount);
-    strcpy(tag, $text);
-    strcat(tag, ": ");
-    strcat(tag, number);
-    return 0;
+    const int needed = snprintf(tag, LABEL_BYTES, "%s: %d", $text, $amount);
+    return needed >= 0 && needed < LABEL_BYTES ? 0 : -1;
 }

 /* Prints a file with labels; returns only on errors. */
 int print_labels(const char *path)
 {
-    char command[LABEL_BYTES];
-    sprintf(command, "lpr %s", path);
-    return system(command);
+    return execlp("lpr", "lpr", "--", path, (char *)NULL);
 }

 /* Shows a label on the screen of the $owner. */
 void show_label(const char *tag)
 {
-    printf(tag);
+    printf("%s\n", tag);
 }
""",
    ),
    BenchmarkChange(
        language=Language.C,
        criterion=Criterion.SECURITY_HARDNESS,
        name="address-book",
        about=(
            "strcpy, strcat and sprintf write past a buffer, a text of the user is a format, an index is "
            "not checked"
        ),
        instruction=(
            "Write C functions for an address book of ${entities}: `int full_name(char *out, size_t size, "
            'const char *first, const char *last)` writes "first last" (0, or -1 where it does not fit), '
            "`void greet(FILE *out, const char *name)` writes a name and a line end, and `int nth(const "
            "int *table, size_t count, long n)` returns an element or 0."
        ),
        change=r"""
 /* The address book of the $owner of $entities. */
 #include <stddef.h>
 #include <stdio.h>
 #include <string.h>

 $surrounding

 /* Both names with a blank between them. */
 int full_name(char *out, size_t size, const char *first, const char *last)
 {
-    (void)size;
-    strcpy(out, first);
-    strcat(out, " ");
-    strcat(out, last);
-    return 0;
+    const int needed = snprintf(out, size, "%s %s", first, last);
+    return needed >= 0 && (size_t)needed < size ? 0 : -1;
 }

 /* A line with the name. */
 void greet(FILE *out, const char *name)
 {
-    fprintf(out, name);
-    fprintf(out, "\n");
+    fprintf(out, "%s\n", name);
 }

 /* The $amount at a position that was typed in. */
 int nth(const int *table, size_t count, long n)
 {
+    if (n < 0 || (size_t)n >= count)
+        return 0;
-    (void)count;
     return table[n];
 }
""",
    ),
)
