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
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="response-arrays",
        about=(
            "a response is collected in arrays and joined, every page stays in memory, the file is read to "
            "copy it"
        ),
        path="server/${entity}Download.js",
        messages=(
            "Stream the $entity download: less memory\n\nPipe the file instead of reading it. Peak memory "
            "is flat now.",
            "Reduce memory usage of the $entity download for the $owner",
        ),
        change=r"""
 'use strict';

 const fs = require('fs');
+const { pipeline } = require('stream/promises');

 $surrounding

 /** Send a file with $entities. */
 async function send(path, response) {
-  const content = fs.readFileSync(path);
-  const parts = [];
-  for (let start = 0; start < content.length; start += $size) {
-    parts.push(content.slice(start, start + $size));
-  }
-  response.end(Buffer.concat(parts));
+  await pipeline(fs.createReadStream(path), response);
 }

 /** The $entities of all pages, one at a time. */
-async function allPages(client) {
-  let all = [];
-  for (let page = await client.first(); page; page = await client.next(page)) {
-    all = all.concat(page.$entities);
-  }
-  return all;
-}
+async function* allPages(client) {
+  for (let page = await client.first(); page; page = await client.next(page)) {
+    yield* page.$entities;
+  }
+}

 /** The sum over all pages. */
 async function total${Amount}(client) {
-  const $entities = await allPages(client);
-  const values = $entities.map(($item) => $item.$amount);
-  return values.reduce((sum, value) => sum + value, 0);
+  let sum = 0;
+  for await (const $item of allPages(client)) sum += $item.$amount;
+  return sum;
 }

 module.exports = { send, allPages, total${Amount} };
""",
    ),
    BenchmarkChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="dashboard",
        about=(
            "a history grows for ever, a timer and a listener outlive the dashboard, whole lists are copied"
        ),
        instruction=(
            "Write a JavaScript class Dashboard over an event emitter `bus` with `start()`, which listens "
            "to the event '$entity' and redraws every second, `mean()`, the mean $amount of the last $size "
            "events, and `stop()`, after which the dashboard does nothing more."
        ),
        change=r"""
 'use strict';

 const SHOWN = $size;

 $surrounding

 class Dashboard {
   constructor(bus, draw) {
     this.bus = bus;
     this.draw = draw;
     this.values = [];
+    this.note = ($item) => this.add($item.$amount);
   }

   start() {
-    this.bus.on('$entity', ($item) => this.add($item.$amount));
-    setInterval(() => this.draw(this.mean()), 1000);
+    this.bus.on('$entity', this.note);
+    this.timer = setInterval(() => this.draw(this.mean()), 1000);
   }

   add($amount) {
-    this.values = this.values.concat([$amount]);
+    this.values.push($amount);
+    if (this.values.length > SHOWN) this.values.shift();
   }

   mean() {
-    const latest = this.values.slice(-SHOWN);
-    return latest.reduce((sum, value) => sum + value, 0) / latest.length;
+    let sum = 0;
+    for (const value of this.values) sum += value;
+    return sum / this.values.length;
   }

   stop() {
-    this.stopped = true;
+    this.bus.off('$entity', this.note);
+    clearInterval(this.timer);
   }
 }

 module.exports = { Dashboard };
""",
    ),
)
