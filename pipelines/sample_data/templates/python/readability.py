"""Readability and maintainability in Python."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="copied-blocks",
        about="the same block three times with other strings, and names of one letter",
        path="$project/report/${entity}_report.py",
        messages=(
            "Refactor $entity report: extract method for sections\n\nThe three blocks were copies of each "
            "other.",
            "Remove duplication in the $entity report\n\nOne function per thing, names that say what they "
            "hold. No "
            "change of output.",
            "Clean up ${entity}_report, rename d/l/t\n\nReadability only.",
        ),
        change=r'''
 """Text report on $entities for the $owner."""

+SECTIONS = (("open", "Open"), ("late", "Late"), ("done", "Done"))


 $surrounding


-def report(d):
-    t = ""
-    l = []
-    for x in d:
-        if x["status"] == "open":
-            l.append(x)
-    t = t + "Open: " + str(len(l)) + "\n"
-    for x in l:
-        t = t + "  " + x["$text"] + " " + str(x["$amount"]) + "\n"
-    l = []
-    for x in d:
-        if x["status"] == "late":
-            l.append(x)
-    t = t + "Late: " + str(len(l)) + "\n"
-    for x in l:
-        t = t + "  " + x["$text"] + " " + str(x["$amount"]) + "\n"
-    l = []
-    for x in d:
-        if x["status"] == "done":
-            l.append(x)
-    t = t + "Done: " + str(len(l)) + "\n"
-    for x in l:
-        t = t + "  " + x["$text"] + " " + str(x["$amount"]) + "\n"
-    return t
+def report($entities):
+    """All sections one after the other, each $entity on a line of its own."""
+    return "".join(_section($entities, status, heading) for status, heading in SECTIONS)
+
+
+def _section($entities, status, heading):
+    """The $entities of one status below a heading with their number."""
+    members = [$item for $item in $entities if $item["status"] == status]
+    lines = [f"{heading}: {len(members)}\n"]
+    lines += [f"  {$item['$text']} {$item['$amount']}\n" for $item in members]
+    return "".join(lines)
''',
    ),
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="magic-numbers",
        about="nested conditions over unexplained numbers and status codes",
        path="$project/rules/${entity}_rules.py",
        messages=(
            "Refactor $entity rules: named constants, simplify conditions",
            "Simplify ${entity}_rules\n\nReplace magic numbers by constants, flatten the nesting, drop "
            "dead code.",
            "Clean up the rules for ${entities}: docstrings and early returns",
        ),
        change=r'''
 """Rules for what a $owner owes for a $entity."""

+BASE_RATE = $page
+FREE_${AMOUNT} = $small
+LATE_FACTOR = 1.5
+ACTIVE, SUSPENDED = 1, 2


 $surrounding


-def calc($item, f):
-    r = 0
-    if $item is not None:
-        if $item["s"] == 1:
-            if $item["$amount"] > $small:
-                if f == True:
-                    r = ($item["$amount"] - $small) * $page * 1.5
-                else:
-                    r = ($item["$amount"] - $small) * $page
-            else:
-                r = 0
-        else:
-            if $item["s"] == 2:
-                r = 0
-            else:
-                # r = $item["$amount"] * 2
-                raise ValueError("bad")
-    return r
+def charge_for($item, late):
+    """What the $owner pays: every $amount above the free ones, more when it comes late.
+
+    Raises ValueError for a $entity that is neither active nor suspended.
+    """
+    if $item is None or $item["s"] == SUSPENDED:
+        return 0
+    if $item["s"] != ACTIVE:
+        raise ValueError(f"$entity has unknown status {$item['s']}")
+    chargeable = max(0, $item["$amount"] - FREE_${AMOUNT})
+    return chargeable * BASE_RATE * (LATE_FACTOR if late else 1)


 def total_charge($entities, late_ids):
     """Sum over all $entities; `late_ids` are those that came late."""
-    return sum(calc($item, $item["id"] in late_ids) for $item in $entities)
+    return sum(charge_for($item, $item["id"] in late_ids) for $item in $entities)
''',
    ),
    BenchmarkChange(
        language=Language.PYTHON,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="flag-variables",
        about="flags and index loops hide three plain questions about a list",
        instruction=(
            "Write Python functions that answer, for a list of $entities given as dicts: does any $entity "
            "belong to a "
            "given ${owner}, what are the distinct ${text}s in order of first use, and which $entity has "
            "the largest "
            "$amount (None for an empty list)?"
        ),
        change=r'''
 """Questions about a list of $entities."""


 $surrounding


-def chk(lst, o):
-    flag = False
-    i = 0
-    while i < len(lst):
-        if lst[i]["$owner"] == o:
-            if flag == False:
-                flag = True
-        i = i + 1
-    if flag == True:
-        return True
-    else:
-        return False
+def has_${entity}_of($entities, $owner):
+    """Return True when any $entity belongs to the $owner."""
+    return any($item["$owner"] == $owner for $item in $entities)


-def get(lst):
-    tmp = []
-    for i in range(0, len(lst)):
-        found = False
-        for j in range(0, len(tmp)):
-            if tmp[j] == lst[i]["$text"]:
-                found = True
-        if not found:
-            tmp.append(lst[i]["$text"])
-    return tmp
+def distinct_${text}s($entities):
+    """Every $text once, in order of first use."""
+    return list(dict.fromkeys($item["$text"] for $item in $entities))


-def mx(lst):
-    m = None
-    for i in range(0, len(lst)):
-        if m is None:
-            m = lst[i]
-        else:
-            if lst[i]["$amount"] > m["$amount"]:
-                m = lst[i]
-    return m
+def largest_$entity($entities):
+    """The $entity with the largest $amount, or None."""
+    return max($entities, key=lambda $item: $item["$amount"], default=None)
''',
    ),
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="index-loops",
        about="index loops, comparisons with True and letters for names where a comprehension says it",
        path="$project/views/${entity}_table.py",
        messages=(
            "Refactor the table of $entities: comprehensions and descriptive names",
            "Simplify ${entity}_table\n\nEasier to read: no index loops, no comparison with True. Same "
            "output.",
            "Clean up ${entity}_table, rename r, x and f",
        ),
        change=r'''
 """The table of $entities that the $owner sees."""


 $surrounding


-def rows(l, f):
-    r = []
-    for i in range(0, len(l)):
-        x = l[i]
-        if f == True:
-            if x["open"] == True:
-                r.append([x["$text"], x["$amount"]])
-        else:
-            r.append([x["$text"], x["$amount"]])
-    return r
+def table_rows($entities, only_open):
+    """$Text and $amount of the $entities, of all or of the open ones."""
+    shown = [$item for $item in $entities if $item["open"] or not only_open]
+    return [[$item["$text"], $item["$amount"]] for $item in shown]


-def w(r):
-    m = 0
-    for i in range(0, len(r)):
-        if len(r[i][0]) > m:
-            m = len(r[i][0])
-    return m
+def column_width(rows):
+    """Length of the longest $text."""
+    return max((len($text) for $text, _ in rows), default=0)


-def sm(r):
-    t = 0
-    for i in range(0, len(r)):
-        t = t + r[i][1]
-    return t
+def total_$amount(rows):
+    """Sum of the second column."""
+    return sum($amount for _, $amount in rows)
''',
    ),
    BenchmarkChange(
        language=Language.PYTHON,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="discount-rules",
        about="nested conditions over numbers without names, a flag, and names of one letter",
        instruction=(
            "Write Python functions about the fees of ${entities}: one that returns the fee of a $entity "
            "(10 for an $amount up to $page, 25 up to $limit, 40 above, nothing when it is cancelled) and "
            "one that returns the sum of the fees of a list."
        ),
        change=r'''
 """Fees of $entities."""

+SMALL_UP_TO = $page
+MEDIUM_UP_TO = $limit
+
+SMALL_FEE = 10
+MEDIUM_FEE = 25
+LARGE_FEE = 40


 $surrounding


-def calc(e):
-    r = 0
-    if e["cancelled"] == False:
-        if e["$amount"] <= $page:
-            r = 10
-        else:
-            if e["$amount"] <= $limit:
-                r = 25
-            else:
-                r = 40
-    else:
-        r = 0
-    return r
+def fee($entity):
+    """What is charged for one $entity; nothing when it is cancelled."""
+    if $entity["cancelled"]:
+        return 0
+    if $entity["$amount"] <= SMALL_UP_TO:
+        return SMALL_FEE
+    if $entity["$amount"] <= MEDIUM_UP_TO:
+        return MEDIUM_FEE
+    return LARGE_FEE


-def calc2(l):
-    t = 0
-    for i in range(0, len(l)):
-        t = t + calc(l[i])
-    return t
+def total_fees($entities):
+    """The fees of all $entities."""
+    return sum(fee($item) for $item in $entities)
''',
    ),
)
