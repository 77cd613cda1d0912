"""Functional correctness in C#."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="null-and-division",
        about="null is dereferenced, integer division truncates, an inclusive limit is exclusive",
        path="src/${Entity}Summary.cs",
        messages=(
            "Fix null reference in ${Entity}Summary and wrong share\n\nInteger division made every share "
            "0. Handle null "
            "$text.",
            "Fix bug: a $entity of exactly $limit was not counted\n\nBoundary case; also handle exception "
            "for an empty "
            "list of the $owner.",
            "Handle null $text of $entities, fix boundary case of the limit",
        ),
        change=r"""
 using System;
 using System.Collections.Generic;
 using System.Linq;

 namespace ${Project}
 {
     /// <summary>A $entity as it is stored.</summary>
     public sealed class ${Entity}
     {
         public string ${Text} { get; set; }

         public int ${Amount} { get; set; }
     }

     /// <summary>What the $owner reads about $entities.</summary>
     public static class ${Entity}Summary
     {
         private const int Limit = $limit;

         $surrounding

         /// <summary>The share of $entities that keep within the limit, from 0 to 1.</summary>
         public static double ShareWithinLimit(IReadOnlyList<${Entity}> $entities)
         {
-            var within = $entities.Count($item => $item.${Amount} < Limit);
-            return within / $entities.Count;
+            if ($entities.Count == 0)
+            {
+                return 0.0;
+            }
+
+            var within = $entities.Count($item => $item.${Amount} <= Limit);
+            return (double)within / $entities.Count;
         }

         /// <summary>The first $entity of this text, whatever its case; null where there is none.</summary>
         public static ${Entity} $Fetch(IReadOnlyList<${Entity}> $entities, string text)
         {
-            return $entities.First($item => $item.${Text}.ToUpper() == text.ToUpper());
+            return $entities.FirstOrDefault(
+                $item => string.Equals($item.${Text}, text, StringComparison.OrdinalIgnoreCase));
         }

         /// <summary>Initials for the badge.</summary>
         public static string Initials(${Entity} $item)
         {
-            return $item.${Text}.Substring(0, 2).ToUpperInvariant();
+            var text = ($item.${Text} ?? string.Empty).Trim();
+            return text.Substring(0, Math.Min(2, text.Length)).ToUpperInvariant();
         }
     }
 }
""",
    ),
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="culture-and-keys",
        about="numbers depend on the machine's language, a missing key throws, a loop runs one too far",
        path="src/${Entity}Parser.cs",
        messages=(
            "Fix parsing of $entities on machines with a decimal comma\n\nHandle missing $text, too.",
            "Fix bug: ${Entity}Parser failed where 1.5 is written 1,5\n\nAlso handle exception for unknown ids and fix "
            "the loop that ran one too far.",
            "Handle missing fields of a $entity, edge case of a short line",
        ),
        change=r"""
 using System;
 using System.Collections.Generic;
