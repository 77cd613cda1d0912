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
)
