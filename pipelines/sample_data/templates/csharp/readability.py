"""Readability and maintainability in C#."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="god-method",
        about="one method with regions, copied checks and string codes",
        path="src/${Entity}Service.cs",
        messages=(
            "Refactor ${Entity}Service: extract method for checks and price",
            "Clean up ${Entity}Service\n\nNo regions, no copied checks, constants for the numbers. Remove "
            "dead code.",
            "Simplify ${Entity}Service and remove duplication\n\nThe $owner gets the same messages.",
        ),
        change=r"""
 using System;

 namespace ${Project}
 {
     /// <summary>Takes $entities from a $owner.</summary>
     public sealed class ${Entity}Service
     {
+        private const int Longest = $size;
+        private const int FreeUnits = $small;
+        private const decimal UnitPrice = ${page}m;
+
         $surrounding

-        public string Do(string a, string b, int c, out decimal d)
-        {
-            d = 0;
-            #region check
-            if (a != null)
-            {
-                if (a.Trim() != "")
-                {
-                    if (a.Length > $size)
-                    {
-                        return "ERR1";
-                    }
-                }
-                else
-                {
-                    return "ERR0";
-                }
-            }
-            else
-            {
-                return "ERR0";
-            }
-            if (b != null)
-            {
-                if (b.Trim() != "")
-                {
-                    if (b.Length > $size)
-                    {
-                        return "ERR1";
-                    }
-                }
-                else
-                {
-                    return "ERR0";
-                }
-            }
-            else
-            {
-                return "ERR0";
-            }
-            #endregion
-            // d = c * ${page}m;
-            d = c > $small ? (c - $small) * ${page}m : 0;
-            return "OK";
-        }
+        /// <summary>The price of a $entity.</summary>
+        /// <exception cref="ArgumentException">A text is missing or too long.</exception>
+        public decimal Price(string $text, string $owner, int $amount)
+        {
+            Check($text, nameof($text));
+            Check($owner, nameof($owner));
+            return Math.Max(0, $amount - FreeUnits) * UnitPrice;
+        }
+
+        private static void Check(string value, string name)
+        {
+            if (string.IsNullOrWhiteSpace(value))
+            {
+                throw new ArgumentException("missing", name);
+            }
+
+            if (value.Length > Longest)
+            {
+                throw new ArgumentException("too long", name);
+            }
+        }
     }
 }
""",
    ),
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="tuples-and-flags",
        about="values travel as object arrays and flags, loops are copied, names are letters",
        path="src/${Entity}Overview.cs",
        messages=(
            "Refactor ${Entity}Overview: a class instead of object arrays",
            "Remove duplication in ${Entity}Overview, rename f1 and f2",
            "Clean up ${Entity}Overview\n\nLINQ for what it is good at, no flags, no casts. The $owner sees the same "
            "overview.",
        ),
        change=r"""
 using System;
 using System.Collections.Generic;
