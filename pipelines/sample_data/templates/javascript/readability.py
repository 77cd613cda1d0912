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
)
