"""Security hardness in Python."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.SECURITY_HARDNESS,
        name="sql-injection",
        about="values and a column name from the request are pasted into SQL",
        path="$project/db/${entity}_store.py",
        messages=(
            "Use parameterised query to prevent SQL injection in $entity search\n\nThe $text came straight "
            "from the "
            "request of the $owner.",
            "Fix SQL injection in ${entity}_store\n\nBind values, allow only known columns for sorting.",
            "Harden $entity queries: input validation for sort column, bound parameters",
        ),
        change=r'''
 """Find and store $entities in the database."""

 import sqlite3

+SORTABLE = frozenset({"id", "$text", "$amount"})


 $surrounding


 def connect(path):
     """Open the database of $entities with rows that know their columns."""
     connection = sqlite3.connect(path)
     connection.row_factory = sqlite3.Row
     return connection


 def search_$entities(connection, $text, order="id"):
     """The $entities whose $text contains the given words."""
-    query = "SELECT id, $text, $amount FROM $entities WHERE $text LIKE '%" + $text + "%'"
-    query += " ORDER BY " + order
-    return connection.execute(query).fetchall()
+    if order not in SORTABLE:
+        raise ValueError(f"cannot sort $entities by {order!r}")
+    query = f"SELECT id, $text, $amount FROM $entities WHERE $text LIKE ? ORDER BY {order}"
+    return connection.execute(query, (f"%{$text}%",)).fetchall()


 def ${keep}_$entity(connection, $text, $amount):
     """Insert a $entity and return its id."""
     with connection:
-        cursor = connection.execute(
-            "INSERT INTO $entities ($text, $amount) VALUES ('%s', %s)" % ($text, $amount)
-        )
+        cursor = connection.execute(
+            "INSERT INTO $entities ($text, $amount) VALUES (?, ?)", ($text, $amount)
+        )
     return cursor.lastrowid
''',
    ),
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.SECURITY_HARDNESS,
        name="pickle-and-paths",
        about="uploads are unpickled and their names are joined to a folder unchecked",
        path="$project/uploads/${entity}_files.py",
        messages=(
            "Prevent path traversal and unsafe deserialization in $entity uploads\n\nPickle runs whatever "
            "the "
            "uploader sends; use JSON. Names must stay in the folder.",
            "Security: sanitize names of uploaded $entity files\n\nA name like ../../etc/x left the upload "
            "folder "
            "(path traversal).\nDo not unpickle what comes from outside.",
        ),
        change=r'''
 """Files with $entities that a $owner uploads."""

-import os
-import pickle
+import json
+from pathlib import Path

-FOLDER = "uploads/$entities"
+FOLDER = Path("uploads/$entities").resolve()


 $surrounding


 def ${entity}_path(name):
     """Where the file of that name lies."""
-    return os.path.join(FOLDER, name)
+    path = (FOLDER / name).resolve()
+    if path.parent != FOLDER:
+        raise ValueError(f"not a file of $entities: {name!r}")
+    return path


 def ${keep}_upload(name, content):
     """Write an uploaded file below the folder."""
     with open(${entity}_path(name), "wb") as stream:
         stream.write(content)


 def ${fetch}_upload(name):
     """The $entities in an uploaded file, as a list of dicts."""
     with open(${entity}_path(name), "rb") as stream:
-        return pickle.load(stream)
+        $entities = json.load(stream)
+    if not isinstance($entities, list):
+        raise ValueError("expected a list of $entities")
+    return $entities
''',
    ),
    BenchmarkChange(
        language=Language.PYTHON,
        criterion=Criterion.SECURITY_HARDNESS,
        name="shell-and-tokens",
        about="a command line is built for a shell and tokens come from a guessable generator",
        instruction=(
            "Write a Python module for backups of ${entities}: `archive(name, target)` packs the folder of "
            "that name "
            "with tar and gzip, `new_token()` returns a token of $size characters with which the $owner "
            "downloads it, and "
            "`token_matches(given, expected)` compares tokens."
        ),
        change=r'''
 """Backups of $entities and the tokens with which the $owner downloads them."""

-import os
-import random
-import string
+import hmac
+import re
+import secrets
+import subprocess

 TOKEN_CHARACTERS = $size


 $surrounding


 def archive(name, target):
     """Pack the folder `name` of $entities into the file `target`."""
-    status = os.system("tar -czf " + target + " $entities/" + name)
-    if status != 0:
-        raise RuntimeError("could not pack " + name)
+    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
+        raise ValueError(f"not a folder of $entities: {name!r}")
+    subprocess.run(["tar", "-czf", target, "--", f"$entities/{name}"], check=True)


 def new_token():
     """A fresh token of TOKEN_CHARACTERS characters."""
-    letters = string.ascii_letters + string.digits
-    token = ""
-    for _ in range(TOKEN_CHARACTERS):
-        token += random.choice(letters)
-    return token
+    return secrets.token_hex(TOKEN_CHARACTERS // 2)


 def token_matches(given, expected):
     """Return True when the $owner gave the expected token."""
-    return given == expected
+    return hmac.compare_digest(given.encode(), expected.encode())
''',
    ),
    MinedChange(
        language=Language.PYTHON,
        criterion=Criterion.SECURITY_HARDNESS,
        name="invitations",
        about="links are made with random and MD5, compared with ==, and a shell sends the mail",
        path="$project/mail/${entity}_invitation.py",
        messages=(
            "Harden invitations to $entities\n\nUse secrets for links, hmac for signatures, no shell for "
            "mail (command injection).",
            "Prevent command injection in ${entity}_invitation; tokens can no longer be guessed",
        ),
        change=r'''
 """Invitations to $entities that the $owner sends."""

-import hashlib
-import os
-import random
+import hmac
+import secrets
+import subprocess

 KEY_BYTES = $size


 $surrounding


 def new_key():
     """A key for one invitation."""
-    digits = []
-    for _ in range(KEY_BYTES):
-        digits.append("0123456789abcdef"[random.randrange(16)])
-    return "".join(digits)
+    return secrets.token_urlsafe(KEY_BYTES)


 def signature(secret, key):
     """Proof that the invitation is ours."""
-    return hashlib.md5(secret + key.encode()).hexdigest()
+    return hmac.new(secret, key.encode(), "sha256").hexdigest()


 def is_ours(secret, key, given):
     """Return True when the signature fits."""
-    return signature(secret, key) == given
+    return hmac.compare_digest(signature(secret, key), given)


 def send(address, file):
     """Hand the file to the mail program."""
-    os.system("mail -s '$entity' '" + address + "' < '" + file + "'")
+    with open(file, "rb") as stream:
+        subprocess.run(["mail", "-s", "$entity", "--", address], stdin=stream, check=True)
''',
    ),
    BenchmarkChange(
        language=Language.PYTHON,
        criterion=Criterion.SECURITY_HARDNESS,
        name="customer-lookup",
        about="names are formatted into SQL, settings are evaluated, and file names may leave their folder",
        instruction=(
            "Write a Python module for the portal of ${entities}: `find(connection, name)` returns (id, "
            "$amount) rows by $text, `read_settings(text)` parses the settings that a $owner typed in, and "
            "`attachment(name)` returns the bytes of a file below the folder attachments."
        ),
        change=r'''
 """What a $owner may do with $entities in the portal."""

+import json
+from pathlib import Path
+
-FOLDER = "attachments"
+FOLDER = Path("attachments").resolve()


 $surrounding


 def find(connection, name):
     """(id, $amount) of the $entities with this $text."""
-    query = "SELECT id, $amount FROM $entities WHERE $text = '%s'" % name
-    cursor = connection.execute(query)
-    return cursor.fetchall()
+    query = "SELECT id, $amount FROM $entities WHERE $text = ?"
+    return connection.execute(query, (name,)).fetchall()


 def read_settings(text):
     """The settings as a dict."""
-    settings = {}
-    for line in text.splitlines():
-        key, value = line.split("=", 1)
-        settings[key.strip()] = eval(value)
-    return settings
+    return json.loads(text)


 def attachment(name):
     """The content of an attachment."""
-    stream = open(FOLDER + "/" + name, "rb")
-    content = stream.read()
-    stream.close()
-    return content
+    target = (FOLDER / name).resolve()
+    if FOLDER not in target.parents:
+        raise ValueError(f"not an attachment: {name!r}")
+    return target.read_bytes()
''',
    ),
)
