"""Readability and maintainability in C."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.C,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="macros-and-gotos",
        about="function-like macros, gotos and numbers without names in one long function",
        path="src/${entity}_rate.c",
        messages=(
            "Refactor ${entity}_rate: functions instead of macros, no goto",
            "Clean up ${entity}_rate.c\n\nNamed constants, one function per rule, dead code removed. The "
            "$owner sees the "
            "same rates.",
            "Simplify ${entity}_rate and remove duplication",
        ),
        change=r"""
 /* What a $owner pays for a $entity. */
 #include <stddef.h>

-#define M(a, b) ((a) > (b) ? (a) : (b))
-#define X(q) ((q)*$page + ((q) > $limit ? ((q)-$limit) * 2 : 0))
+enum {
+    UNIT_PRICE = $page,
+    SURCHARGE_FROM = $limit,
+    SURCHARGE_PER_UNIT = 2,
+    MINIMUM_PRICE = $small
+};

 $surrounding

-int f(const int *p, int n, int k)
-{
-    int r = 0, i = 0;
-l1:
-    if (i >= n)
-        goto l2;
-    if (k == 1) {
-        r = r + M(X(p[i]), $small);
-    } else {
-        if (k == 2) {
-            r = r + M(X(p[i]), $small) / 2;
-        } else {
-            /* r = r + X(p[i]); */
-            r = r + 0;
-        }
-    }
-    i++;
-    goto l1;
-l2:
-    return r;
-}
+enum tariff { TARIFF_NONE, TARIFF_FULL, TARIFF_HALF };
+
+/* The full price of one $entity. */
+static int full_price(int $amount)
+{
+    int price = $amount * UNIT_PRICE;
+    if ($amount > SURCHARGE_FROM)
+        price += ($amount - SURCHARGE_FROM) * SURCHARGE_PER_UNIT;
+    return price > MINIMUM_PRICE ? price : MINIMUM_PRICE;
+}
+
+/* The sum that the $owner pays for all $entities. */
+int total_price(const int *${amount}s, size_t count, enum tariff tariff)
+{
+    int total = 0;
+    for (size_t i = 0; i < count && tariff != TARIFF_NONE; i++) {
+        const int price = full_price(${amount}s[i]);
+        total += tariff == TARIFF_HALF ? price / 2 : price;
+    }
+    return total;
+}
""",
    ),
    MinedChange(
        language=Language.C,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="copied-branches",
        about="five copies of the same lines in a switch, numbers without names, global results",
        path="src/${entity}_notice.c",
        messages=(
            "Refactor ${entity}_notice: table instead of a switch with five copies",
            "Clean up ${entity}_notice.c\n\nNo global buffer, named constants, rename n1 to format_notice. Same "
            "texts for the $owner.",
            "Simplify ${entity}_notice and remove duplication",
        ),
        change=r"""
 /* Notices about $entities for the $owner. */
 #include <stddef.h>
 #include <stdio.h>
 #include <string.h>

-char buf[$limit];
-int err;
+enum ${entity}_event {
+    ${ENTITY}_NEW,
+    ${ENTITY}_LATE,
+    ${ENTITY}_PAID,
+    ${ENTITY}_LOST,
+    ${ENTITY}_EVENTS
+};
+
+static const char *const event_texts[${ENTITY}_EVENTS] = { "is new", "is late", "is paid", "is lost" };

 $surrounding

-void n1(int k, const char *a, int b)
-{
-    switch (k) {
-    case 0:
-        sprintf(buf, "The $entity %s is new (%d)", a, b);
-        err = strlen(buf) > 99 ? 1 : 0;
-        break;
-    case 1:
-        sprintf(buf, "The $entity %s is late (%d)", a, b);
-        err = strlen(buf) > 99 ? 1 : 0;
-        break;
-    case 2:
-        sprintf(buf, "The $entity %s is paid (%d)", a, b);
-        err = strlen(buf) > 99 ? 1 : 0;
-        break;
-    case 3:
-        sprintf(buf, "The $entity %s is lost (%d)", a, b);
-        err = strlen(buf) > 99 ? 1 : 0;
-        break;
-    default:
-        /* sprintf(buf, "?"); */
-        err = 1;
-    }
-}
+/* Writes the notice. Returns 0, or -1 for an unknown event or where `out` is too small. */
+int format_notice(char *out, size_t size, enum ${entity}_event event, const char *$text, int $amount)
+{
+    if (event < 0 || event >= ${ENTITY}_EVENTS)
+        return -1;
+    const int length = snprintf(out, size, "The $entity %s %s (%d)", $text, event_texts[event], $amount);
+    return length >= 0 && (size_t)length < size ? 0 : -1;
+}
""",
    ),
    BenchmarkChange(
        language=Language.C,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="parallel-arrays",
        about="parallel arrays, pointer tricks and cryptic names",
        instruction=(
            "Write a C file that keeps up to $limit $entities, each with an id and an ${amount}, and "
            "offers three functions: add "
            "a $entity (0 on success, -1 when full), find the $amount of an id (-1 when it is unknown), "
            "and return the sum of all "
            "${amount}s."
        ),
        change=r"""
 /* $Entities of one $owner. */
 #include <stddef.h>

-int a1[$limit], a2[$limit], c;
+#define MAX_${ENTITIES} $limit
+
+struct $entity {
+    int id;
+    int $amount;
+};
+
+static struct $entity $entities[MAX_${ENTITIES}];
+static size_t ${entity}_count;

 $surrounding