+using System.Globalization;

 namespace ${Project}
 {
     /// <summary>Reads what the $owner exports about $entities.</summary>
     public sealed class ${Entity}Parser
     {
         private readonly Dictionary<string, double> ${amount}s = new Dictionary<string, double>();

         $surrounding

         /// <summary>Reads lines of the form "$text;$amount"; the $amount has a decimal point.</summary>
         public void Read(IReadOnlyList<string> lines)
         {
-            for (var i = 0; i <= lines.Count; i++)
+            for (var i = 0; i < lines.Count; i++)
             {
                 var fields = lines[i].Split(';');
-                ${amount}s.Add(fields[0], double.Parse(fields[1]));
+                if (fields.Length != 2)
+                {
+                    throw new FormatException("line " + (i + 1) + " has " + fields.Length + " fields");
+                }
+
+                ${amount}s[fields[0]] = double.Parse(fields[1], CultureInfo.InvariantCulture);
             }
         }

         /// <summary>The $amount of a $text; 0 where there is none.</summary>
         public double ${Amount}Of(string $text)
         {
-            return ${amount}s[$text];
+            return ${amount}s.TryGetValue($text, out var value) ? value : 0.0;
         }

         /// <summary>Whether two values are the same to three digits.</summary>
         public static bool Same(double left, double right)
         {
-            return left == right;
+            return Math.Abs(left - right) < 0.0005;
         }
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.CSHARP,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="closures-and-structs",
        about="a loop variable is captured, a query runs after its source changed, dates are compared with "
        "their time",
        instruction=(
            "Write a C# static class ${Entity}Tools with `List<Func<int>> Counters(int number)` (the i-th "
            "function returns i), "
            "`List<string> RemoveShort(List<string> ${text}s)` (takes those under $small characters out of "
            "the list and returns "
            "them) and `bool IsDue(DateTime due, DateTime now)` (true from the first moment of the due day)."
        ),
        change=r"""
 using System;
 using System.Collections.Generic;
 using System.Linq;

 namespace ${Project}
 {
     /// <summary>Small tools around $entities.</summary>
     public static class ${Entity}Tools
     {
         private const int Shortest = $small;

         $surrounding

         /// <summary>The i-th function returns i.</summary>
         public static List<Func<int>> Counters(int number)
         {
             var counters = new List<Func<int>>();
             for (var i = 0; i < number; i++)
             {
-                counters.Add(() => i);
+                var current = i;
+                counters.Add(() => current);
             }

             return counters;
         }

         /// <summary>Takes the short ones out of the list and returns them.</summary>
         public static List<string> RemoveShort(List<string> ${text}s)
         {
-            var removed = ${text}s.Where($text => $text.Length < Shortest);
+            var removed = ${text}s.Where($text => $text.Length < Shortest).ToList();
             ${text}s.RemoveAll($text => $text.Length < Shortest);
-            return removed.ToList();
+            return removed;
         }

         /// <summary>Whether the day has come on which the $owner expects the $entity.</summary>
         public static bool IsDue(DateTime due, DateTime now)
         {
-            return now > due;
+            return now >= due.Date;
         }
     }
 }
""",
    ),
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="swallowed-catch",
        about=(
            "a catch hides every error, null is dereferenced, a loop runs one too far, a limit is exclusive"
        ),
        path="src/Import/${Entity}Parser.cs",
        messages=(
            "Fix bug: bad numbers of a $entity became 0\n\nThe catch hid them. Handle null as $text.",
            "Fix wrong bound in ${Entity}Parser, handle null (edge case of the $owner)",
        ),
        change=r"""
 using System;
 using System.Collections.Generic;

 namespace ${Project}.Import
 {
     /// <summary>Reads what a $owner typed about $entities.</summary>
     public sealed class ${Entity}Parser
     {
         private const int Most = $limit;

         $surrounding

         /// <summary>The $amount in a field; FormatException where there is none.</summary>
         public int Parse(string field)
         {
-            int value = 0;
-            try
-            {
-                value = int.Parse(field);
-            }
-            catch (Exception) { }
-
-            return value;
+            if (field == null)
+            {
+                throw new FormatException("no $amount");
+            }
+
+            return int.Parse(field);
         }

         /// <summary>Whether the $amount is no more than Most.</summary>
         public bool Fits(int $amount)
         {
-            return $amount > 0 && $amount < Most;
+            return $amount >= 0 && $amount <= Most;
         }

         /// <summary>The length of all ${text}s.</summary>
         public int Length(IReadOnlyList<string> ${text}s)
         {
             int length = 0;
-            for (int i = 0; i <= ${text}s.Count; i++)
+            for (int i = 0; i < ${text}s.Count; i++)
             {
-                length += ${text}s[i].Length;
+                length += ${text}s[i]?.Length ?? 0;
             }

             return length;
         }
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.CSHARP,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="shelf-labels",
        about=(
            "null is dereferenced, an integer division drops the rest, a list is changed while it is walked"
        ),
        instruction=(
            "Write a C# class ShelfLabels with `string Shorten(string label, int length)` (at most so many "
            "characters, an empty text for null), `double Mean(IReadOnlyList<int> values)` (0 for an empty "
            "list) and `void Drop(List<string> labels, string label)`, which removes every occurrence."
        ),
        change=r"""
 using System.Collections.Generic;
 using System.Linq;

 namespace ${Project}.Labels
 {
     /// <summary>What stands on the shelves of the $entities.</summary>
     public static class ShelfLabels
     {
         $surrounding

         /// <summary>The beginning of a label.</summary>
         public static string Shorten(string label, int length)
         {
-            return label.Substring(0, length);
+            if (label == null)
+            {
+                return string.Empty;
+            }
+
+            return label.Length <= length ? label : label.Substring(0, length);
         }

         /// <summary>The mean $amount.</summary>
         public static double Mean(IReadOnlyList<int> values)
         {
-            return values.Sum() / values.Count;
+            return values.Count == 0 ? 0 : (double)values.Sum() / values.Count;
         }

         /// <summary>Removes a label wherever it stands.</summary>
         public static void Drop(List<string> labels, string label)
         {
-            foreach (string one in labels)
-            {
-                if (one == label)
-                {
-                    labels.Remove(one);
-                }
-            }
+            labels.RemoveAll(one => one == label);
         }
     }
 }
""",
    ),
)
