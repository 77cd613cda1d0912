"""Functional correctness in C."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.C,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="unsigned-countdown",
        about="an unsigned loop never ends, the size of a pointer is taken, assignment in a condition",
        path="src/${entity}_table.c",
        messages=(
            "Fix wrong index in last_$entity\n\nsize_t is never below 0, so the loop ran off the table. "
            "Fix null $text "
            "as well.",
            "Fix bug: ${entity}_is_open set the state instead of testing it\n\nBug fix for the $owner; "
            "edge case of an "
            "empty table.",
            "Fix off-by-one and endless loop in ${entity}_table",
        ),
        change=r"""
 /* The table of $entities that the $owner keeps. */
 #include <stddef.h>
 #include <string.h>

 #define ${ENTITY}_TEXT $size
 #define ${ENTITY}_MAX $limit

 struct $entity {
     char $text[${ENTITY}_TEXT];
     int $amount;
     int state;
 };

 struct ${entity}_table {
     struct $entity rows[${ENTITY}_MAX];
     size_t count;
 };

 $surrounding

 /* Adds a $entity; returns its position, or -1 where the table is full. */
 int ${entity}_add(struct ${entity}_table *table, const char *$text, int $amount)
 {
-    if (table->count > ${ENTITY}_MAX)
+    if ($text == NULL || table->count >= ${ENTITY}_MAX)
         return -1;
     struct $entity *$item = &table->rows[table->count];
-    strncpy($item->$text, $text, sizeof($text));
+    strncpy($item->$text, $text, sizeof($item->$text) - 1);
+    $item->$text[sizeof($item->$text) - 1] = '\0';
     $item->$amount = $amount;
     $item->state = 0;
-    return (int)++table->count;
+    return (int)table->count++;
 }

 int ${entity}_is_open(const struct ${entity}_table *table, size_t position)
 {
     int state = table->rows[position].state;
-    if (state = 1)
+    if (state == 1)
         return 1;
     return 0;
 }

 /* The position of the last $entity of at least this $amount, or -1. */
 long last_$entity(const struct ${entity}_table *table, int $amount)
 {
-    for (size_t i = table->count - 1; i >= 0; i--)
-        if (table->rows[i].$amount > $amount)
-            return (long)i;
+    for (size_t i = table->count; i > 0; i--)
+        if (table->rows[i - 1].$amount >= $amount)
+            return (long)(i - 1);
     return -1;
 }
""",
    ),
    MinedChange(
        language=Language.C,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="ring-buffer",
        about="full and empty are the same state, strcmp is taken for equality, text is not terminated",
        path="src/${entity}_ring.c",
        messages=(
            "Fix off-by-one in ${entity}_ring: a full ring looked empty\n\nAlso fix wrong result when "
            "searching by $text.",
            "Handle empty ring in ${entity}_ring\n\nBug fix: popping from an empty ring gave the $owner old data.",
            "Fix logic error in find_$entity: strcmp returns 0 for equal texts",
        ),
        change=r"""
 /* A ring of the latest $entities for the $owner. */
 #include <stddef.h>
 #include <string.h>

 #define ${ENTITY}_RING $page
 #define ${TEXT}_BYTES $size

 struct $entity {
     char $text[${TEXT}_BYTES];
     int $amount;
 };

 struct ${entity}_ring {
     struct $entity slots[${ENTITY}_RING];
     size_t head;
     size_t count;
 };

 $surrounding

 /* Puts a $entity in; the oldest one is lost when the ring is full. */
 void push_$entity(struct ${entity}_ring *ring, const char *$text, int $amount)
 {
-    struct $entity *slot = &ring->slots[ring->head + ring->count];
-    strncpy(slot->$text, $text, ${TEXT}_BYTES);
+    struct $entity *slot = &ring->slots[(ring->head + ring->count) % ${ENTITY}_RING];
+    strncpy(slot->$text, $text, ${TEXT}_BYTES - 1);
+    slot->$text[${TEXT}_BYTES - 1] = '\0';
     slot->$amount = $amount;
-    ring->count = (ring->count + 1) % ${ENTITY}_RING;
+    if (ring->count < ${ENTITY}_RING)
+        ring->count++;
+    else
+        ring->head = (ring->head + 1) % ${ENTITY}_RING;
 }

 /* Takes the oldest $entity out. Returns 0, or -1 where there is none. */
 int pop_$entity(struct ${entity}_ring *ring, struct $entity *out)
 {
+    if (ring->count == 0)
+        return -1;
     *out = ring->slots[ring->head];
     ring->head = (ring->head + 1) % ${ENTITY}_RING;
     ring->count--;
     return 0;
 }

 /* The $amount of the first $entity with this $text, or -1. */
 int find_$entity(const struct ${entity}_ring *ring, const char *$text)
 {
-    for (size_t i = 0; i <= ring->count; i++) {
-        const struct $entity *slot = &ring->slots[i];
-        if (strcmp(slot->$text, $text))
-            return slot->$amount;
-    }
+    for (size_t i = 0; i < ring->count; i++) {
+        const struct $entity *slot = &ring->slots[(ring->head + i) % ${ENTITY}_RING];
+        if (strcmp(slot->$text, $text) == 0)
+            return slot->$amount;
+    }
     return -1;
 }
