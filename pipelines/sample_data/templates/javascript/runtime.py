"""Runtime efficiency in JavaScript."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="nested-find",
        about="find() inside map() and a spread in reduce(): two quadratic joins",
        path="src/join/${entity}${Owner}s.js",
        messages=(
            "Speed up join of $entities and ${owner}s\n\nIndex by id once instead of calling find() for "
            "every "
            "$entity.",
            "Use a Map for lookup: faster $entity overview\n\nThe page of a large $owner took seconds.",
            "Optimize loop over $entities, was quadratic; faster by a factor of $page",
        ),
        change=r"""
 'use strict';

 $surrounding

 /** Every $entity together with its $owner. */
 function with${Owner}s($entities, ${owner}s) {
-  return $entities.map(($item) => {
-    const $owner = ${owner}s.find((one) => one.id === $item.${owner}Id);
-    return { ...$item, $owner };
-  });
+  const byId = new Map(${owner}s.map((one) => [one.id, one]));
+  return $entities.map(($item) => ({ ...$item, $owner: byId.get($item.${owner}Id) }));
 }

 /** The number of $entities per $text. */
 function countBy${Text}($entities) {
-  return $entities.reduce((counts, $item) => {
-    const before = counts[$item.$text] || 0;
-    return { ...counts, [$item.$text]: before + 1 };
-  }, {});
+  const counts = {};
+  for (const $item of $entities) {
+    counts[$item.$text] = (counts[$item.$text] || 0) + 1;
+  }
+  return counts;
 }

 /** The $entities that are in the first list and not in the second. */
 function missing${Entities}(wanted, present) {
-  return wanted.filter(($item) => !present.map((one) => one.id).includes($item.id));
+  const ids = new Set(present.map((one) => one.id));
+  return wanted.filter(($item) => !ids.has($item.id));
 }

 module.exports = { with${Owner}s, countBy${Text}, missing${Entities} };
""",
    ),
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="sequential-requests",
        about="independent requests wait for each other and answers are never cached",
        path="src/api/${entity}Client.js",
        messages=(
            "Load $entities concurrently and cache the answers: faster start",
            "Add caching to the $entity client\n\nRequests ran one after the other although none needs "
            "another. "
            "Speed up for the $owner.",
        ),
        change=r"""
 'use strict';

 const TTL_MILLISECONDS = ${limit}00;

 $surrounding

 class ${Entity}Client {
   constructor(http, now = Date.now) {
     this.http = http;
     this.now = now;
+    this.cache = new Map();
   }

   /** The $entity as the server has it, at most TTL_MILLISECONDS old. */
   async $fetch(id) {
-    const response = await this.http.get('/api/$entities/' + encodeURIComponent(id));
-    return JSON.parse(response.body);
+    const cached = this.cache.get(id);
+    if (cached && this.now() - cached.at < TTL_MILLISECONDS) {
+      return cached.value;
+    }
+    const response = await this.http.get('/api/$entities/' + encodeURIComponent(id));
+    const value = JSON.parse(response.body);
+    this.cache.set(id, { value, at: this.now() });
+    return value;
   }

   /** What the start page of the $owner shows. */
   async overview(ids) {
-    const $entities = [];
-    for (const id of ids) {
-      $entities.push(await this.$fetch(id));
-    }
-    const news = await this.http.get('/api/news');
-    const prices = await this.http.get('/api/$amount');
+    const [$entities, news, prices] = await Promise.all([
+      Promise.all(ids.map((id) => this.$fetch(id))),
+      this.http.get('/api/news'),
+      this.http.get('/api/$amount'),
+    ]);
     return { $entities, news: news.body, $amount: prices.body };
   }
 }

 module.exports = { ${Entity}Client };
