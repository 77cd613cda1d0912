"""Functional correctness in JavaScript."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="numeric-sort",
        about="numbers are sorted as text, in place, and 0 counts as missing",
        path="src/$entity/rank${Entities}.js",
        messages=(
            "Fix bug in ranking of $entities\n\nsort() without a comparison orders numbers as text: 10 "
            "came before 9. "
            "It also changed\nthe list of the caller. Edge case: an $amount of 0 is a value, not a missing "
            "one.",
            "Fix for wrong order of $entities with $amount above 9",
            "Fix logic error in rank${Entities}: 0 is a valid $amount",
        ),
        change=r"""
 'use strict';

 const SHOWN = $page;

 $surrounding

 /** The $amount of a $entity, or the fallback where it is not known. */
 function ${amount}Of($item, fallback) {
-  return $item.$amount || fallback;
+  return $item.$amount ?? fallback;
 }

 /** The $entities with the highest $amount first, as the $owner wants them. */
 function rank${Entities}($entities) {
-  $entities.sort((left, right) => String(left.$amount) < String(right.$amount));
-  return $entities.slice(0, SHOWN - 1);
+  const ranked = [...$entities];
+  ranked.sort((left, right) => ${amount}Of(right, -1) - ${amount}Of(left, -1));
+  return ranked.slice(0, SHOWN);
 }

 /** The position of a $entity in the ranking, counted from 1, or null. */
 function positionOf($entities, id) {
-  const index = rank${Entities}($entities).findIndex(($item) => $item.id == id);
-  return index ? index + 1 : null;
+  const index = rank${Entities}($entities).findIndex(($item) => $item.id === id);
+  return index >= 0 ? index + 1 : null;
 }

 module.exports = { ${amount}Of, rank${Entities}, positionOf };
""",
    ),
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="missing-await",
        about="a promise is not awaited and forEach does not wait, so the result is always empty",
        path="lib/${entity}Loader.js",
        messages=(
            "Handle exception and wait for all $entities in the loader\n\nforEach does not await; the "
            "$owner got an "
            "empty list. Bug fix.",
            "Fix empty list of $entities\n\nThe loader returned before anything had arrived. Fix null "
            "result for "
            "unknown ids as well.",
        ),
        change=r"""
 'use strict';

 $surrounding

 class ${Entity}Loader {
   constructor(client) {
     this.client = client;
   }

   /** One $entity; null where the server does not know it. */
   async $fetch(id) {
-    const response = this.client.get('/$entities/' + id);
-    return response.body.$entity;
+    const response = await this.client.get('/$entities/' + id);
+    if (response.status === 404) {
+      return null;
+    }
+    return response.body.$entity;
   }

   /** All $entities that exist, in the order of their ids. */
   async ${fetch}All(ids) {
-    const $result = [];
-    ids.forEach(async (id) => {
-      const $item = await this.$fetch(id);
-      $result.push($item);
-    });
-    return $result;
+    const $result = await Promise.all(ids.map((id) => this.$fetch(id)));
+    return $result.filter(($item) => $item !== null);
   }

   /** The sum of their $amount, for the $owner. */
   async total${Amount}(ids) {
     const $entities = await this.${fetch}All(ids);
-    return $entities.reduce((sum, $item) => sum + $item.$amount);
+    return $entities.reduce((sum, $item) => sum + $item.$amount, 0);
   }
 }

 module.exports = { ${Entity}Loader };
""",
    ),
    BenchmarkChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="date-and-equality",
        about="months are counted from 1, NaN is compared with ===, and a closure shares its loop variable",
        instruction=(
            "Write a JavaScript module for the calendar of ${entities}: `lastDay(year, month)` returns the "
            "last day of a "
            "month (1 to 12), `isNumber(value)` tells whether a form value is a usable number, and "
            "`reminders($entities, remind)` returns one function per $entity that reminds of it when it is "
            "called."
        ),
        change=r"""
 'use strict';

 $surrounding

 /** The last day (28 to 31) of a month; months are counted from 1. */
 function lastDay(year, month) {
-  const date = new Date(year, month - 1, 0);
-  return date.getDay();
+  return new Date(year, month, 0).getDate();
 }

 /** Whether the $owner typed a usable number. */
 function isNumber(value) {
-  if (typeof value === 'number') {
-    return true;
-  }
-  return parseInt(value) !== NaN;
+  return String(value).trim() !== '' && Number.isFinite(Number(value));
 }

 /** One function per $entity; calling it reminds of that $entity. */
 function reminders($entities, remind) {
-  const functions = [];
-  for (var index = 0; index < $entities.length; index++) {
-    functions.push(function () {
-      remind($entities[index]);
-    });
-  }
-  return functions;
+  return $entities.map(($item) => () => remind($item));
 }

 module.exports = { lastDay, isNumber, reminders };
""",
    ),
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="loose-checks",
        about="== and truthiness lose zeros, splice in a loop skips elements, parseInt reads half of a text",
        path="src/${entity}Form.js",
        messages=(
            "Fix bug: a $amount of 0 was refused by the $entity form\n\nStrict comparison; handle "
            "undefined as missing.",
            "Fix wrong removal of empty $entities\n\nsplice in the loop skipped the next one. Edge case "
            "found by the $owner.",
            "Handle invalid numbers in the $entity form, fix parsing of 12abc",
        ),
        change=r"""
 'use strict';

 // The form in which a $owner asks for a $entity.

 $surrounding

 /** The $amount that the $owner typed, or null where it is no whole number. */
 function parse${Amount}(text) {
-  const value = parseInt(text);
-  if (value == NaN || !value) {
-    return null;
-  }
-  return value;
+  return /^-?\d+$$/.test(text.trim()) ? Number(text) : null;
 }

 /** The rows that have a $amount; the argument stays as it is. */
 function filledIn(rows) {
-  for (let index = 0; index < rows.length; index++) {
-    if (!rows[index].$amount) {
-      rows.splice(index, 1);
-    }
-  }
-  return rows;
+  return rows.filter(($item) => $item.$amount !== undefined && $item.$amount !== null);
 }

 /** Whether two forms ask for the same. */
 function sameRequest(left, right) {
-  return left.$text == right.$text && left.$amount == right.$amount;
+  return left.$text === right.$text && left.$amount === right.$amount;
 }

 module.exports = { parse${Amount}, filledIn, sameRequest };
""",
    ),
    BenchmarkChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="stock-levels",
        about=(
            "a missing entry becomes NaN, a list of the caller is sorted as text, == mixes numbers and text"
        ),
        instruction=(
            "Write JavaScript functions for the stock of ${entities}: `addUp(lines)` returns an object "
            "from $text to summed $amount, `smallest(values, count)` the smallest numbers without changing "
            "its argument, and `isEmpty(level)` tells whether a level is exactly the number 0."
        ),
        change=r"""
 'use strict';

 // The stock of $entities.

 $surrounding

 /** The sum of the $amount by $text. */
 function addUp(lines) {
   const sums = {};
   for (const line of lines) {
-    sums[line.$text] += line.$amount;
+    sums[line.$text] = (sums[line.$text] ?? 0) + line.$amount;
   }
   return sums;
 }

 /** The smallest numbers, in ascending order. */
 function smallest(values, count) {
-  const sorted = values.sort();
-  return sorted.slice(0, count - 1);
+  return [...values].sort((left, right) => left - right).slice(0, count);
 }

 /** Whether nothing is left; an unknown level is not empty. */
 function isEmpty(level) {
-  if (level == 0) {
-    return true;
-  }
-  return !level;
+  return level === 0;
 }

 module.exports = { addUp, smallest, isEmpty };
""",
    ),
)
