"""Security hardness in C#."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.SECURITY_HARDNESS,
        name="repository-and-files",
        about="SQL is concatenated, file names may leave their folder, passwords are hashed with MD5",
        path="src/Data/${Entity}Repository.cs",
        messages=(
            "Prevent SQL injection in ${Entity}Repository\n\nParameters for all values; names of "
            "attachments are checked "
            "(path traversal).",
            "Harden ${Entity}Repository: SQL injection, path traversal, weak hash\n\nReview for the $owner.",
        ),
        change=r"""
 using System;
 using System.Data;
 using System.IO;
 using System.Security.Cryptography;
-using System.Text;

 namespace ${Project}.Data
 {
     /// <summary>Stores $entities and the files that belong to them.</summary>
     public sealed class ${Entity}Repository
     {
         private const string Folder = "/srv/$project/$entities";
+        private const int Iterations = 600000;
+
         private readonly IDbConnection connection;

         public ${Entity}Repository(IDbConnection connection)
         {
             this.connection = connection;
         }

         $surrounding

         /// <summary>The number of $entities of a $text.</summary>
         public long Count(string $text)
         {
             using (var command = this.connection.CreateCommand())
             {
-                command.CommandText = "SELECT COUNT(*) FROM $entities WHERE $text = '" + $text + "'";
+                command.CommandText = "SELECT COUNT(*) FROM $entities WHERE $text = @$text";
+                var parameter = command.CreateParameter();
+                parameter.ParameterName = "@$text";
+                parameter.Value = $text;
+                command.Parameters.Add(parameter);
                 return Convert.ToInt64(command.ExecuteScalar());
             }
         }

         /// <summary>The content of an attachment.</summary>
         public byte[] Attachment(string name)
         {
-            return File.ReadAllBytes(Folder + "/" + name);
+            if (name != Path.GetFileName(name))
+            {
+                throw new ArgumentException("not the name of an attachment", nameof(name));
+            }
+
+            return File.ReadAllBytes(Path.Combine(Folder, name));
         }

         /// <summary>What is stored for the password of a $owner.</summary>
         public static byte[] HashPassword(string password, byte[] salt)
         {
-            using (var md5 = MD5.Create())
-            {
-                return md5.ComputeHash(Encoding.UTF8.GetBytes(password));
-            }
+            using (var kdf = new Rfc2898DeriveBytes(password, salt, Iterations, HashAlgorithmName.SHA256))
+            {
+                return kdf.GetBytes(32);
+            }
         }
     }
 }
""",
    ),
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.SECURITY_HARDNESS,
        name="xml-and-processes",
        about="XML may pull in files, a program is started through a shell, HTML is built from raw text",
        path="src/Web/${Entity}Export.cs",
        messages=(
            "Prevent XXE and command injection in ${Entity}Export",
            "Harden ${Entity}Export\n\nNo DTD, no shell, encode text (XSS). Found by a $owner in a security review.",
            "Sanitize $text in ${Entity}Export, forbid DTDs (XXE)",
        ),
        change=r"""
 using System;
 using System.Diagnostics;
 using System.IO;