""",
    ),
    BenchmarkChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="repeated-work",
        about="an exponential recursion, sorting to find a maximum, and indexOf for duplicates",
        instruction=(
            "Write a JavaScript module with `routes(steps)`, the number of ways to climb that many steps "
            "one or two at a "
            "time, `largest($entities)`, the $entity with the largest $amount, and `unique(${text}s)`, the "
            "distinct values "
            "in order."
        ),
        change=r"""
 'use strict';

 $surrounding

 /** The number of ways to climb `steps` steps, one or two at a time. */
 function routes(steps) {
-  return steps <= 1 ? 1 : routes(steps - 1) + routes(steps - 2);
+  let [before, current] = [1, 1];
+  for (let step = 2; step <= steps; step++) {
+    [before, current] = [current, before + current];
+  }
+  return current;
 }

 /** The $entity with the largest $amount; undefined for an empty list. */
 function largest($entities) {
-  return [...$entities].sort((left, right) => right.$amount - left.$amount)[0];
+  let best;
+  for (const $item of $entities) {
+    if (best === undefined || $item.$amount > best.$amount) best = $item;
+  }
+  return best;
 }

 /** Every $text once, in order of first use. */
 function unique(${text}s) {
-  return ${text}s.filter((value, index) => ${text}s.indexOf(value) === index);
+  return [...new Set(${text}s)];
 }

 module.exports = { routes, largest, unique };
""",
    ),
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="scanned-lists",
        about=(
            "includes and filter scan the list for each row, text grows in a loop, a pattern is built per "
            "call"
        ),
        path="src/${entity}Matching.js",
        messages=(
            "Speed up matching of $entities\n\nSet and Map instead of scans; was quadratic.",
            "Faster matching of $entities for the $owner, hash lookup instead of includes()",
        ),
        change=r"""
 'use strict';

 $surrounding

 /** The $entities that both sides know. */
 function common(left, right) {
-  const $result = [];
-  for (const $item of left) {
-    const ids = right.map((other) => other.id);
-    if (ids.includes($item.id)) {
-      $result.push($item);
-    }
-  }
-  return $result;
+  const ids = new Set(right.map((other) => other.id));
+  return left.filter(($item) => ids.has($item.id));
 }

 /** An object from $text to the $entities that carry it. */
 function groupBy${Text}($entities) {
-  const groups = {};
-  $entities.forEach(($item) => {
-    groups[$item.$text] = $entities.filter((other) => other.$text === $item.$text);
-  });
-  return groups;
+  const groups = new Map();
+  for (const $item of $entities) {
+    if (!groups.has($item.$text)) groups.set($item.$text, []);
+    groups.get($item.$text).push($item);
+  }
+  return Object.fromEntries(groups);
 }

 /** All ${text}s, one per line. */
 function listing($entities) {
-  let text = '';
-  for (let index = 0; index < $entities.length; index++) {
-    text = text + $entities[index].$text;
-    text = text + '\n';
-  }
-  return text;
+  return $entities.map(($item) => $item.$text + '\n').join('');
 }

 module.exports = { common, groupBy${Text}, listing };
""",
    ),
    BenchmarkChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="late-arrivals",
        about=(
            "lists are searched for each arrival, requests wait for each other, the front of an array is "
            "shifted"
        ),
        instruction=(
            "Write JavaScript functions: `fresh(arrived, known)` returns the $entities whose id is not "
            "among the known ids, `details(ids, ask)` resolves to the answers of the async function ask "
            "for all ids, in order, and `drain(queue, handle)` handles all $entities first come, first "
            "served, and empties the queue."
        ),
        change=r"""
 'use strict';

 $surrounding

 /** The arrivals that nobody has seen. */
 function fresh(arrived, known) {
-  return arrived.filter(($item) => known.indexOf($item.id) === -1);
+  const seen = new Set(known);
+  return arrived.filter(($item) => !seen.has($item.id));
 }

 /** What the $owner says about each id. */
 async function details(ids, ask) {
-  const answers = [];
-  for (const id of ids) {
-    answers.push(await ask(id));
-  }
-  return answers;
+  return Promise.all(ids.map((id) => ask(id)));
 }

 /** Handle the $entities in their order. */
 function drain(queue, handle) {
-  while (queue.length > 0) {
-    const $item = queue.shift();
-    handle($item);
-  }
+  for (const $item of queue) {
+    handle($item);
+  }
+  queue.length = 0;
 }

 module.exports = { fresh, details, drain };
""",
    ),
)
