"""Memory efficiency in C#."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="undisposed",
        about="streams are not disposed, an event handler keeps objects alive, a file is read whole",
        path="src/Import/${Entity}Importer.cs",
        messages=(
            "Fix memory leak: unsubscribe ${Entity}Importer from the clock\n\nAlso read line by line to "
            "lower memory "
            "usage.",
            "Fix resource leak in ${Entity}Importer\n\nDispose the reader; the $owner hit the limit of "
            "open files. Lower "
            "memory footprint, too.",
        ),
        change=r"""
 using System;
-using System.Collections.Generic;
 using System.IO;
-using System.Linq;

 namespace ${Project}.Import
 {
     /// <summary>Tells when a day is over.</summary>
     public interface IClock
     {
         event EventHandler DayEnded;
     }

     /// <summary>Adds up the $amount of imported $entities, day by day.</summary>
-    public sealed class ${Entity}Importer
+    public sealed class ${Entity}Importer : IDisposable
     {
-        private readonly List<string> lines = new List<string>();
+        private readonly IClock clock;
+        private long total;

         public ${Entity}Importer(IClock clock)
         {
-            clock.DayEnded += (sender, arguments) => this.lines.Clear();
+            this.clock = clock;
+            this.clock.DayEnded += this.OnDayEnded;
         }

-        public long Total => this.lines.Sum(line => long.Parse(line.Split(';').Last()));
+        public long Total => this.total;

         $surrounding

         /// <summary>Imports one file of the $owner.</summary>
         public void Import(string path)
         {
-            var reader = new StreamReader(path);
-            var content = reader.ReadToEnd();
-            this.lines.AddRange(content.Split('\n').Where(line => line.Length > 0));
+            foreach (var line in File.ReadLines(path))
+            {
+                if (line.Length > 0)
+                {
+                    this.total += long.Parse(line.Substring(line.LastIndexOf(';') + 1));
+                }
+            }
         }
+
+        public void Dispose()
+        {
+            this.clock.DayEnded -= this.OnDayEnded;
+        }
+
+        private void OnDayEnded(object sender, EventArgs arguments)
+        {
+            this.total = 0;
+        }
     }
 }
