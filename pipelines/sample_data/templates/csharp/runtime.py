"""Runtime efficiency in C#."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="repeated-enumeration",
        about="a query is enumerated again and again, lookups scan a list, strings grow in a loop",
        path="src/Reports/${Entity}Report.cs",
        messages=(
            "Speed up ${Entity}Report: enumerate once, dictionary for lookup",
            "Faster ${Entity}Report\n\nThe query ran for every line. Use StringBuilder and a hash lookup "
            "by id; the "
            "$owner no\nlonger waits.",
            "Optimize loop in ${Entity}Report (caching of ${owner}s by id)",
        ),
        change=r"""
 using System;
 using System.Collections.Generic;
 using System.Linq;
+using System.Text;

 namespace ${Project}.Reports
 {
     /// <summary>The list of $entities with their ${owner}s.</summary>
     public sealed class ${Entity}Report
     {
         public sealed class Line
         {
             public long ${Owner}Id { get; set; }

             public string ${Text} { get; set; }
         }

         $surrounding

         /// <summary>One line per $entity; an unknown $owner is shown as a dash.</summary>
         public string Render(IEnumerable<Line> lines, IList<KeyValuePair<long, string>> ${owner}s)
         {
-            var $result = "";
-            for (var i = 0; i < lines.Count(); i++)
-            {
-                var $item = lines.ElementAt(i);
-                var known = ${owner}s.Where(one => one.Key == $item.${Owner}Id);
-                var $owner = known.Select(one => one.Value).FirstOrDefault();
-                $result += $item.${Text} + ": " + ($owner ?? "-") + Environment.NewLine;
-            }
-
-            return $result;
+            var names = ${owner}s.ToDictionary(one => one.Key, one => one.Value);
+            var $result = new StringBuilder();
+            foreach (var $item in lines)
+            {
+                if (!names.TryGetValue($item.${Owner}Id, out var $owner))
+                {
+                    $owner = "-";
+                }
+
+                $result.Append($item.${Text}).Append(": ").AppendLine($owner);
+            }
+
+            return $result.ToString();
         }

         /// <summary>Whether the report has any line of this text.</summary>
         public bool Has(IEnumerable<Line> lines, string text)
         {
-            return lines.Where($item => $item.${Text} == text).Count() > 0;
+            return lines.Any($item => $item.${Text} == text);
         }
     }
 }
""",
    ),
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="regex-and-lists",
        about="a pattern is built per call, lists are searched and shifted, text is folded for every comparison",
        path="src/Search/${Entity}Search.cs",
        messages=(
            "Speed up ${Entity}Search: compiled pattern, hash set, no ToLower in loops",
            "Use set and queue in ${Entity}Search: constant time per step\n\nFaster search for the $owner with many "
            "$entities.",
            "Optimize loop in ${Entity}Search",
        ),
        change=r"""
 using System;
 using System.Collections.Generic;
