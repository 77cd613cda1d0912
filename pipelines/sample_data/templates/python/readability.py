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
)
