"""Readability and maintainability in JavaScript."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="callback-pyramid",
        about="callbacks nested five deep, each with the same error handling",
        path="src/flows/publish${Entity}.js",
        messages=(
            "Refactor publish${Entity}: async functions instead of nested callbacks",
            "Simplify publishing of $entities\n\nReplace the pyramid of callbacks. Remove duplication in "
            "the handling of "
            "errors. The $owner\nsees no difference.",
            "Clean up $entity flow, extract method for the notice",
        ),
        change=r"""
 'use strict';

 $surrounding

-function publish(db, mail, id, cb) {
-  db.$fetch(id, function (e, a) {
-    if (e) {
-      cb(e);
-    } else {
-      db.get${Owner}(a.${owner}Id, function (e2, b) {
-        if (e2) {
-          cb(e2);
-        } else {
-          a.published = true;
-          db.$keep(a, function (e3) {
-            if (e3) {
-              cb(e3);
-            } else {
-              mail.send(b.mail, 'Your $entity ' + a.$text + ' is out', function (e4) {
-                if (e4) {
-                  cb(e4);
-                } else {
-                  cb(null, a);
-                }
-              });
-            }
-          });
-        }
-      });
-    }
-  });
-}
+/** Publish a $entity and tell its $owner; rejects with the first error. */
+async function publish(db, mail, id) {
+  const $entity = await db.$fetch(id);
+  const $owner = await db.get${Owner}($entity.${owner}Id);
+  $entity.published = true;
+  await db.$keep($entity);
+  await mail.send($owner.mail, noticeFor($entity));
+  return $entity;
+}
+
+function noticeFor($entity) {
+  return 'Your $entity ' + $entity.$text + ' is out';
+}

 module.exports = { publish };
""",
    ),
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="long-conditional",
        about="a chain of conditions over strings with copied arithmetic and dead code",
        path="src/${entity}${Amount}.js",
        messages=(
            "Refactor ${entity}${Amount}: table instead of if chain, remove dead code",
            "Simplify calculation of $amount\n\nOne rule per line; rename x and y. Adding a kind of "
            "$entity is one "
            "line now.",
        ),
        change=r"""
 'use strict';

 // What $entities cost, by their $amount.

+/** What a kind of $entity costs: a fixed part, and a part per $amount. */
+const RULES = {
+  standard: { fixed: $small, perUnit: 2 },
+  express: { fixed: $page, perUnit: 3 },
+  bulky: { fixed: $size, perUnit: 5 },
+};
+
 $surrounding

-function calc(x, y) {
-  var r;
-  if (x.kind == 'standard') {
-    r = $small + x.$amount * 2;
-    if (y) {
-      r = r - r * 0.1;
-    }
-  } else if (x.kind == 'express') {
-    r = $page + x.$amount * 3;
-    if (y) {
-      r = r - r * 0.1;
-    }
-  } else if (x.kind == 'bulky') {
-    // r = 40 + x.$amount * 4;
-    r = $size + x.$amount * 5;
-    if (y) {
-      r = r - r * 0.1;
-    }
-  } else {
-    r = null;
-  }
-  return r;
-}
+const MEMBER_DISCOUNT = 0.1;
+
+/** The price of a $entity for a $owner; null for a kind that is not known. */
+function priceOf($entity, isMember) {
+  const rule = RULES[$entity.kind];
+  if (!rule) {
+    return null;
+  }
+  const price = rule.fixed + rule.perUnit * $entity.$amount;
+  return isMember ? price * (1 - MEMBER_DISCOUNT) : price;
+}

-module.exports = { calc };
+module.exports = { priceOf };
""",
    ),
    BenchmarkChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="clever-one-liners",
        about="bit tricks, nested ternaries and abbreviations in place of plain statements",
        instruction=(
            "Write a JavaScript module about ${entities}: a function that grades a score from 0 to 100 as "
            "'A' (90 and "
            "above), 'B' (75), 'C' (50) or 'F'; one that pads an id with zeros to $small digits; and one "
            "that returns the "
            "integer number of full pages of $page that a list of $entities fills. Export all three."
        ),
        change=r"""
 'use strict';

 // How $entities are shown to the $owner.

+const GRADES = [
+  { from: 90, grade: 'A' },
+  { from: 75, grade: 'B' },
+  { from: 50, grade: 'C' },
+];
+const ID_DIGITS = $small;
+const PAGE_SIZE = $page;
+
 $surrounding