+using System.Linq;

 namespace ${Project}
 {
     /// <summary>The overview of $entities that the $owner opens first.</summary>
     public static class ${Entity}Overview
     {
+        /// <summary>One $entity.</summary>
+        public sealed class Line
+        {
+            public string ${Text} { get; set; }
+
+            public int ${Amount} { get; set; }
+
+            public bool IsOpen { get; set; }
+        }
+
         $surrounding

-        public static object[] Get(List<object[]> l, bool f1, bool f2)
-        {
-            int n = 0;
-            int s = 0;
-            List<string> t = new List<string>();
-            if (f1)
-            {
-                for (int i = 0; i < l.Count; i++)
-                {
-                    if ((bool)l[i][2] == true)
-                    {
-                        n = n + 1;
-                        s = s + (int)l[i][1];
-                        if (f2) { t.Add((string)l[i][0]); }
-                    }
-                }
-            }
-            else
-            {
-                for (int i = 0; i < l.Count; i++)
-                {
-                    n = n + 1;
-                    s = s + (int)l[i][1];
-                    if (f2) { t.Add((string)l[i][0]); }
-                }
-            }
-
-            return new object[] { n, s, t };
-        }
+        /// <summary>The $entities that are still open.</summary>
+        public static List<Line> Open(IEnumerable<Line> lines) => lines.Where(line => line.IsOpen).ToList();
+
+        /// <summary>The sum of their $amount.</summary>
+        public static int Total(IEnumerable<Line> lines) => lines.Sum(line => line.${Amount});
+
+        /// <summary>Their texts, in the same order.</summary>
+        public static List<string> Texts(IEnumerable<Line> lines) => lines.Select(line => line.${Text}).ToList();
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.CSHARP,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="state-strings",
        about="states are strings in a chain of ifs, properties are written out, names say nothing",
        instruction=(
            "Write a C# class for a $entity with a $text and a state. It starts open; it can be started "
            "(open to running), "
            "finished (running to done) and cancelled (open or running to cancelled). A forbidden step "
            "throws "
            "InvalidOperationException. The state and the $text can be read from outside."
        ),
        change=r"""
 using System;

 namespace ${Project}
 {
+    /// <summary>Where a $entity stands.</summary>
+    public enum ${Entity}State
+    {
+        Open,
+        Running,
+        Done,
+        Cancelled,
+    }
+
     /// <summary>A $entity and the steps that it goes through.</summary>
     public sealed class ${Entity}
     {
-        private string s1;
-        private string s2 = "open";
-
-        public ${Entity}(string x)
+        public ${Entity}(string $text)
         {
-            s1 = x;
+            this.${Text} = $text;
         }

-        public string S1
-        {
-            get { return s1; }
-        }
-
-        public string S2
-        {
-            get { return s2; }
-        }
+        public string ${Text} { get; }
+
+        public ${Entity}State State { get; private set; } = ${Entity}State.Open;

         $surrounding

-        public void Go(string cmd)
-        {
-            if (cmd == "start" && s2 == "open") { s2 = "running"; }
-            else if (cmd == "start") { throw new InvalidOperationException(); }
-            else if (cmd == "finish" && s2 == "running") { s2 = "done"; }
-            else if (cmd == "finish") { throw new InvalidOperationException(); }
-            else if (cmd == "cancel" && (s2 == "open" || s2 == "running")) { s2 = "cancelled"; }
-            else if (cmd == "cancel") { throw new InvalidOperationException(); }
-        }
+        public void Start() => this.Move(${Entity}State.Running, ${Entity}State.Open);
+
+        public void Finish() => this.Move(${Entity}State.Done, ${Entity}State.Running);
+
+        public void Cancel() => this.Move(${Entity}State.Cancelled, ${Entity}State.Open, ${Entity}State.Running);
+
+        private void Move(${Entity}State target, params ${Entity}State[] allowed)
+        {
+            if (Array.IndexOf(allowed, this.State) < 0)
+            {
+                throw new InvalidOperationException($$"cannot go from {this.State} to {target}");
+            }
+
+            this.State = target;
+        }
     }
 }
""",
    ),
    MinedChange(
        language=Language.CSHARP,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="loops-with-flags",
        about="index loops with flags, comparisons with true and names of one letter where LINQ says it",
        path="src/Overview/${Entity}Overview.cs",
        messages=(
            "Refactor ${Entity}Overview: LINQ, descriptive names, named constants",
            "Simplify ${Entity}Overview\n\nEasier to read; the $owner sees the same.",
            "Clean up ${Entity}Overview, rename a, f and r",
        ),
        change=r"""
 using System.Collections.Generic;
 using System.Linq;

 namespace ${Project}.Overview
 {
     /// <summary>An overview of $entities for the $owner.</summary>
     public static class ${Entity}Overview
     {
+        private const int Large = $limit;
+
         $surrounding

-        public static List<int> a(List<int> l)
-        {
-            List<int> r = new List<int>();
-            for (int i = 0; i < l.Count; i++)
-            {
-                if ((l[i] > $limit) == true)
-                {
-                    r.Add(l[i]);
-                }
-            }
-
-            return r;
-        }
+        /// <summary>The ${amount}s that are large.</summary>
+        public static List<int> LargeOnes(IEnumerable<int> ${amount}s)
+        {
+            return ${amount}s.Where($amount => $amount > Large).ToList();
+        }

-        public static bool f(List<int> l)
-        {
-            bool f = true;
-            for (int i = 0; i < l.Count; i++)
-            {
-                if (l[i] <= 0)
-                {
-                    f = false;
-                }
-            }
-
-            return f == true ? true : false;
-        }
+        /// <summary>Whether every $amount is positive.</summary>
+        public static bool AllPositive(IEnumerable<int> ${amount}s)
+        {
+            return ${amount}s.All($amount => $amount > 0);
+        }
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.CSHARP,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="parking-fees",
        about="nested branches over numbers without names, a result variable, letters for names",
        instruction=(
            "Write a C# class about parking fees at the ${entities}: a method for the fee of so many hours "
            "(free up to 1, 3 up to $small, 8 above; twice as much on market days) and a method for the "
            "sum over a list of hours, both with a parameter for market days."
        ),
        change=r"""
 using System.Collections.Generic;
 using System.Linq;

 namespace ${Project}.Parking
 {
     /// <summary>What a $owner pays for parking at the $entities.</summary>
     public static class ParkingFees
     {
+        private const int FreeHours = 1;
+        private const int ShortStayHours = $small;
+        private const int ShortStayFee = 3;
+        private const int LongStayFee = 8;
+        private const int MarketDayFactor = 2;
+
         $surrounding

-        public static int p(int h, bool m)
-        {
-            int r = 0;
-            if (h > 1)
-            {
-                if (h <= $small)
-                {
-                    r = m == true ? 6 : 3;
-                }
-                else
-                {
-                    r = m == true ? 16 : 8;
-                }
-            }
-
-            return r;
-        }
+        /// <summary>The fee of one car.</summary>
+        public static int Fee(int hours, bool marketDay)
+        {
+            if (hours <= FreeHours)
+            {
+                return 0;
+            }
+
+            int fee = hours <= ShortStayHours ? ShortStayFee : LongStayFee;
+            return marketDay ? fee * MarketDayFactor : fee;
+        }

-        public static int q(List<int> x, bool m)
-        {
-            int t = 0;
-            for (int i = 0; i < x.Count; i++)
-            {
-                t = t + p(x[i], m);
-            }
-
-            return t;
-        }
+        /// <summary>The fees of several cars.</summary>
+        public static int TotalFee(IEnumerable<int> stays, bool marketDay)
+        {
+            return stays.Sum(hours => Fee(hours, marketDay));
+        }
     }
 }
""",
    ),
)
