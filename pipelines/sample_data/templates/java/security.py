"""Security hardness in Java."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.SECURITY_HARDNESS,
        name="statement-and-session",
        about="SQL is concatenated, session ids come from java.util.Random, and passwords are compared "
        "byte by byte",
        path="src/main/java/$project/${Entity}Login.java",
        messages=(
            "Prevent SQL injection in ${Entity}Login\n\nPreparedStatement, SecureRandom for session ids, "
            "comparison in "
            "constant time.",
            "Harden ${Entity}Login: SQL injection, guessable sessions, timing attack\n\nFound in the "
            "review by the $owner.",
        ),
        change=r"""
 package $project;

+import java.security.MessageDigest;
+import java.security.SecureRandom;
 import java.sql.Connection;
+import java.sql.PreparedStatement;
 import java.sql.ResultSet;
 import java.sql.SQLException;
-import java.sql.Statement;
-import java.util.Arrays;
-import java.util.Random;
+import java.util.Base64;

 /** Lets a $owner in to see the $entities. */
 public class ${Entity}Login {
     private static final int SESSION_BYTES = $size;

     private final Connection connection;
-    private final Random random = new Random(System.currentTimeMillis());
+    private final SecureRandom random = new SecureRandom();

     public ${Entity}Login(Connection connection) {
         this.connection = connection;
     }

     $surrounding

     /** A new session id, or null where the $owner or the password hash is wrong. */
     public String open(String name, byte[] hash) throws SQLException {
-        Statement statement = connection.createStatement();
-        ResultSet rows = statement.executeQuery("SELECT hash FROM ${owner}s WHERE name = '" + name + "'");
-        if (!rows.next() || !Arrays.equals(rows.getBytes(1), hash)) {
-            return null;
+        String query = "SELECT hash FROM ${owner}s WHERE name = ?";
+        try (PreparedStatement statement = connection.prepareStatement(query)) {
+            statement.setString(1, name);
+            try (ResultSet rows = statement.executeQuery()) {
+                if (!rows.next() || !MessageDigest.isEqual(rows.getBytes(1), hash)) {
+                    return null;
+                }
+            }
         }
-        return name + "-" + random.nextInt();
+        byte[] session = new byte[SESSION_BYTES];
+        random.nextBytes(session);
+        return Base64.getUrlEncoder().withoutPadding().encodeToString(session);
     }
 }
""",
    ),
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.SECURITY_HARDNESS,
        name="objects-and-processes",
        about="objects of strangers are deserialised, a command is one string, names are joined to paths",
        path="src/main/java/$project/${Entity}Transfer.java",
        messages=(
            "Fix path traversal and command injection in ${Entity}Transfer",
            "Harden ${Entity}Transfer\n\nNo deserialization of objects from a $owner, no shell, names must stay in the "
            "folder (security).",
            "Security: read $entities from a plain format instead of serialised objects",
        ),
        change=r"""
 package $project;

+import java.io.DataInputStream;
 import java.io.IOException;
 import java.io.InputStream;
-import java.io.ObjectInputStream;
 import java.nio.file.Path;
 import java.nio.file.Paths;
+import java.util.ArrayList;
 import java.util.List;

 /** Takes over $entities from another ${owner}. */
 public class ${Entity}Transfer {
     private static final Path FOLDER = Paths.get("/srv/$project/$entities");
+    private static final int MOST = $limit;

     $surrounding

     /** The ${amount}s in a transfer. */
-    @SuppressWarnings("unchecked")
-    public List<Integer> read(InputStream in) throws IOException, ClassNotFoundException {
-        try (ObjectInputStream objects = new ObjectInputStream(in)) {
-            return (List<Integer>) objects.readObject();
-        }
-    }
+    public List<Integer> read(InputStream in) throws IOException {
+        DataInputStream data = new DataInputStream(in);
+        int count = data.readInt();
+        if (count < 0 || count > MOST) {
+            throw new IOException("a transfer holds at most " + MOST + " $entities");
+        }
+        List<Integer> ${amount}s = new ArrayList<>(count);
+        for (int i = 0; i < count; i++) {
+            ${amount}s.add(data.readInt());
+        }
+        return ${amount}s;
+    }

     /** Where the file of that name lies. */
     public Path locate(String name) throws IOException {
-        return Paths.get(FOLDER + "/" + name);
+        Path path = FOLDER.resolve(name).normalize();
+        if (!path.startsWith(FOLDER)) {
+            throw new IOException("outside of the folder: " + name);
+        }
+        return path;
     }

     /** Prints the file of that name. */
     public Process print(String name) throws IOException {
-        return Runtime.getRuntime().exec("sh -c 'lpr " + locate(name) + "'");
+        return new ProcessBuilder("lpr", "--", locate(name).toString()).start();
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.JAVA,
        criterion=Criterion.SECURITY_HARDNESS,
        name="xml-and-zip",
        about="external entities are resolved and zip entries may leave the target folder",
        instruction=(
            "Write a Java class ${Entity}Upload with `Document parse(InputStream in)`, which reads an XML "
            "description of "
            "$entities, and `void unpack(InputStream in, Path folder)`, which unpacks a zip file of "
            "$entities into a folder."
        ),
        change=r"""
 package $project;

 import java.io.IOException;
 import java.io.InputStream;
 import java.nio.file.Files;
 import java.nio.file.Path;
 import java.util.zip.ZipEntry;
 import java.util.zip.ZipInputStream;
+import javax.xml.XMLConstants;
 import javax.xml.parsers.DocumentBuilderFactory;
 import javax.xml.parsers.ParserConfigurationException;
 import org.w3c.dom.Document;
 import org.xml.sax.SAXException;

 /** Takes what a $owner uploads about $entities. */
 public class ${Entity}Upload {
     $surrounding

     /** The XML description of $entities. */
     public Document parse(InputStream in) throws IOException, SAXException, ParserConfigurationException {
         DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
-        factory.setExpandEntityReferences(true);
-        factory.setXIncludeAware(true);
-        factory.setNamespaceAware(true);
+        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
+        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
+        factory.setNamespaceAware(true);
         return factory.newDocumentBuilder().parse(in);
     }

     /** Unpacks a zip file below the folder. */
     public void unpack(InputStream in, Path folder) throws IOException {
+        Path root = folder.toAbsolutePath().normalize();
         try (ZipInputStream zip = new ZipInputStream(in)) {
             for (ZipEntry $item = zip.getNextEntry(); $item != null; $item = zip.getNextEntry()) {
-                Path target = Path.of(folder + "/" + $item.getName());
+                Path target = root.resolve($item.getName()).normalize();
+                if (!target.startsWith(root)) {
+                    throw new IOException("outside of the folder: " + $item.getName());
+                }
                 if ($item.isDirectory()) {
                     Files.createDirectories(target);
                 } else {
                     Files.createDirectories(target.getParent());
                     Files.copy(zip, target);
                 }
             }
         }
     }
 }
""",
    ),
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.SECURITY_HARDNESS,
        name="token-service",
        about=(
            "tokens come from Random, passwords are hashed with MD5 and compared with equals, SQL is "
            "concatenated"
        ),
        path="src/main/java/$project/${Entity}Tokens.java",
        messages=(
            "Harden ${Entity}Tokens: SecureRandom, constant time compare, prepared statement",
            "Prevent SQL injection in ${Entity}Tokens\n\nFound in the security review of the $owner.",
        ),
        change=r"""
 package $project;

+import java.security.MessageDigest;
+import java.security.SecureRandom;
 import java.sql.Connection;
+import java.sql.PreparedStatement;
 import java.sql.SQLException;
-import java.sql.Statement;
-import java.util.Arrays;
-import java.util.Random;

 /** Tokens with which a $owner sees $entities. */
 public class ${Entity}Tokens {
-    private final Random random = new Random();
+    private final SecureRandom random = new SecureRandom();

     $surrounding

     /** A new token. */
     public byte[] create() {
         byte[] token = new byte[$size];
-        for (int i = 0; i < token.length; i++) {
-            token[i] = (byte) random.nextInt(256);
-        }
+        random.nextBytes(token);
         return token;
     }

     /** Whether both are the same. */
     public boolean matches(byte[] given, byte[] expected) {
-        return Arrays.equals(given, expected);
+        return MessageDigest.isEqual(given, expected);
     }

     /** Forgets the tokens of a $owner. */
     public void revoke(Connection connection, String name) throws SQLException {
-        Statement statement = connection.createStatement();
-        String command = "DELETE FROM tokens WHERE $owner = '" + name + "'";
-        statement.executeUpdate(command);
-        statement.close();
+        String command = "DELETE FROM tokens WHERE $owner = ?";
+        try (PreparedStatement statement = connection.prepareStatement(command)) {
+            statement.setString(1, name);
+            statement.executeUpdate();
+        }
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.JAVA,
        criterion=Criterion.SECURITY_HARDNESS,
        name="backup-desk",
        about=(
            "SQL is concatenated, a command is one string, keys are made with Random and compared with equals"
        ),
        instruction=(
            "Write a Java class BackupDesk with `void rename(Connection connection, long id, String "
            "$text)`, which updates the table $entities, `Process pack(String name)`, which packs the "
            "folder of that name with tar, and `boolean keyMatches(byte[] key, byte[] wanted)`."
        ),
        change=r"""
 package $project;

 import java.io.IOException;
+import java.security.MessageDigest;
 import java.sql.Connection;
+import java.sql.PreparedStatement;
 import java.sql.SQLException;
-import java.sql.Statement;
-import java.util.Arrays;

 /** Backups of $entities. */
 public class BackupDesk {
     $surrounding

     /** Gives a $entity another $text. */
     public void rename(Connection connection, long id, String $text) throws SQLException {
-        Statement update = connection.createStatement();
-        update.executeUpdate("UPDATE $entities SET $text = '" + $text + "' WHERE id = " + id);
+        String command = "UPDATE $entities SET $text = ? WHERE id = ?";
+        try (PreparedStatement update = connection.prepareStatement(command)) {
+            update.setString(1, $text);
+            update.setLong(2, id);
+            update.executeUpdate();
+        }
     }

     /** Packs a folder of $entities. */
     public Process pack(String name) throws IOException {
-        String command = "tar -czf " + name + ".tgz " + name;
-        return Runtime.getRuntime().exec(new String[] {"sh", "-c", command});
+        if (!name.matches("[a-z0-9_]+")) {
+            throw new IllegalArgumentException("not the name of a folder");
+        }
+        return new ProcessBuilder("tar", "-czf", name + ".tgz", "--", name).start();
     }

     /** Whether the $owner has the key. */
     public boolean keyMatches(byte[] key, byte[] wanted) {
-        return Arrays.equals(key, wanted);
+        return MessageDigest.isEqual(key, wanted);
     }
 }
""",
    ),
)