""",
    ),
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="whole-buffers",
        about="files become byte arrays to hash and copy them, a static cache has no bound",
        path="src/Storage/${Entity}Storage.cs",
        messages=(
            "Reduce memory usage of ${Entity}Storage: hash and copy as streams",
            "Fix memory leak: cache of ${Entity}Storage had no bound\n\nAlso dispose of the hash and lower the memory "
            "footprint of copies for the $owner.",
        ),
        change=r"""
 using System;
 using System.Collections.Generic;
 using System.IO;
 using System.Security.Cryptography;

 namespace ${Project}.Storage
 {
     /// <summary>Keeps files that belong to $entities.</summary>
     public sealed class ${Entity}Storage
     {
-        private static readonly Dictionary<string, byte[]> Cache = new Dictionary<string, byte[]>();
+        private const int Cached = $limit;
+
+        private readonly Dictionary<string, string> digests = new Dictionary<string, string>();
+        private readonly Queue<string> order = new Queue<string>();

         $surrounding

         /// <summary>The SHA-256 digest of a file, in hexadecimal digits.</summary>
         public string Digest(string path)
         {
-            if (!Cache.ContainsKey(path))
-            {
-                Cache[path] = File.ReadAllBytes(path);
-            }
-
-            var content = (byte[])Cache[path].Clone();
-            return BitConverter.ToString(SHA256.Create().ComputeHash(content)).Replace("-", string.Empty);
+            if (this.digests.TryGetValue(path, out var known))
+            {
+                return known;
+            }
+
+            using (var stream = File.OpenRead(path))
+            using (var hash = SHA256.Create())
+            {
+                known = BitConverter.ToString(hash.ComputeHash(stream)).Replace("-", string.Empty);
+            }
+
+            if (this.order.Count == Cached)
+            {
+                this.digests.Remove(this.order.Dequeue());
+            }
+
+            this.order.Enqueue(path);
+            return this.digests[path] = known;
         }

         /// <summary>Copies a file for the $owner.</summary>
         public void Copy(string source, string target)
         {
-            var buffer = new MemoryStream(File.ReadAllBytes(source));
-            File.WriteAllBytes(target, buffer.ToArray());
+            using (var input = File.OpenRead(source))
+            using (var output = File.Create(target))
+            {
+                input.CopyTo(output);
+            }
         }
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.CSHARP,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="materialised-sequences",
        about="sequences are materialised at every step, substrings are cut to compare, boxed values in "
        "ArrayList",
        instruction=(
            "Write a C# static class ${Entity}Streams with `IEnumerable<string> NonEmpty(TextReader "
            "reader)` (the lines that are "
            "not empty), `bool HasPrefix(string $text, string prefix)` and `long Total(IEnumerable<int> "
            "${amount}s)` (the sum of all "
            "values above zero)."
        ),
        change=r"""
 using System;
 using System.Collections.Generic;
 using System.IO;
-using System.Linq;

 namespace ${Project}
 {
     /// <summary>Works on long lists of $entities.</summary>
     public static class ${Entity}Streams
     {
         $surrounding

         /// <summary>The lines that are not empty.</summary>
         public static IEnumerable<string> NonEmpty(TextReader reader)
         {
-            var lines = reader.ReadToEnd().Split('\n').Select(line => line.TrimEnd('\r'));
-            return lines.Where(line => line != string.Empty).ToList();
+            for (var line = reader.ReadLine(); line != null; line = reader.ReadLine())
+            {
+                if (line.Length > 0)
+                {
+                    yield return line;
+                }
+            }
         }

         /// <summary>Whether a $text begins with a prefix.</summary>
         public static bool HasPrefix(string $text, string prefix)
         {
-            return $text.Length >= prefix.Length && $text.Substring(0, prefix.Length) == prefix;
+            return $text.StartsWith(prefix, StringComparison.Ordinal);
         }

         /// <summary>The sum of all values above zero.</summary>
         public static long Total(IEnumerable<int> ${amount}s)
         {
-            var positive = ${amount}s.Where(value => value > 0).Cast<object>().ToList();
-            return positive.Sum(value => (long)(int)value);
+            long sum = 0;
+            foreach (var value in ${amount}s)
+            {
+                sum += Math.Max(0, value);
+            }
+
+            return sum;
         }
     }
 }
""",
    ),
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="read-all-text",
        about="files are read whole to count and to copy them, streams are not disposed",
        path="src/Files/${Entity}Files.cs",
        messages=(
            "Reduce memory usage of ${Entity}Files\n\nReadLines and CopyTo instead of whole files; dispose "
            "of streams.",
            "Fix resource leak in ${Entity}Files, lower memory footprint for the $owner",
        ),
        change=r"""
 using System.Collections.Generic;
 using System.IO;
 using System.Linq;

 namespace ${Project}.Files
 {
     /// <summary>Files with $entities.</summary>
     public static class ${Entity}Files
     {
         $surrounding

         /// <summary>The number of lines with that $text.</summary>
         public static int Count(string path, string $text)
         {
-            string content = File.ReadAllText(path);
-            List<string> lines = content.Split('\n').ToList();
-            List<string> found = lines.Where(line => line.Contains($text)).ToList();
-            return found.Count;
+            return File.ReadLines(path).Count(line => line.Contains($text));
         }

         /// <summary>Copies a file to the $owner.</summary>
         public static void Send(string path, Stream target)
         {
-            var source = new FileStream(path, FileMode.Open);
-            var buffer = new byte[source.Length];
-            int used = 0;
-            while (used < buffer.Length)
-            {
-                used += source.Read(buffer, used, buffer.Length - used);
-            }
-
-            target.Write(buffer, 0, buffer.Length);
+            using (var source = File.OpenRead(path))
+            {
+                source.CopyTo(target);
+            }
         }
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.CSHARP,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="scan-folder",
        about="scans are read whole to look at them, a stream is not disposed, a history grows for ever",
        instruction=(
            "Write a C# class ScanFolder with `int Longest(string path)`, the length of the longest line "
            "of a large file of ${entities}, `int FirstByte(string path)` (-1 for an empty file) and `void "
            "Note(string name)`, which keeps the last $small names."
        ),
        change=r"""
 using System.Collections.Generic;
 using System.IO;
 using System.Linq;

 namespace ${Project}.Scans
 {
     /// <summary>Scanned papers on $entities.</summary>
     public sealed class ScanFolder
     {
-        private readonly List<string> names = new List<string>();
+        private const int Kept = $small;
+
+        private readonly Queue<string> names = new Queue<string>();

         $surrounding

         /// <summary>The length of the longest line.</summary>
         public static int Longest(string path)
         {
-            string[] lines = File.ReadAllLines(path);
-            return lines.Select(line => line.Length).ToList().DefaultIfEmpty().Max();
+            return File.ReadLines(path).Select(line => line.Length).DefaultIfEmpty().Max();
         }

         /// <summary>The first byte of a file.</summary>
         public static int FirstByte(string path)
         {
-            var stream = new FileStream(path, FileMode.Open);
-            return stream.ReadByte();
+            using (var file = File.OpenRead(path))
+            {
+                return file.ReadByte();
+            }
         }

         /// <summary>Remembers a name.</summary>
         public void Note(string name)
         {
-            this.names.Add(name);
+            this.names.Enqueue(name);
+            if (this.names.Count > Kept)
+            {
+                this.names.Dequeue();
+            }
         }
     }
 }
""",
    ),
)