""",
    ),
    BenchmarkChange(
        language=Language.C,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="integer-traps",
        about="leap years by 4 only, an average that overflows and truncates, a comparison by subtraction",
        instruction=(
            "Write C functions for the calendar of ${entities}: `int days_in_month(int year, int month)` "
            "(month 1 to 12), "
            "`double average(const int *values, size_t count)` (0 for none) and `int compare_amounts(const "
            "void *a, const void "
            "*b)`, which qsort can use on an int array of ${amount}s."
        ),
        change=r"""
 /* Calendar and figures of $entities. */
 #include <stddef.h>

 $surrounding

 static int is_leap(int year)
 {
-    return year % 4 == 0;
+    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
 }

 /* The number of days; months are counted from 1. */
 int days_in_month(int year, int month)
 {
     static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
-    int $result = days[month];
+    int $result = days[month - 1];
     if (month == 2 && is_leap(year))
         $result++;
     return $result;
 }

 /* The mean of all values, 0 for none. */
 double average(const int *values, size_t count)
 {
-    int sum;
+    long long sum = 0;
     for (size_t i = 0; i < count; i++)
         sum += values[i];
-    return sum / count;
+    return count ? (double)sum / (double)count : 0.0;
 }

 /* For qsort: ascending $amount. */
 int compare_amounts(const void *a, const void *b)
 {
-    return *(const int *)a - *(const int *)b;
+    const int left = *(const int *)a;
+    const int right = *(const int *)b;
+    return (left > right) - (left < right);
 }
""",
    ),
    MinedChange(
        language=Language.C,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="off-by-one-fields",
        about="loops run one too far, NULL is dereferenced, a result of 0 stands for an error, too",
        path="src/${entity}_fields.c",
        messages=(
            "Fix bug: reading one $entity behind the end\n\nThe loop ran one too far. Handle NULL.",
            "Handle null $text in ${entity}_fields, fix wrong result for an empty list",
            "Fix for a crash when the $owner has no $entities (edge case)",
        ),
        change=r"""
 /* Fields of $entities. */
 #include <stddef.h>
 #include <stdlib.h>
 #include <string.h>

 struct $entity {
     const char *$text;
     int $amount;
 };

 $surrounding

 /* The sum of the $amount of all $entities. */
 long sum_$amount(const struct $entity *$entities, size_t n)
 {
     long sum = 0;
-    for (size_t i = 0; i <= n; i++)
+    for (size_t i = 0; i < n; i++)
         sum += $entities[i].$amount;
     return sum;
 }

 /* The position of the first $entity with that $text, or -1. */
 long find_$entity(const struct $entity *$entities, size_t n, const char *$text)
 {
-    for (size_t i = 1; i <= n; i++)
-        if (strcmp($entities[i].$text, $text) == 0)
+    for (size_t i = 0; i < n; i++)
+        if ($entities[i].$text != NULL && strcmp($entities[i].$text, $text) == 0)
             return (long)i;
-    return 0;
+    return -1;
 }

 /* A copy of the $text, or NULL. */
 char *copy_$text(const struct $entity *$entity)
 {
-    char *copy = malloc(strlen($entity->$text));
-    strcpy(copy, $entity->$text);
+    if ($entity->$text == NULL)
+        return NULL;
+    char *copy = malloc(strlen($entity->$text) + 1);
+    if (copy != NULL)
+        strcpy(copy, $entity->$text);
     return copy;
 }
""",
    ),
    BenchmarkChange(
        language=Language.C,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="calendar-slots",
        about="a bound is exclusive, a copy has no room for its end, an empty table divides by zero",
        instruction=(
            "Write C functions for a table of ${entities} (struct slot with a name and a number): `int "
            "in_range(int value, int low, int high)` with both ends included, `int mean(const struct slot "
            "*slots, size_t count)` (0 for an empty table) and `char *name_of(const struct slot *slot)`, a "
            "copy on the heap or NULL."
        ),
        change=r"""
 /* Slots in which the $owner sees $entities. */
 #include <stddef.h>
 #include <stdlib.h>
 #include <string.h>

 struct slot {
     const char *name;
     int $amount;
 };

 $surrounding

 /* 1 if low <= value <= high. */
 int in_range(int value, int low, int high)
 {
-    return value > low && value < high;
+    return value >= low && value <= high;
 }

 /* The mean $amount, rounded towards zero. */
 int mean(const struct slot *slots, size_t count)
 {
-    int sum = 0;
-    for (size_t n = 0; n <= count; n++)
+    long sum = 0;
+    if (count == 0)
+        return 0;
+    for (size_t n = 0; n < count; n++)
         sum += slots[n].$amount;
-    return sum / (int)count;
+    return (int)(sum / (long)count);
 }

 /* The name on the heap; the caller frees it. */
 char *name_of(const struct slot *slot)
 {
-    char *name = malloc(strlen(slot->name));
-    strcpy(name, slot->name);
+    if (slot->name == NULL)
+        return NULL;
+    char *name = malloc(strlen(slot->name) + 1);
+    if (name != NULL)
+        strcpy(name, slot->name);
     return name;
 }
""",
    ),
)
