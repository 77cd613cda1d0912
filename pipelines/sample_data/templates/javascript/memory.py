"""Memory efficiency in JavaScript."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="listener-leak",
        about="every open view adds a listener and a timer that are never removed",
        path="web/views/${entity}View.js",
        messages=(
            "Fix memory leak in ${Entity}View\n\nListeners and the timer outlived the view and kept every "
            "$entity "
            "alive.",
            "Release listeners of the $entity view (memory leak)\n\nThe tab of the $owner grew all day.",
            "Stop memory bloat: remove handlers when the $entity view closes",
        ),
        change=r"""
 'use strict';

 const REFRESH_MILLISECONDS = ${limit}0;

 $surrounding

 class ${Entity}View {
   constructor(bus, element) {
     this.bus = bus;
     this.element = element;
-    this.seen = [];
+    this.latest = null;
+    this.on${Entity} = ($item) => this.show($item);
   }

   open() {
-    this.bus.on('$entity', ($item) => this.show($item));
-    setInterval(() => this.refresh(), REFRESH_MILLISECONDS);
+    this.bus.on('$entity', this.on${Entity});
+    this.timer = setInterval(() => this.refresh(), REFRESH_MILLISECONDS);
   }

   show($item) {
-    this.seen.push($item);
+    this.latest = $item;
     this.refresh();
   }

   refresh() {
-    const latest = this.seen[this.seen.length - 1];
-    if (latest) {
-      this.element.textContent = latest.$text + ': ' + latest.$amount;
+    if (this.latest) {
+      this.element.textContent = this.latest.$text + ': ' + this.latest.$amount;
     }
   }

   close() {
+    this.bus.off('$entity', this.on${Entity});
+    clearInterval(this.timer);
     this.element.remove();
   }
 }

 module.exports = { ${Entity}View };
""",
    ),
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="slurped-export",
        about="an export is read as one string and split into arrays of arrays to take two numbers",
        path="scripts/${entity}Stats.js",
        messages=(
            "Stream the $entity export to reduce memory usage\n\nreadFileSync of two gigabytes failed on "
            "the machine "
            "of the $owner.",
            "${entity}Stats: lower memory footprint by reading line by line",
        ),
        change=r"""
 'use strict';

 const fs = require('fs');
+const readline = require('readline');

 $surrounding

-/** The rows of an export: `$text;$amount`. */
-function rowsOf(path) {
-  const content = fs.readFileSync(path, 'utf8');
-  return content
-    .split('\n')
-    .filter((line) => line.length > 0)
-    .map((line) => line.split(';'));
-}
-
+/** Lines of a file, one at a time. */
+function linesOf(path) {
+  return readline.createInterface({ input: fs.createReadStream(path, 'utf8'), crlfDelay: Infinity });
+}
+
 /** The number of $entities and the mean of their $amount. */
 async function ${entity}Stats(path) {
-  const rows = rowsOf(path);
-  const amounts = rows.map((row) => Number(row[1]));
-  const total = amounts.reduce((sum, $amount) => sum + $amount, 0);
-  return { count: rows.length, mean: rows.length ? total / rows.length : 0 };
+  let count = 0;
+  let total = 0;
+  for await (const line of linesOf(path)) {
+    if (line.length > 0) {
+      count += 1;
+      total += Number(line.slice(line.indexOf(';') + 1));
+    }
+  }
+  return { count, mean: count ? total / count : 0 };
 }

 module.exports = { ${entity}Stats };
""",
    ),
    BenchmarkChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="chained-copies",
        about="chains of map, filter and concat copy the list at every step, and results are kept for ever",
        instruction=(
            "Write a JavaScript module over long lists of ${entities}: `totalOpen(pages)` sums the $amount "
            "of all open "
            "$entities on all pages, `firstMatching(pages, wanted)` returns the first $entity that "
            "`wanted` accepts, and "
            "`labelOf($entity)` returns a display label that is worked out once per $entity object."
        ),
        change=r"""
 'use strict';

-const labels = new Map();
+const labels = new WeakMap();

 $surrounding

-function all${Entities}(pages) {
-  return pages.reduce((all, page) => all.concat(page.$entities), []);
-}
+function* all${Entities}(pages) {
+  for (const page of pages) {
+    yield* page.$entities;
+  }
+}

 /** The sum of the $amount of all open $entities. */
 function totalOpen(pages) {
-  const ${amount}s = all${Entities}(pages).filter(($item) => $item.open).map(($item) => $item.$amount);
-  return ${amount}s.reduce((sum, $amount) => sum + $amount, 0);
+  let sum = 0;
+  for (const $item of all${Entities}(pages)) {
+    if ($item.open) sum += $item.$amount;
+  }
+  return sum;
 }

 /** The first $entity that is wanted, or undefined. */
 function firstMatching(pages, wanted) {
-  return all${Entities}(pages).filter(wanted)[0];
+  for (const $item of all${Entities}(pages)) {
+    if (wanted($item)) return $item;
+  }
+  return undefined;
 }

 /** The label of a $entity, worked out once per object. */
 function labelOf($entity) {
-  const key = JSON.stringify($entity);
-  if (!labels.has(key)) {
-    labels.set(key, $entity.$text + ' (' + $entity.$amount + ')');
-  }
-  return labels.get(key);
+  if (!labels.has($entity)) {
+    labels.set($entity, $entity.$text + ' (' + $entity.$amount + ')');
+  }
+  return labels.get($entity);
 }

 module.exports = { totalOpen, firstMatching, labelOf };
""",
    ),
)
