"""Runtime efficiency in Python."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="list-membership",
        about="membership tests in a list inside a loop: quadratic in the number of rows",
        path="$project/sync/${entity}_merge.py",
        messages=(
            "Speed up merging of $entities\n\nMembership was tested in a list for every row. Use set and "
            "dict: "
            "constant time\nper $entity instead of a scan.",
            "$entity merge: faster lookup of known $entities\n\nWas quadratic; the nightly run of the "
            "$owner took "
            "minutes.",
            "Use set for known ids when merging $entities (much faster)",
        ),
        change=r'''
 """Merge $entities that arrive from the $owner with those already known."""


 $surrounding


 def new_$entities(known, arrived):
     """The arrived $entities whose id is not known yet, each once."""
-    known_ids = [$item["id"] for $item in known]
-    $result = []
-    for $item in arrived:
-        if $item["id"] not in known_ids and $item not in $result:
-            $result.append($item)
+    seen = {$item["id"] for $item in known}
+    $result = []
+    for $item in arrived:
+        if $item["id"] not in seen:
+            seen.add($item["id"])
+            $result.append($item)
     return $result


 def merge_$entities(known, arrived):
     """Known $entities with the $amount of the latest arrival."""
-    merged = []
-    for $item in known:
-        latest = $item
-        for candidate in arrived:
-            if candidate["id"] == $item["id"]:
-                latest = candidate
-        merged.append({**$item, "$amount": latest["$amount"]})
+    latest = {candidate["id"]: candidate for candidate in arrived}
+    merged = [
+        {**$item, "$amount": latest.get($item["id"], $item)["$amount"]}
+        for $item in known
+    ]
     return merged + new_$entities(known, arrived)
''',
    ),
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="recompiled-pattern",
        about="patterns are compiled and a table is rebuilt on every call of a hot function",
        path="$project/parse_$entity.py",
        messages=(
            "Cache compiled pattern for $entity lines: faster parsing\n\nParsing is the hot path of the "
            "import.",
            "Memoize $text lookup, compile the $entity pattern once\n\nSpeed up of about four times on the "
            "file of "
            "the $owner.",
        ),
        change=r'''
 """Parse the lines in which the $owner reports $entities."""

 import re
+from functools import lru_cache

 UNITS = [("k", 1000), ("c", 100), ("d", 12)]
+LINE = re.compile(r"(?P<$text>[\w -]+);(?P<$amount>\d+)(?P<unit>[kcd]?)")
+FACTORS = dict(UNITS)


 $surrounding


+@lru_cache(maxsize=$limit)
 def normal_$text(value):
     """Lower case, single blanks, no punctuation at the ends."""
     value = re.sub(r"\s+", " ", value.strip(" .,-"))
     return value.lower()


 def parse_$entity(line):
     """Return (text, $amount) of one line; raise ValueError when it has another form."""
-    pattern = re.compile(r"(?P<$text>[\w -]+);(?P<$amount>\d+)(?P<unit>[kcd]?)")
-    match = pattern.fullmatch(line.strip())
+    match = LINE.fullmatch(line.strip())
     if match is None:
         raise ValueError(f"not a $entity line: {line!r}")
-    factor = 1
-    for unit, value in UNITS:
-        if unit == match["unit"]:
-            factor = value
-    return normal_$text(match["$text"]), int(match["$amount"]) * factor
+    return normal_$text(match["$text"]), int(match["$amount"]) * FACTORS.get(match["unit"], 1)


 def total_$amount(lines):
     """Sum of $amount over all lines that are $entities."""
     return sum(parse_$entity(line)[1] for line in lines if ";" in line)
''',
    ),
    BenchmarkChange(
        language=Language.PYTHON,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="running-total",
        about="every prefix is summed again and the front of a list is popped",
        instruction=(
            "Write Python functions over a list of $amount values of ${entities}: `running_totals(values)` "
            "returns the "
            "cumulative sums, `window_means(values, width)` the mean of every full window, and "
            "`serve_in_order($entities)` yields the $entities first come, first served, putting back those "
            "that are "
            "not ready."
        ),
        change=r'''
 """Figures over the $amount of $entities, for the $owner."""

+from collections import deque
+from itertools import accumulate
+

 $surrounding


 def running_totals(values):
     """Cumulative sums, one per value."""
-    return [sum(values[:end]) for end in range(1, len(values) + 1)]
+    return list(accumulate(values))


 def window_means(values, width):
     """Mean of every window of `width` neighbouring values."""
-    starts = range(len(values) - width + 1)
-    return [sum(values[start : start + width]) / width for start in starts]
+    totals = [0, *accumulate(values)]
+    return [(high - low) / width for low, high in zip(totals, totals[width:])]


 def serve_in_order($entities):
     """Yield each $entity when it is ready; one that is not goes to the back of the line."""
-    waiting = list($entities)
+    waiting = deque($entities)
     while waiting:
-        $item = waiting.pop(0)
+        $item = waiting.popleft()
         if $item.ready():
             yield $item
         else:
             waiting.append($item)
''',
    ),
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="scans-per-row",
        about="counts and matches scan the whole list for each row, and text grows by concatenation",
        path="$project/figures/${entity}_counts.py",
        messages=(
            "Speed up the monthly figures on $entities\n\nCounter and set intersection instead of nested "
            "loops. Was quadratic.",
            "Faster figures for the $owner: one pass over the $entities",
            "$entity counts: avoid repeated scans, hash lookup instead (faster)",
        ),
        change=r'''
 """Monthly figures on $entities for the $owner."""

+from collections import Counter
+

 $surrounding


 def count_by_$text($entities):
     """How many $entities there are of each $text."""
-    counts = {}
-    for $item in $entities:
-        number = 0
-        for other in $entities:
-            if other["$text"] == $item["$text"]:
-                number += 1
-        counts[$item["$text"]] = number
-    return counts
+    return Counter($item["$text"] for $item in $entities)


 def shared_${text}s(left, right):
     """Every $text that occurs on both sides, in order."""
-    $result = []
-    for $item in left:
-        for other in right:
-            if $item["$text"] == other["$text"] and $item["$text"] not in $result:
-                $result.append($item["$text"])
-    return sorted($result)
+    return sorted({$item["$text"] for $item in left} & {$item["$text"] for $item in right})


 def overview($entities):
     """One line per $entity."""
-    text = ""
-    for $item in $entities:
-        text += $item["$text"] + "\n"
-    return text
+    return "".join($item["$text"] + "\n" for $item in $entities)
''',
    ),
    BenchmarkChange(
        language=Language.PYTHON,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="price-list",
        about=(
            "a list of tuples is searched for each row, unknown names are looked up in a list, text is "
            "concatenated"
        ),
        instruction=(
            "Write Python functions that match ${entities} with a price list of (name, price) tuples: "
            "`priced($entities, prices)` returns (name, price) for each $entity on the list, "
            "`unpriced($entities, prices)` the names that are missing there, and `letter(lines)` the lines "
            "as one text."
        ),
        change=r'''
 """Prices of $entities, as the $owner publishes them."""


 $surrounding


 def priced($entities, prices):
     """(name, price) of every $entity on the list; names occur once there."""
-    $result = []
-    for $item in $entities:
-        for name, price in prices:
-            if name == $item["$text"]:
-                $result.append((name, price))
-    return $result
+    by_name = dict(prices)
+    names = ($item["$text"] for $item in $entities)
+    return [(name, by_name[name]) for name in names if name in by_name]


 def unpriced($entities, prices):
     """The names that have no price."""
-    listed = [name for name, _ in prices]
-    return [$item["$text"] for $item in $entities if $item["$text"] not in listed]
+    listed = {name for name, _ in prices}
+    return [$item["$text"] for $item in $entities if $item["$text"] not in listed]


 def letter(lines):
     """The lines as one text."""
-    text = ""
-    for line in lines:
-        text += line.rstrip() + "\n"
-    return text
+    return "\n".join(line.rstrip() for line in lines) + "\n"
''',
    ),
)
