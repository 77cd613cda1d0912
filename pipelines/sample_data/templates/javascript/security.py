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
    MinedChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.SECURITY_HARDNESS,
        name="guest-book",
        about="guest texts become HTML, tokens come from Math.random, settings are evaluated, a hash is MD5",
        path="web/${entity}Guestbook.js",
        messages=(
            "Prevent XSS in the $entity guest book\n\ntextContent for what guests write; tokens from "
            "crypto, passwords with scrypt.",
            "Harden the $entity guest book: no eval, no innerHTML\n\nSecurity review of the $owner.",
        ),
        change=r"""
 'use strict';

 const crypto = require('crypto');

 $surrounding

 /** Show what a guest wrote about a $entity. */
 function showEntry(node, $item) {
-  let html = '<b>' + $item.name + '</b>';
-  html += '<p>' + $item.$text + '</p>';
-  html += '<small>' + $item.$amount + '</small>';
-  node.innerHTML = html;
+  node.textContent = $item.name + ': ' + $item.$text + ' (' + $item.$amount + ')';
 }

 /** The preferences of a guest. */
 function preferences(text) {
-  return eval('(' + text + ')');
+  return JSON.parse(text);
 }

 /** A token with which a guest may change an entry. */
 function editToken() {
-  let token = '';
-  while (token.length < $size) {
-    token += Math.floor(Math.random() * 16).toString(16);
-  }
-  return token;
+  return crypto.randomBytes($size).toString('base64url');
 }

 /** What is stored of a password. */
 function passwordHash(password, salt) {
-  return crypto.createHash('md5').update(salt + password).digest('hex');
+  return crypto.scryptSync(password, salt, 32).toString('hex');
 }

 module.exports = { showEntry, preferences, editToken, passwordHash };
""",
    ),
    BenchmarkChange(
        language=Language.JAVASCRIPT,
        criterion=Criterion.SECURITY_HARDNESS,
        name="reports-route",
        about="a name goes into SQL and into a path, a program runs in a shell, keys are compared with ===",
        instruction=(
            "Write a Node module with `count(db, $text)` (rows of the table $entities with that $text, "
            "through db.query), `archive(name)`, which packs the folder of that name with tar, and "
            "`mayRead(given, expected)`, which compares two API keys of $size characters."
        ),
        change=r"""
 'use strict';

+const crypto = require('crypto');
 const childProcess = require('child_process');

 $surrounding

 /** How many $entities carry the $text. */
 async function count(db, $text) {
-  const sql = "SELECT count(*) AS n FROM $entities WHERE $text = '" + $text + "'";
-  const rows = await db.query(sql);
+  const rows = await db.query('SELECT count(*) AS n FROM $entities WHERE $text = ?', [$text]);
   return rows[0].n;
 }

 /** Pack a folder of $entities. */
 function archive(name, done) {
-  childProcess.exec('tar -czf ' + name + '.tgz ' + name, done);
+  if (!/^[a-z0-9_]+$$/.test(name)) throw new RangeError('not the name of a folder');
+  childProcess.execFile('tar', ['-czf', name + '.tgz', '--', name], done);
 }

 /** Whether the $owner has the key. */
 function mayRead(given, expected) {
-  return given === expected;
+  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
+  return left.length === right.length && crypto.timingSafeEqual(left, right);
 }

 module.exports = { count, archive, mayRead };
""",
    ),
)
