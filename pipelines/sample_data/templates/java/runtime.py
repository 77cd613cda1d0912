"""Runtime efficiency in Java."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="string-concatenation",
        about="strings grow in loops, patterns are compiled per line, and a list is searched by position",
        path="src/main/java/$project/${Entity}Exporter.java",
        messages=(
            "Speed up export of $entities\n\nStringBuilder instead of concatenation, pattern compiled "
            "once. Export of "
            "the $owner is faster\nby a factor of $page.",
            "Faster ${Entity}Exporter: hash set for duplicates, no string copies in the loop",
            "Optimize loop in ${Entity}Exporter (hot path of the nightly run)",
        ),
        change=r"""
 package $project;

-import java.util.ArrayList;
+import java.util.HashSet;
 import java.util.List;
+import java.util.Set;
+import java.util.regex.Pattern;

 /** Writes $entities in the form that the $owner imports. */
 public class ${Entity}Exporter {
     private static final String SEPARATOR = ";";
+    private static final Pattern BLANKS = Pattern.compile("\\s+");

     $surrounding

     /** One line per $text; each $text occurs once. */
     public String export(List<String> ${text}s) {
-        String $result = "";
-        List<String> seen = new ArrayList<>();
-        for (int i = 0; i < ${text}s.size(); i++) {
-            String $item = clean(${text}s.get(i));
-            if (!seen.contains($item)) {
-                seen.add($item);
-                $result += $item + SEPARATOR + $item.length() + "\n";
-            }
-        }
-        return $result;
+        StringBuilder $result = new StringBuilder();
+        Set<String> seen = new HashSet<>();
+        for (String ${text} : ${text}s) {
+            String $item = clean($text);
+            if (seen.add($item)) {
+                $result.append($item).append(SEPARATOR).append($item.length()).append('\n');
+            }
+        }
+        return $result.toString();
     }

     private static String clean(String $text) {
-        return $text.trim().replaceAll("\\s+", " ").toLowerCase();
+        return BLANKS.matcher($text.trim()).replaceAll(" ").toLowerCase();
     }
 }
""",
    ),
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="linked-list-by-index",
        about="a linked list is read by index, a map is looked up twice, results are computed anew",
        path="src/main/java/$project/${Entity}Statistics.java",
        messages=(
            "Speed up ${Entity}Statistics: no access by index to linked lists",
            "Cache means in ${Entity}Statistics: faster by far\n\nThey were computed anew for every line of the "
            "$owner. One lookup per $text, constant time.",
            "Use computeIfAbsent, faster grouping of $entities",
        ),
        change=r"""
 package $project;

 import java.util.ArrayList;
 import java.util.HashMap;