-const g = (s) => (s >= 90 ? 'A' : s >= 75 ? 'B' : s >= 50 ? 'C' : 'F');
-
-const p = (i) => (Array($small + 1).join('0') + i).slice(-$small);
-
-const n = (l) => ~~(l.length / $page);
-
-module.exports = { g, p, n };
+/** The grade of a score from 0 to 100. */
+function gradeOf(score) {
+  const reached = GRADES.find(({ from }) => score >= from);
+  return reached ? reached.grade : 'F';
+}
+
+/** The id of a $entity as the $owner knows it, with leading zeros. */
+function paddedId(id) {
+  return String(id).padStart(ID_DIGITS, '0');
+}
+
+/** How many pages the $entities fill completely. */
+function fullPages($entities) {
+  return Math.floor($entities.length / PAGE_SIZE);
+}
+
+module.exports = { gradeOf, paddedId, fullPages };
""",
    ),
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="flag-loops",
        about="index loops with flags and letters where array methods say it, and numbers without names",
        path="src/${entity}Summary.js",
        messages=(
            "Refactor ${entity}Summary: array methods, descriptive names",
            "Simplify ${entity}Summary and extract constants\n\nEasier to read for the $owner's team. Same "
            "output.",
            "Clean up ${entity}Summary, rename f, g and x",
        ),
        change=r"""
 'use strict';

 // What the $owner wants to know about $entities.

+const LARGE = $limit;
+
 $surrounding

-function f(a) {
-  var r = [];
-  for (var i = 0; i < a.length; i++) {
-    var x = a[i];
-    if (x.$amount > $limit == true) {
-      r.push(x.$text);
-    }
-  }
-  return r;
-}
+/** The $text of every large $entity. */
+function largeOnes($entities) {
+  return $entities.filter(($item) => $item.$amount > LARGE).map(($item) => $item.$text);
+}

-function g(a) {
-  var found = false;
-  for (var i = 0; i < a.length; i++) {
-    if (a[i].open == false) {
-      if (found == false) {
-        found = true;
-      }
-    }
-  }
-  if (found == true) {
-    return false;
-  } else {
-    return true;
-  }
-}
+/** Whether all $entities are open. */
+function allOpen($entities) {
+  return $entities.every(($item) => $item.open);
+}

-module.exports = { f: f, g: g };
+module.exports = { largeOnes, allOpen };
""",
    ),
    BenchmarkChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="shipping-cost",
        about="nested ternaries over numbers without names, a copied branch, and letters for names",
        instruction=(
            "Write a JavaScript module that exports a function for the price of sending a $entity (3 up to "
            "a $amount of $page, 7 up to $limit, 12 above; twice as much for express) and a function for "
            "the price of sending a list of them."
        ),
        change=r"""
 'use strict';

 // What it costs to send a $entity.

+const LIGHT = { upTo: $page, price: 3 };
+const MEDIUM = { upTo: $limit, price: 7 };
+const HEAVY_PRICE = 12;
+const EXPRESS_FACTOR = 2;
+
 $surrounding

-function p(x, e) {
-  var a = x.$amount;
-  if (e == true) {
-    return a <= $page ? 6 : a <= $limit ? 14 : 24;
-  } else {
-    return a <= $page ? 3 : a <= $limit ? 7 : 12;
-  }
-}
+/** The price without surcharges. */
+function basePrice($amount) {
+  if ($amount <= LIGHT.upTo) return LIGHT.price;
+  if ($amount <= MEDIUM.upTo) return MEDIUM.price;
+  return HEAVY_PRICE;
+}
+
+/** The price of sending one $entity. */
+function shippingPrice($entity, express) {
+  return basePrice($entity.$amount) * (express ? EXPRESS_FACTOR : 1);
+}

-function q(l, e) {
-  var t = 0;
-  for (var i = 0; i < l.length; i++) {
-    t = t + p(l[i], e);
-  }
-  return t;
-}
+/** The price of sending several $entities. */
+function totalPrice($entities, express) {
+  return $entities.reduce((sum, $item) => sum + shippingPrice($item, express), 0);
+}

-module.exports = { p: p, q: q };
+module.exports = { shippingPrice, totalPrice };
""",
    ),
)