-using System.Linq;
 using System.Text.RegularExpressions;

 namespace ${Project}.Search
 {
     /// <summary>Finds $entities by words and by their neighbours.</summary>
     public sealed class ${Entity}Search
     {
+        private static readonly Regex Word = new Regex("[a-z0-9]+", RegexOptions.Compiled | RegexOptions.IgnoreCase);
+
         private readonly Dictionary<int, int[]> neighbours;

         public ${Entity}Search(Dictionary<int, int[]> neighbours)
         {
             this.neighbours = neighbours;
         }

         $surrounding

         /// <summary>The distinct words of a $text, whatever their case.</summary>
         public static ICollection<string> Words(string $text)
         {
-            var words = new List<string>();
-            foreach (Match match in new Regex("[a-z0-9]+").Matches($text.ToLower()))
-            {
-                if (!words.Any(word => word.ToLower() == match.Value.ToLower()))
-                {
-                    words.Add(match.Value);
-                }
-            }
+            var words = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
+            foreach (Match match in Word.Matches($text))
+            {
+                words.Add(match.Value);
+            }

             return words;
         }

         /// <summary>The number of $entities that can be reached from one.</summary>
         public int Reachable(int start)
         {
-            var seen = new List<int> { start };
-            var open = new List<int> { start };
+            var seen = new HashSet<int> { start };
+            var open = new Queue<int>(seen);
             while (open.Count > 0)
             {
-                var $item = open[0];
-                open.RemoveAt(0);
-                foreach (var next in this.neighbours[$item])
-                {
-                    if (!seen.Contains(next))
-                    {
-                        seen.Add(next);
-                        open.Add(next);
-                    }
-                }
+                foreach (var next in this.neighbours[open.Dequeue()])
+                {
+                    if (seen.Add(next))
+                    {
+                        open.Enqueue(next);
+                    }
+                }
             }

             return seen.Count;
         }
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.CSHARP,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="blocking-waits",
        about="asynchronous calls are awaited one by one, sorting picks the best, exceptions steer the flow",
        instruction=(
            "Write a C# class ${Entity}Loader with `Task<string[]> LoadAllAsync(IEnumerable<long> ids)` "
            "(uses an injected "
            "`Func<long, Task<string>>`), `int Best(IReadOnlyList<int> ${amount}s)` (the largest value) "
            "and `int "
            "SumOfNumbers(IEnumerable<string> texts)` (ignores texts that are no numbers)."
        ),
        change=r"""
 using System;
 using System.Collections.Generic;
 using System.Linq;
 using System.Threading.Tasks;

 namespace ${Project}
 {
     /// <summary>Loads $entities for the $owner.</summary>
     public sealed class ${Entity}Loader
     {
         private readonly Func<long, Task<string>> load;

         public ${Entity}Loader(Func<long, Task<string>> load)
         {
             this.load = load;
         }

         $surrounding

         /// <summary>All $entities, in the order of their ids.</summary>
         public async Task<string[]> LoadAllAsync(IEnumerable<long> ids)
         {
-            var $result = new List<string>();
-            foreach (var id in ids)
-            {
-                $result.Add(await this.load(id));
-            }
-
-            return $result.ToArray();
+            return await Task.WhenAll(ids.Select(this.load));
         }

         /// <summary>The largest $amount.</summary>
         public int Best(IReadOnlyList<int> ${amount}s)
         {
-            return ${amount}s.OrderByDescending(value => value).ToList()[0];
+            return ${amount}s.Max();
         }

         /// <summary>The sum of those texts that are numbers.</summary>
         public int SumOfNumbers(IEnumerable<string> texts)
         {
             var sum = 0;
             foreach (var text in texts)
             {
-                try
-                {
-                    sum += int.Parse(text);
-                }
-                catch (Exception)
-                {
-                    continue;
-                }
+                if (int.TryParse(text, out var number))
+                {
+                    sum += number;
+                }
             }

             return sum;
         }
     }
 }
""",
    ),
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="scanned-and-concatenated",
        about=(
            "lists are scanned for each row, text grows with +=, a sequence is counted to see whether it "
            "is empty"
        ),
        path="src/Matching/${Entity}Matcher.cs",
        messages=(
            "Speed up ${Entity}Matcher\n\nHashSet instead of List.Contains, string.Join; was quadratic.",
            "Faster ${Entity}Matcher for the $owner: hash lookup, one pass",
        ),
        change=r"""
 using System.Collections.Generic;
 using System.Linq;

 namespace ${Project}.Matching
 {
     /// <summary>Matches $entities with the list of the $owner.</summary>
     public static class ${Entity}Matcher
     {
         $surrounding

         /// <summary>How many ids are on the list.</summary>
         public static int CountKnown(IEnumerable<int> ids, IEnumerable<int> list)
         {
-            int count = 0;
-            foreach (int id in ids)
-            {
-                if (list.ToList().Contains(id))
-                {
-                    count = count + 1;
-                }
-            }
-
-            return count;
+            var known = new HashSet<int>(list);
+            return ids.Count(known.Contains);
         }

         /// <summary>How often each $text occurs.</summary>
         public static Dictionary<string, int> Counts(IReadOnlyList<string> ${text}s)
         {
-            var counts = new Dictionary<string, int>();
-            foreach (string one in ${text}s)
-            {
-                counts[one] = ${text}s.Where(other => other == one).Count();
-            }
-
-            return counts;
+            return ${text}s.GroupBy(one => one).ToDictionary(group => group.Key, group => group.Count());
         }

         /// <summary>All ${text}s with a semicolon between them.</summary>
         public static string Line(IReadOnlyList<string> ${text}s)
         {
-            string line = "";
-            for (int i = 0; i < ${text}s.Count; i++)
-            {
-                line += ${text}s[i];
-                if (i < ${text}s.Count - 1)
-                {
-                    line += ";";
-                }
-            }
-
-            return line;
+            return string.Join(";", ${text}s);
         }
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.CSHARP,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="stamp-album",
        about="lists are scanned for each question, a pattern is built for each call, text grows with +=",
        instruction=(
            "Write a C# class StampAlbum, made from the names of the stamps, with `bool Has(string name)`, "
            "`List<string> Missing(IEnumerable<string> wanted)`, `bool IsCode(string text)` (two capitals "
            "and digits) and `string Print()`, one name on each line."
        ),
        change=r"""
 using System.Collections.Generic;
 using System.Linq;
+using System.Text;
 using System.Text.RegularExpressions;

 namespace ${Project}.Collections
 {
     /// <summary>Stamps with $entities that a $owner collects.</summary>
     public sealed class StampAlbum
     {
-        private readonly List<string> names;
+        private static readonly Regex Code = new Regex("^[A-Z]{2}[0-9]+$$", RegexOptions.Compiled);
+
+        private readonly HashSet<string> names;

         public StampAlbum(IEnumerable<string> names)
         {
-            this.names = names.ToList();
+            this.names = new HashSet<string>(names);
         }

         $surrounding

         /// <summary>Whether a stamp is in the album.</summary>
         public bool Has(string name)
         {
             return this.names.Contains(name);
         }

         /// <summary>The stamps that are wanted.</summary>
         public List<string> Missing(IEnumerable<string> wanted)
         {
             return wanted.Where(name => !this.names.Contains(name)).ToList();
         }

         /// <summary>Whether a text is the code of a stamp.</summary>
         public static bool IsCode(string text)
         {
-            var code = new Regex("^[A-Z]{2}[0-9]+$$");
-            return code.IsMatch(text);
+            return Code.IsMatch(text);
         }

         /// <summary>One name on each line.</summary>
         public string Print()
         {
-            string text = "";
-            foreach (string name in this.names)
-            {
-                text += name + "\n";
-            }
-
-            return text;
+            var text = new StringBuilder();
+            foreach (string name in this.names)
+            {
+                text.Append(name).Append('\n');
+            }
+
+            return text.ToString();
         }
     }
 }
""",
    ),
)
