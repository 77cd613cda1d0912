"""Functional correctness in Python."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="page-bounds",
        about="pages start at 1 but the slice starts at 0; the last part page is not counted",
        path="$project/paging/${entity}_pages.py",
        messages=(
            "Fix off-by-one in $entity paging\n\nPage 1 skipped the first $page $entities, and a part page "
            "at the "
            "end was never counted.\nBug fix for the overview of the $owner.",
            "Fix wrong index of the first $entity on a page\n\nPages are counted from 1. Also round the "
            "number of "
            "pages up: edge case of a\nlast page that is not full.",
            "$entity list: fix boundary case on first and last page",
        ),
        change=r'''
 """Cut the list of $entities into pages for the $owner."""

 PAGE_SIZE = $page


 $surrounding


 def page_count($entities):
     """Number of pages that all $entities fill."""
-    return len($entities) // PAGE_SIZE
+    return (len($entities) + PAGE_SIZE - 1) // PAGE_SIZE


 def ${entity}_page($entities, page):
     """The $entities on one page; the first page is page 1."""
-    start = page * PAGE_SIZE
-    end = start + PAGE_SIZE - 1
+    if page < 1:
+        raise ValueError(f"pages are counted from 1, got {page}")
+    start = (page - 1) * PAGE_SIZE
+    end = start + PAGE_SIZE
     ordered = sorted($entities, key=lambda $item: $item["$amount"], reverse=True)
     return ordered[start:end]


 def ${entity}_listing($entities, page):
     """What the $owner sees: the page, and where it stands."""
     shown = ${entity}_page($entities, page)
     return {
         "$entities": [$item["$text"] for $item in shown],
         "page": page,
         "pages": page_count($entities),
     }
''',
    ),
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="mutable-default",
        about="a default list is shared by all calls and a missing text ends in an AttributeError",
        path="$project/${entity}_form.py",
        messages=(
            "Fix bug: warnings of one $entity showed up on the next\n\nThe default list was shared between "
            "calls. "
            "Handle None as $text, too.",
            "Handle missing $text of a $entity\n\nFix for AttributeError on None; the list of problems no "
            "longer "
            "survives\nthe call. Edge case reported by the $owner.",
        ),
        change=r'''
 """Check what the $owner typed in for a $entity."""

 MAX_${TEXT} = $size
 MAX_${AMOUNT} = $limit


 $surrounding


-def check_$entity(form, problems=[]):
+def check_$entity(form, problems=None):
     """Return the problems of a $entity form, the empty list when there are none."""
+    problems = [] if problems is None else list(problems)
-    $text = form.get("$text").strip()
+    $text = (form.get("$text") or "").strip()
     if not $text:
         problems.append("$text is missing")
-    if len($text) >= MAX_${TEXT}:
+    if len($text) > MAX_${TEXT}:
         problems.append(f"$text is longer than {MAX_${TEXT}} characters")

     $amount = form.get("$amount")
-    if not $amount:
+    if $amount is None:
         problems.append("$amount is missing")
     elif not 0 <= $amount <= MAX_${AMOUNT}:
         problems.append(f"$amount must lie between 0 and {MAX_${AMOUNT}}")
     return problems


 def accept_$entity(form):
     """Return the cleaned form; raise ValueError with all problems at once."""
     problems = check_$entity(form)
     if problems:
         raise ValueError("; ".join(problems))
     return {"$text": form["$text"].strip(), "$amount": int(form["$amount"])}
''',
    ),
    BenchmarkChange(
        language=Language.PYTHON,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="interval-overlap",
        about="only nested intervals count as overlapping, and the removal loop skips elements",
        instruction=(
            "Write a Python module for a calendar of ${entities}. `overlaps(first, second)` says whether "
            "two half-open "
            "(start, end) spans share any moment, `clashes(spans)` lists all clashing pairs, and "
            "`drop_cancelled($entities)` removes in place every $entity whose status is 'cancelled'."
        ),
        change=r'''
 """Calendar of $entities: spans are half-open (start, end) pairs."""


 $surrounding


 def overlaps(first, second):
     """Return True when the two spans share any moment."""
-    return first[0] <= second[0] and first[1] >= second[1]
+    return first[0] < second[1] and second[0] < first[1]


 def clashes(spans):
     """All pairs of spans that cannot both be given to a $owner."""
     $result = []
     for position, first in enumerate(spans):
-        for second in spans[position:]:
+        for second in spans[position + 1 :]:
             if overlaps(first, second):
                 $result.append((first, second))
     return $result


 def drop_cancelled($entities):
     """Remove cancelled $entities from the list itself."""
-    for $item in $entities:
-        if $item["status"] == "cancelled":
-            $entities.remove($item)
+    $entities[:] = [$item for $item in $entities if $item["status"] != "cancelled"]
     return $entities
''',
    ),
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="swallowed-errors",
        about=(
            "a bare except hides bad cells, 0 counts as missing, and a loop removes from the list that it "
            "walks"
        ),
        path="$project/intake/${entity}_sheet.py",
        messages=(
            "Fix bug: bad cells of the $entity sheet were taken for empty ones\n\nLet ValueError out. A "
            "$amount of 0 is no missing one.",
            "Handle missing $amount in the $entity sheet\n\nFix for rows that were skipped: the loop "
            "removed from the list it walked.",
            "Fix wrong handling of 0 in the $entity sheet, edge case of the $owner",
        ),
        change=r'''
 """Take over $entities from the sheet of the $owner."""


 $surrounding


 def parse_$amount(cell):
     """The $amount in a cell, or None for an empty one; raise ValueError for anything else."""
-    try:
-        value = int(cell)
-        if value == 0:
-            return None
-        return value
-    except:
-        pass
+    return int(cell) if cell.strip() else None


 def usable_$entities(rows):
     """The rows with a $text and a $amount."""
-    for $item in rows:
-        if not $item["$text"] or not $item["$amount"]:
-            rows.remove($item)
-    return rows
+    return [$item for $item in rows if $item["$text"] and $item["$amount"] is not None]
''',
    ),
    BenchmarkChange(
        language=Language.PYTHON,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="ledger-bounds",
        about=(
            "a default list is shared, 0 counts as missing, the oldest booking is lost and a limit is "
            "exclusive"
        ),
        instruction=(
            "Write a Python module that books the $amount of ${entities}: `book(name, $amount, "
            "ledger=None)` appends to a ledger (a new one by default) and refuses None, "
            "`last_bookings(ledger, number)` returns the newest in order, and `within_limit(ledger)` tells "
            "whether the sum is at most $limit."
        ),
        change=r'''
 """Ledger of $entities, one (name, $amount) per booking."""

 LIMIT = $limit


 $surrounding


-def book(name, $amount, ledger=[]):
+def book(name, $amount, ledger=None):
     """Return the ledger with one more booking."""
-    if not $amount:
+    ledger = [] if ledger is None else ledger
+    if $amount is None:
         raise ValueError(f"no $amount for {name}")
     ledger.append((name, $amount))
     return ledger


 def last_bookings(ledger, number):
     """The newest bookings, oldest first; all of them where there are fewer."""
-    $result = []
-    for position in range(len(ledger) - number, len(ledger) - 1):
-        $result.append(ledger[position])
-    return $result
+    return ledger[max(0, len(ledger) - number) :]


 def within_limit(ledger):
     """Return True while the sum is no more than LIMIT."""
-    return sum($amount for _, $amount in ledger) < LIMIT
+    return sum($amount for _, $amount in ledger) <= LIMIT
''',
    ),
)
