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
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="lists-of-everything",
        about="a directory of exports is read into lists of lists to count and to find one line",
        path="$project/archive/${entity}_search.py",
        messages=(
            "Reduce memory usage of the $entity search\n\nUse a generator over the lines; nothing is kept.",
            "Lower memory footprint when searching old $entities\n\nThe archive of the $owner was read as "
            "a whole.",
        ),
        change=r'''
 """Search the archive of $entities, a folder of text files."""


 $surrounding


 def lines_of(paths):
     """The lines of all files, without their ends."""
-    lines = []
-    for path in paths:
-        with open(path, encoding="utf-8") as stream:
-            content = stream.read()
-        lines += [line for line in content.split("\n")]
-    return lines
+    for path in paths:
+        with open(path, encoding="utf-8") as stream:
+            yield from (line.rstrip("\n") for line in stream)


 def count_$entities(paths):
     """The number of lines that speak of a $entity."""
-    found = []
-    for line in lines_of(paths):
-        if "$entity" in line:
-            found.append(line)
-    return len(found)
+    return sum("$entity" in line for line in lines_of(paths))


 def first_$entity(paths, $text):
     """The first line with this $text, or None."""
-    found = [line for line in lines_of(paths) if $text in line]
-    return found[0] if len(found) > 0 else None
+    return next((line for line in lines_of(paths) if $text in line), None)
''',
    ),
    BenchmarkChange(
        language=Language.PYTHON,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="merged-exports",
        about="files are read whole and merged in a list to be written again, and a buffer keeps every value",
        instruction=(
            "Write a Python module with `merge(sources, target)`, which copies the lines of several "
            "exports of ${entities} into one file and leaves out empty lines, and a class Recent with "
            "`add($amount)` and `mean()` over the last $size values."
        ),
        change=r'''
 """Merge exports of $entities and watch their $amount."""

+from collections import deque
+
 WINDOW = $size


 $surrounding


 def merge(sources, target):
     """Copy all lines that are not empty."""
-    lines = []
-    for source in sources:
-        with open(source, encoding="utf-8") as stream:
-            lines.extend(stream.read().splitlines())
-    kept = [line + "\n" for line in lines if line]
-    with open(target, "w", encoding="utf-8") as out:
-        out.write("".join(kept))
+    with open(target, "w", encoding="utf-8") as out:
+        for source in sources:
+            with open(source, encoding="utf-8") as stream:
+                out.writelines(line.rstrip("\n") + "\n" for line in stream if line != "\n")


 class Recent:
     """The last values of $amount."""

     def __init__(self):
-        self._values = []
+        self._values = deque(maxlen=WINDOW)

     def add(self, $amount):
         """Note one more value."""
         self._values.append($amount)

     def mean(self):
         """Mean of the last WINDOW values, 0.0 before the first."""
-        latest = list(self._values[-WINDOW:])
-        return sum(latest) / len(latest) if latest else 0.0
+        return sum(self._values) / len(self._values) if self._values else 0.0
''',
    ),
)