+using System.Net;
 using System.Xml;

 namespace ${Project}.Web
 {
     /// <summary>Exports $entities and reads them back.</summary>
     public sealed class ${Entity}Export
     {
         $surrounding

         /// <summary>Reads an export.</summary>
         public XmlDocument Read(Stream stream)
         {
-            var document = new XmlDocument { XmlResolver = new XmlUrlResolver() };
-            document.Load(stream);
+            var document = new XmlDocument { XmlResolver = null };
+            var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
+            using (var reader = XmlReader.Create(stream, settings))
+            {
+                document.Load(reader);
+            }
+
             return document;
         }

         /// <summary>Opens the folder of that name in the archive program.</summary>
         public Process Pack(string name)
         {
-            return Process.Start("cmd.exe", "/c 7z a " + name + ".7z $entities\\" + name);
+            if (name.IndexOfAny(Path.GetInvalidFileNameChars()) >= 0 || name.StartsWith("-", StringComparison.Ordinal))
+            {
+                throw new ArgumentException("not the name of a folder", nameof(name));
+            }
+
+            var start = new ProcessStartInfo("7z") { UseShellExecute = false };
+            start.ArgumentList.Add("a");
+            start.ArgumentList.Add(name + ".7z");
+            start.ArgumentList.Add(Path.Combine("$entities", name));
+            return Process.Start(start);
         }

         /// <summary>One row of the table that the $owner sees.</summary>
         public string Row(string $text, int $amount)
         {
-            return "<tr><td>" + $text + "</td><td>" + $amount + "</td></tr>";
+            return "<tr><td>" + WebUtility.HtmlEncode($text) + "</td><td>" + $amount + "</td></tr>";
         }
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.CSHARP,
        criterion=Criterion.SECURITY_HARDNESS,
        name="deserialise-and-redirect",
        about="BinaryFormatter on uploads, open redirects, tokens from System.Random",
        instruction=(
            "Write a C# static class ${Entity}Web with `Dictionary<string, int> ReadCounts(Stream upload)` "
            "(the number of $entities "
            "per $text, as a $owner uploaded it), `string ReturnAddress(string requested)` (where to go "
            'after the login; "/" by '
            "default) and `string NewToken()`."
        ),
        change=r"""
 using System;
 using System.Collections.Generic;
 using System.IO;
-using System.Runtime.Serialization.Formatters.Binary;
+using System.Security.Cryptography;
+using System.Text.Json;

 namespace ${Project}
 {
     /// <summary>What the web pages about $entities need.</summary>
     public static class ${Entity}Web
     {
         private const int TokenBytes = $size;

-        private static readonly Random Numbers = new Random();
-
         $surrounding

         /// <summary>The number of $entities per $text.</summary>
         public static Dictionary<string, int> ReadCounts(Stream upload)
         {
-            var formatter = new BinaryFormatter();
-            return (Dictionary<string, int>)formatter.Deserialize(upload);
+            return JsonSerializer.Deserialize<Dictionary<string, int>>(upload);
         }

         /// <summary>Where the $owner goes after the login.</summary>
         public static string ReturnAddress(string requested)
         {
-            if (string.IsNullOrEmpty(requested))
-            {
-                return "/";
-            }
-
-            return requested;
+            var isLocal = requested != null
+                && requested.StartsWith("/", StringComparison.Ordinal)
+                && !requested.StartsWith("//", StringComparison.Ordinal)
+                && !requested.Contains('\\');
+            return isLocal ? requested : "/";
         }

         /// <summary>A new token for the session.</summary>
         public static string NewToken()
         {
-            var token = "";
-            for (var i = 0; i < TokenBytes; i++)
-            {
-                token += Numbers.Next(256).ToString("x2");
-            }
-
-            return token;
+            return Convert.ToHexString(RandomNumberGenerator.GetBytes(TokenBytes));
         }
     }
 }
""",
    ),
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.SECURITY_HARDNESS,
        name="member-area",
        about="SQL is concatenated, tokens come from Random, hashes are MD5 and compared with ==",
        path="src/Members/${Entity}Members.cs",
        messages=(
            "Harden ${Entity}Members: bound parameters, RandomNumberGenerator, constant time compare",
            "Prevent SQL injection in ${Entity}Members\n\nSecurity review of the $owner.",
        ),
        change=r"""
 using System;
 using System.Data;
 using System.Security.Cryptography;
-using System.Text;

 namespace ${Project}.Members
 {
     /// <summary>The area in which a $owner sees $entities.</summary>
     public static class ${Entity}Members
     {
         $surrounding

         /// <summary>Forgets a member.</summary>
         public static void Remove(IDbCommand command, string name)
         {
-            string text = "DELETE FROM members WHERE name = '" + name + "'";
-            command.CommandText = text;
+            command.CommandText = "DELETE FROM members WHERE name = @name";
+            var parameter = command.CreateParameter();
+            parameter.ParameterName = "@name";
+            parameter.Value = name;
+            command.Parameters.Add(parameter);
             command.ExecuteNonQuery();
         }

         /// <summary>A new token.</summary>
         public static string NewToken()
         {
-            var random = new Random();
-            var token = new StringBuilder();
-            for (int i = 0; i < $size; i++)
-            {
-                token.Append((char)('a' + random.Next(26)));
-            }
-
-            return token.ToString();
+            return Convert.ToBase64String(RandomNumberGenerator.GetBytes($size));
         }

         /// <summary>Whether both tokens are the same.</summary>
         public static bool Same(byte[] given, byte[] expected)
         {
-            using (var md5 = MD5.Create())
-            {
-                string left = Convert.ToBase64String(md5.ComputeHash(given));
-                string right = Convert.ToBase64String(md5.ComputeHash(expected));
-                return left == right;
-            }
+            return CryptographicOperations.FixedTimeEquals(given, expected);
         }
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.CSHARP,
        criterion=Criterion.SECURITY_HARDNESS,
        name="badge-office",
        about=(
            "SQL is concatenated, a badge number comes from Random, a name may leave its folder, keys are "
            "compared in order"
        ),
        instruction=(
            "Write a C# class BadgeOffice with `void Rename(IDbCommand command, string $text)`, which "
            "updates the $text of badge 1, `int NewNumber()` (six digits that nobody can guess), `byte[] "
            "Photo(string name)` from the folder photos, and `bool Matches(byte[] key, byte[] wanted)`."
        ),
        change=r"""
 using System;
 using System.Data;
 using System.IO;
-using System.Linq;
+using System.Security.Cryptography;

 namespace ${Project}.Badges
 {
     /// <summary>Badges for those who look after $entities.</summary>
     public static class BadgeOffice
     {
         $surrounding

         /// <summary>Changes the first badge.</summary>
         public static void Rename(IDbCommand command, string $text)
         {
-            command.CommandText = "UPDATE badges SET $text = '" + $text + "' WHERE id = 1";
+            command.CommandText = "UPDATE badges SET $text = @value WHERE id = 1";
+            var value = command.CreateParameter();
+            value.ParameterName = "@value";
+            value.Value = $text;
+            command.Parameters.Add(value);
             command.ExecuteNonQuery();
         }

         /// <summary>The number of a new badge.</summary>
         public static int NewNumber()
         {
-            return new Random().Next(100000, 1000000);
+            return RandomNumberGenerator.GetInt32(100000, 1000000);
         }

         /// <summary>The photo on a badge.</summary>
         public static byte[] Photo(string name)
         {
-            return File.ReadAllBytes("photos/" + name);
+            string file = Path.GetFileName(name);
+            if (file != name)
+            {
+                throw new ArgumentException("not the name of a photo", nameof(name));
+            }
+
+            return File.ReadAllBytes(Path.Combine("photos", file));
         }

         /// <summary>Whether the key of a badge is right.</summary>
         public static bool Matches(byte[] key, byte[] wanted)
         {
-            return key.SequenceEqual(wanted);
+            return CryptographicOperations.FixedTimeEquals(key, wanted);
         }
     }
 }
""",
    ),
)