-int ad(int x, int y)
-{
-    return c < $limit ? (*(a1 + c) = x, *(a2 + c++) = y, 0) : -1;
-}
-
-int fn(int x)
-{
-    int *p = a1;
-    while (p - a1 < c && *p - x)
-        ++p;
-    return p - a1 < c ? *(a2 + (p - a1)) : -1;
-}
-
-int sm(void)
-{
-    int r = 0, i = c;
-    while (i-- > 0)
-        r += i[a2];
-    return r;
-}
+/* Adds a $entity. Returns 0, or -1 when there is no room. */
+int add_$entity(int id, int $amount)
+{
+    if (${entity}_count == MAX_${ENTITIES})
+        return -1;
+    $entities[${entity}_count].id = id;
+    $entities[${entity}_count].$amount = $amount;
+    ${entity}_count++;
+    return 0;
+}
+
+/* The $amount of a $entity, or -1 when the id is unknown. */
+int find_$amount(int id)
+{
+    for (size_t i = 0; i < ${entity}_count; i++)
+        if ($entities[i].id == id)
+            return $entities[i].$amount;
+    return -1;
+}
+
+/* The sum over all $entities. */
+int total_$amount(void)
+{
+    int total = 0;
+    for (size_t i = 0; i < ${entity}_count; i++)
+        total += $entities[i].$amount;
+    return total;
+}
""",
    ),
    MinedChange(
        language=Language.C,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="cryptic-checks",
        about=(
            "one long condition with numbers and letters, results in a flag, a macro where a function will do"
        ),
        path="src/${entity}_check.c",
        messages=(
            "Refactor ${entity}_check: named constants, descriptive names",
            "Simplify ${entity}_check\n\nEasier to read: early returns, a function instead of a macro.",
            "Clean up ${entity}_check, rename a, b and r",
        ),
        change=r"""
 /* Checks whether the $owner may take a $entity. */
 #include <stddef.h>

-#define SQ(x) ((x) * (x))
+enum { MIN_$AMOUNT = $small, MAX_$AMOUNT = $limit };

 struct $entity {
     int $amount;
     int open;
 };

 $surrounding

-int chk(struct $entity *a)
-{
-    int r;
-    r = 0;
-    if (a != NULL) {
-        if (a->open == 1) {
-            if (a->$amount >= $small && a->$amount <= $limit) {
-                r = 1;
-            } else {
-                r = 0;
-            }
-        }
-    }
-    if (r == 1)
-        return 1;
-    else
-        return 0;
-}
+/* 1 if the $entity is open and its $amount in range. */
+int is_available(const struct $entity *$entity)
+{
+    if ($entity == NULL || !$entity->open)
+        return 0;
+    return $entity->$amount >= MIN_$AMOUNT && $entity->$amount <= MAX_$AMOUNT;
+}

-int f(struct $entity *a, int n)
-{
-    int i, t;
-    t = 0;
-    for (i = 0; i < n; i++)
-        t = t + SQ(a[i].$amount);
-    return t;
-}
+/* The number of $entities that can be taken. */
+size_t count_available(const struct $entity *$entities, size_t count)
+{
+    size_t available = 0;
+    for (size_t i = 0; i < count; i++)
+        available += is_available(&$entities[i]);
+    return available;
+}
""",
    ),
    BenchmarkChange(
        language=Language.C,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="tariff-steps",
        about="nested branches with numbers, a temporary and a flag for everything, names of one letter",
        instruction=(
            "Write C functions about ${entities} (struct $entity with $amount and active): one that "
            "returns the price of a $entity (5 up to a $amount of $page, 9 up to $limit, 14 above, 0 where "
            "it is not active) and one that returns the price of an array of them."
        ),
        change=r"""
 /* Prices of $entities. */
 #include <stddef.h>

+enum {
+    SMALL_UP_TO = $page,
+    MEDIUM_UP_TO = $limit,
+    SMALL_PRICE = 5,
+    MEDIUM_PRICE = 9,
+    LARGE_PRICE = 14
+};
+
 struct $entity {
     int $amount;
     int active;
 };

 $surrounding

-int p(struct $entity x)
-{
-    int r = 0;
-    if (x.active == 1) {
-        if (x.$amount <= $page)
-            r = 5;
-        else if (x.$amount > $page && x.$amount <= $limit)
-            r = 9;
-        else if (x.$amount > $limit)
-            r = 14;
-    } else {
-        r = 0;
-    }
-    return r;
-}
+/* What the $owner pays for one $entity. */
+int price_of(const struct $entity *$entity)
+{
+    if (!$entity->active)
+        return 0;
+    if ($entity->$amount <= SMALL_UP_TO)
+        return SMALL_PRICE;
+    return $entity->$amount <= MEDIUM_UP_TO ? MEDIUM_PRICE : LARGE_PRICE;
+}

-int q(struct $entity *x, int n)
-{
-    int i, t, tmp;
-    t = 0;
-    for (i = 0; i < n; i++) {
-        tmp = p(x[i]);
-        t = t + tmp;
-    }
-    return t;
-}
+/* What the $owner pays for all of them. */
+int total_price(const struct $entity *$entities, size_t count)
+{
+    int total = 0;
+    for (size_t at = 0; at < count; at++)
+        total += price_of(&$entities[at]);
+    return total;
+}
""",
    ),
)
