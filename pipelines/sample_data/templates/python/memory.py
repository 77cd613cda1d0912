"""Memory efficiency in Python."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="whole-file",
        about="the whole export is read and copied three times to keep a sum and a few lines",
        path="$project/io/read_$entities.py",
        messages=(
            "Reduce memory usage of the $entity import\n\nStream the file line by line instead of reading "
            "all of it. "
            "The export of the\n$owner no longer fits in memory.",
            "Read $entities lazily: lower memory footprint\n\nPeak was three copies of the file.",
            "Cut memory consumption when importing large $entity exports",
        ),
        change=r'''
 """Read the export of $entities: one `$text;$amount` line each."""

+import heapq
+

 $surrounding


 def read_$entities(path):
-    """All $entities of the export as ($text, $amount)."""
-    with open(path, encoding="utf-8") as stream:
-        content = stream.read()
-    lines = content.splitlines()
-    rows = [line.split(";") for line in lines if line]
-    return [($text, int($amount)) for $text, $amount in rows]
+    """Yield the $entities of the export as ($text, $amount), one at a time."""
+    with open(path, encoding="utf-8") as stream:
+        for line in stream:
+            line = line.rstrip("\n")
+            if line:
+                $text, $amount = line.split(";")
+                yield $text, int($amount)


 def total_$amount(path):
     """Sum of $amount over the export."""
-    $entities = read_$entities(path)
-    return sum([$amount for _, $amount in $entities])
+    return sum($amount for _, $amount in read_$entities(path))


 def largest_$entities(path, number=$small):
     """The `number` $entities of largest $amount, largest first."""
-    $entities = read_$entities(path)
-    ordered = sorted($entities, key=lambda $item: $item[1], reverse=True)
-    return ordered[:number]
+    return heapq.nlargest(number, read_$entities(path), key=lambda $item: $item[1])
''',
    ),
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="unbounded-history",
        about="a cache and a history grow for as long as the service runs",
        path="$project/service/${entity}_watch.py",
        messages=(
            "Fix memory leak in the $entity watcher\n\nHistory and cache grew without end. Both are "
            "bounded now.",
            "Stop memory bloat of long-running $entity service\n\nKeep only what the $owner can see: the "
            "last $limit "
            "events.",
        ),
        change=r'''
 """Watch $entities and remember what changed lately."""

+from collections import OrderedDict, deque
+
 HISTORY = $limit
+CACHED = $size


 $surrounding


 class ${Entity}Watch:
     """Remembers the latest $amount of each $entity and the last events."""

     def __init__(self, $fetch):
         self._$fetch = $fetch
-        self._cache = {}
-        self._events = []
+        self._cache = OrderedDict()
+        self._events = deque(maxlen=HISTORY)

     def current(self, ${entity}_id):
         """The $entity, read once and then from the cache."""
-        if ${entity}_id not in self._cache:
-            self._cache[${entity}_id] = self._$fetch(${entity}_id)
-        return self._cache[${entity}_id]
+        if ${entity}_id in self._cache:
+            self._cache.move_to_end(${entity}_id)
+            return self._cache[${entity}_id]
+        $item = self._cache[${entity}_id] = self._$fetch(${entity}_id)
+        if len(self._cache) > CACHED:
+            self._cache.popitem(last=False)
+        return $item

     def record(self, ${entity}_id, $amount):
         """Note a new $amount."""
-        self._events.append((${entity}_id, $amount, dict(self._cache)))
+        self._events.append((${entity}_id, $amount))

     def recent(self):
         """The last events, oldest first."""
-        return self._events[-HISTORY:]
+        return list(self._events)
''',
    ),
    BenchmarkChange(
        language=Language.PYTHON,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="copies-for-statistics",
        about="lists of all values and of all differences are built to take one sum each",
        instruction=(
            "Write a Python module that reads a very long log of `$entity $amount` lines and reports: the "
            "number of "
            "lines, the mean $amount, the largest jump between two neighbouring lines, and whether any "
            "$entity occurs "
            "twice in a row."
        ),
        change=r'''
 """Report on a log of $entities, one `$entity $amount` line each."""


 $surrounding


-def read_log(path):
-    """All lines of the log as [name, $amount]."""
-    with open(path, encoding="utf-8") as stream:
-        return [line.split() for line in stream.read().splitlines()]
+def read_log(path):
+    """Yield the lines of the log as (name, $amount)."""
+    with open(path, encoding="utf-8") as stream:
+        for line in stream:
+            name, $amount = line.split()
+            yield name, float($amount)


 def report(path):
     """Number of lines, mean, largest jump, and whether a $entity is repeated in a row."""
-    $result = read_log(path)
-    names = [name for name, _ in $result]
-    amounts = [float($amount) for _, $amount in $result]
-    jumps = [abs(after - before) for before, after in zip(amounts, amounts[1:])]
-    repeats = [name for name, following in zip(names, names[1:]) if name == following]
-    mean = sum(amounts) / len(amounts) if amounts else 0.0
-    return {"lines": len(names), "mean": mean, "jump": max(jumps, default=0.0), "repeated": bool(repeats)}
+    lines, total, jump, repeated, last = 0, 0.0, 0.0, False, None
+    for name, $amount in read_log(path):
+        lines += 1
+        total += $amount
+        if last is not None:
+            jump = max(jump, abs($amount - last[1]))
+            repeated = repeated or name == last[0]
+        last = name, $amount
+    mean = total / lines if lines else 0.0
+    return {"lines": lines, "mean": mean, "jump": jump, "repeated": repeated}
''',
    ),
)