-import java.util.LinkedList;
 import java.util.List;
 import java.util.Map;

 /** Statistics of $entities by $text. */
 public class ${Entity}Statistics {
     private final Map<String, List<Integer>> ${amount}s = new HashMap<>();
+    private final Map<String, Double> means = new HashMap<>();

     $surrounding

     public void add(String $text, int $amount) {
-        if (!${amount}s.containsKey($text)) {
-            ${amount}s.put($text, new LinkedList<>());
-        }
-        ${amount}s.get($text).add($amount);
+        ${amount}s.computeIfAbsent($text, unused -> new ArrayList<>()).add($amount);
+        means.remove($text);
     }

     /** The mean $amount of a $text. */
     public double mean(String $text) {
-        List<Integer> values = ${amount}s.getOrDefault($text, new LinkedList<>());
-        double sum = 0;
-        for (int i = 0; i < values.size(); i++) {
-            sum += values.get(i);
-        }
-        return sum / values.size();
+        return means.computeIfAbsent($text, this::computeMean);
     }

     /** The ${text}s whose mean is above that of a given one. */
     public List<String> above(String $text) {
+        double bound = mean($text);
         List<String> $result = new ArrayList<>();
         for (String other : ${amount}s.keySet()) {
-            if (mean(other) > mean($text)) {
+            if (mean(other) > bound) {
                 $result.add(other);
             }
         }
         return $result;
     }
+
+    private double computeMean(String $text) {
+        List<Integer> values = ${amount}s.getOrDefault($text, List.of());
+        long sum = 0;
+        for (int value : values) {
+            sum += value;
+        }
+        return (double) sum / values.size();
+    }
 }
""",
    ),
    BenchmarkChange(
        language=Language.JAVA,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="repeated-scans",
        about="trial division up to n, contains on lists, boxed counters in a hot loop",
        instruction=(
            "Write a Java class ${Entity}Numbers with `boolean isPrime(int number)`, `List<String> "
            "common(List<String> first, "
            "List<String> second)` (the elements of the first list that are in the second, in order) and "
            "`long "
            "total(int[] ${amount}s)`."
        ),
        change=r"""
 package $project;

 import java.util.ArrayList;
+import java.util.HashSet;
 import java.util.List;
+import java.util.Set;

 /** Number crunching over $entities. */
 public final class ${Entity}Numbers {
     private ${Entity}Numbers() {}

     $surrounding

     public static boolean isPrime(int number) {
         if (number < 2) {
             return false;
         }
-        boolean prime = true;
-        for (int divisor = 2; divisor < number; divisor++) {
-            if (number % divisor == 0) {
-                prime = false;
-            }
-        }
-        return prime;
+        if (number % 2 == 0) {
+            return number == 2;
+        }
+        for (int divisor = 3; (long) divisor * divisor <= number; divisor += 2) {
+            if (number % divisor == 0) {
+                return false;
+            }
+        }
+        return true;
     }

     /** The elements of the first list that the second list holds as well. */
     public static List<String> common(List<String> first, List<String> second) {
+        Set<String> wanted = new HashSet<>(second);
         List<String> $result = new ArrayList<>();
         for (String $item : first) {
-            if (second.contains($item)) {
+            if (wanted.contains($item)) {
                 $result.add($item);
             }
         }
         return $result;
     }

     /** The sum of all $amount values of the $owner. */
     public static long total(int[] ${amount}s) {
-        Long sum = 0L;
+        long sum = 0;
         for (int $amount : ${amount}s) {
-            sum = Long.valueOf(sum.longValue() + $amount);
+            sum += $amount;
         }
         return sum;
     }
 }
""",
    ),
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="scanned-strings",
        about="lists are scanned for each row, text grows with +=, a pattern is compiled for each call",
        path="src/main/java/$project/${Entity}Matcher.java",
        messages=(
            "Speed up ${Entity}Matcher\n\nHashSet instead of List.contains, StringBuilder; was quadratic.",
            "Faster ${Entity}Matcher for the $owner: hash lookup, precompiled pattern",
        ),
        change=r"""
 package $project;

-import java.util.ArrayList;
+import java.util.HashMap;
+import java.util.HashSet;
 import java.util.List;
 import java.util.Map;
-import java.util.TreeMap;
+import java.util.Set;

 /** Matches $entities with the list of the $owner. */
 public class ${Entity}Matcher {
     $surrounding

     /** How many ids are on the list. */
     public int countKnown(List<Integer> ids, List<Integer> list) {
+        Set<Integer> known = new HashSet<>(list);
         int count = 0;
         for (Integer id : ids) {
-            if (list.contains(id)) {
-                count = count + 1;
+            if (known.contains(id)) {
+                count++;
             }
         }
         return count;
     }

     /** How often each $text occurs. */
     public Map<String, Integer> counts(List<String> ${text}s) {
-        Map<String, Integer> counts = new TreeMap<>();
-        for (String one : ${text}s) {
-            List<String> same = new ArrayList<>();
-            for (String other : ${text}s) {
-                if (other.equals(one)) {
-                    same.add(other);
-                }
-            }
-            counts.put(one, same.size());
-        }
-        return counts;
+        Map<String, Integer> counts = new HashMap<>();
+        for (String one : ${text}s) {
+            counts.merge(one, 1, Integer::sum);
+        }
+        return counts;
     }

     /** All ${text}s with a semicolon behind each. */
     public String line(List<String> ${text}s) {
-        String line = "";
-        for (int i = 0; i < ${text}s.size(); i++) {
-            line += ${text}s.get(i);
-            line += ";";
-        }
-        return line;
+        StringBuilder line = new StringBuilder();
+        for (String one : ${text}s) {
+            line.append(one).append(';');
+        }
+        return line.toString();
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.JAVA,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="voucher-check",
        about="a list is searched for each voucher, text grows with +=, a pattern is compiled for each call",
        instruction=(
            "Write a Java class VoucherCheck with `List<String> fresh(List<String> vouchers, List<String> "
            "used)` (those that were not used, in order), `boolean wellFormed(String voucher)` (two "
            "capitals, a hyphen, digits) and `String print(List<String> vouchers)`, one on each line."
        ),
        change=r"""
 package $project;

 import java.util.ArrayList;
+import java.util.HashSet;
 import java.util.List;
+import java.util.Set;
+import java.util.regex.Pattern;

 /** Checks the vouchers for $entities that the $owner hands out. */
 public class VoucherCheck {
+    private static final Pattern FORM = Pattern.compile("[A-Z]{2}-[0-9]+");
+
     $surrounding

     /** The vouchers that are still good. */
     public List<String> fresh(List<String> vouchers, List<String> used) {
+        Set<String> gone = new HashSet<>(used);
         List<String> $result = new ArrayList<>();
         for (String voucher : vouchers) {
-            if (!used.contains(voucher)) {
+            if (!gone.contains(voucher)) {
                 $result.add(voucher);
             }
         }
         return $result;
     }

     /** Whether a voucher looks like one. */
     public boolean wellFormed(String voucher) {
-        return voucher.matches("[A-Z]{2}-[0-9]+");
+        return FORM.matcher(voucher).matches();
     }

     /** One voucher on each line. */
     public String print(List<String> vouchers) {
-        String text = "";
-        for (String voucher : vouchers) {
-            text += voucher + "\n";
-        }
-        return text;
+        StringBuilder text = new StringBuilder();
+        for (String voucher : vouchers) {
+            text.append(voucher).append('\n');
+        }
+        return text.toString();
     }
 }
""",
    ),
)
