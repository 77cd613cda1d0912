"""Security hardness in JavaScript."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.SECURITY_HARDNESS,
        name="html-from-users",
        about="text of users goes into innerHTML and into a link unchecked",
        path="web/${entity}Card.js",
        messages=(
            "Fix XSS in the $entity card\n\nThe $text of a $entity was inserted as HTML. Use textContent, "
            "allow only "
            "http links.",
            "Sanitize $text before it is shown (stored XSS)\n\nReported by a $owner.",
            "Prevent cross-site scripting through $entity links",
        ),
        change=r"""
 'use strict';

 const ${ENTITY}_CLASS = '$entity-card';

 $surrounding

+function isWebAddress(address) {
+  try {
+    return ['http:', 'https:'].includes(new URL(address).protocol);
+  } catch {
+    return false;
+  }
+}
+
 /** The card of a $entity, as the $owner sees it on the start page. */
 function ${entity}Card(document, $item) {
   const card = document.createElement('section');
   card.className = ${ENTITY}_CLASS;
-  card.innerHTML =
-    '<h2>' + $item.$text + '</h2>' +
-    '<p>' + $item.$amount + '</p>' +
-    '<a href="' + $item.link + '">more about this $entity</a>';
+  const heading = document.createElement('h2');
+  heading.textContent = $item.$text;
+  const $amount = document.createElement('p');
+  $amount.textContent = $item.$amount;
+  card.append(heading, $amount);
+  if (isWebAddress($item.link)) {
+    const link = document.createElement('a');
+    link.href = $item.link;
+    link.rel = 'noopener noreferrer';
+    link.textContent = 'more about this $entity';
+    card.append(link);
+  }
   return card;
 }

 module.exports = { ${entity}Card };
""",
    ),
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.SECURITY_HARDNESS,
        name="command-and-query",
        about="file names reach a shell, values are pasted into SQL, and errors are shown to clients",
        path="server/routes/$entities.js",
        messages=(
            "Prevent command injection and SQL injection in $entity routes\n\nUse execFile and bound "
            "values; do not "
            "send the stack to the client.",
            "Harden the $entity routes\n\nInput validation for names of files, parameterised query, no "
            "details of "
            "errors (security).",
        ),
        change=r"""
 'use strict';

-const { exec } = require('child_process');
+const { execFile } = require('child_process');

 const FOLDER = '/srv/$project/$entities';
+const FILE_NAME = /^[a-z0-9_-]+$$/i;

 $surrounding

 function register(app, db) {
   app.get('/$entities', async (request, response) => {
-    try {
-      const rows = await db.query("SELECT * FROM $entities WHERE $text = '" + request.query.$text + "'");
-      response.json(rows);
-    } catch (error) {
-      response.status(500).send(error.stack);
-    }
+    try {
+      const rows = await db.query('SELECT * FROM $entities WHERE $text = ?', [request.query.$text]);
+      response.json(rows);
+    } catch (error) {
+      console.error(error);
+      response.status(500).send('internal error');
+    }
   });

   app.post('/$entities/:name/thumbnail', (request, response) => {
-    const source = FOLDER + '/' + request.params.name + '.png';
-    exec('convert ' + source + ' -resize ${size}x$size thumbs/' + request.params.name + '.png', (error) => {
+    const { name } = request.params;
+    if (!FILE_NAME.test(name)) {
+      response.sendStatus(400);
+      return;
+    }
+    const options = [FOLDER + '/' + name + '.png', '-resize', '${size}x$size', 'thumbs/' + name + '.png'];
+    execFile('convert', options, (error) => {
       response.sendStatus(error ? 500 : 204);
     });
   });
 }

 module.exports = { register };
""",
    ),
    BenchmarkChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.SECURITY_HARDNESS,
        name="prototype-and-eval",
        about="settings are evaluated as code and merged into the prototype; ids come from Math.random",
        instruction=(
            "Write a Node.js module for the settings of ${entities}: `parseSettings(text)` reads settings "
            "that a $owner "
            "pasted as JSON, `mergeSettings(target, source)` merges them deeply into the defaults, and "
            "`sessionId()` "
            "returns a new id for the session of the $owner."
        ),
        change=r"""
 'use strict';

 // Settings of $entities, as each $owner keeps them.
+const crypto = require('crypto');
+
+const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);
+
 $surrounding

 /** The settings that the $owner pasted. */
 function parseSettings(text) {
-  let settings;
-  eval('settings = ' + text);
-  if (settings === undefined || settings === null) {
-    settings = {};
-  }
-  return settings;
+  return JSON.parse(text) ?? {};
 }

 /** Merge `source` deeply into `target` and return it. */
 function mergeSettings(target, source) {
-  for (const key in source) {
-    if (typeof source[key] === 'object') {
-      if (!target[key]) {
-        target[key] = {};
-      }
+  for (const key of Object.keys(source)) {
+    if (FORBIDDEN.has(key)) continue;
+    if (typeof source[key] === 'object' && source[key] !== null) {
+      if (!Object.hasOwn(target, key)) target[key] = {};
       mergeSettings(target[key], source[key]);
     } else {
       target[key] = source[key];
     }
   }
   return target;
 }

 /** A new id for the session of a $owner. */
 function sessionId() {
-  let id = '';
-  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
-  for (let position = 0; position < $size; position++) {
-    id += letters[Math.floor(Math.random() * letters.length)];
-  }
-  return id;
+  return crypto.randomBytes($size).toString('hex');
 }

 module.exports = { parseSettings, mergeSettings, sessionId };
""",
    ),
)
