"""Functional correctness in Java."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="identity-comparison",
        about="strings and boxed numbers are compared with ==, and removing while iterating throws",
        path="src/main/java/$project/${Entity}Desk.java",
        messages=(
            "Fix bug in ${Entity}Desk: compare $text with equals\n\nLarge ids and texts were never found. "
            "Fix null "
            "$text, too.",
            "Handle exception when $entities are removed while "
            "iterating\n\nConcurrentModificationException; use "
            "removeIf. Fix for == on boxed ids.",
            "Fix logic error in ${Entity}Desk, edge case of ids above 127",
        ),
        change=r"""
 package $project;

 import java.util.ArrayList;
 import java.util.List;
+import java.util.Objects;

 /** Where the $owner asks for $entities. */
 public class ${Entity}Desk {
     public static final class ${Entity} {
         final Long id;
         final String $text;
         final int $amount;

         public ${Entity}(Long id, String $text, int $amount) {
             this.id = id;
             this.$text = $text;
             this.$amount = $amount;
         }
     }

     private final List<${Entity}> $entities = new ArrayList<>();

     $surrounding

     public void add(${Entity} $item) {
         $entities.add($item);
     }

     /** The $entity with this id, or null. */
     public ${Entity} $fetch(Long id) {
         for (${Entity} $item : $entities) {
-            if ($item.id == id) {
+            if ($item.id.equals(id)) {
                 return $item;
             }
         }
         return null;
     }

     /** Removes the $entities with this $text, which may be null. */
     public void removeBy${Text}(String $text) {
-        for (${Entity} $item : $entities) {
-            if ($item.$text == $text) {
-                $entities.remove($item);
-            }
-        }
+        $entities.removeIf($item -> Objects.equals($item.$text, $text));
     }

     /** The mean $amount; 0 where there are no $entities. */
     public double mean() {
-        int sum = 0;
+        long sum = 0;
         for (${Entity} $item : $entities) {
             sum += $item.$amount;
         }
-        return sum / $entities.size();
+        return $entities.isEmpty() ? 0.0 : (double) sum / $entities.size();
     }
 }
""",
    ),
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="overflow-and-unboxing",
        about="sums overflow, a missing key is unboxed, a loop runs one too far, a split loses empty fields",
        path="src/main/java/$project/${Entity}Ledger.java",
        messages=(
            "Fix integer overflow in ${Entity}Ledger\n\nAlso fix null pointer for ids that are not booked, and the "
            "lost empty fields.",
            "Handle missing ids in ${Entity}Ledger\n\nNullPointerException on unboxing. Off by one in last(): edge "
            "case of a short ledger.",
            "Fix wrong total of a large ledger of $entities",
        ),
        change=r"""
 package $project;

 import java.util.ArrayList;
 import java.util.HashMap;
 import java.util.List;
 import java.util.Map;

 /** The ledger in which the $owner books $entities. */
 public class ${Entity}Ledger {
     private final Map<String, Integer> ${amount}s = new HashMap<>();
     private final List<String> lines = new ArrayList<>();

     $surrounding

     /** Books a line of the form "$text;$amount;remark"; the remark may be empty. */
     public void book(String line) {
-        String[] fields = line.split(";");
-        ${amount}s.put(fields[0], Integer.parseInt(fields[1]));
-        lines.add(fields[2]);
+        String[] fields = line.split(";", -1);
+        if (fields.length != 3) {
+            throw new IllegalArgumentException("expected three fields: " + line);
+        }
+        ${amount}s.put(fields[0], Integer.parseInt(fields[1].trim()));
+        lines.add(fields[2]);
     }

     /** The $amount of a $text, 0 where nothing is booked. */
     public int ${amount}Of(String $text) {
-        return ${amount}s.get($text);
+        return ${amount}s.getOrDefault($text, 0);
     }

     /** The sum of everything that is booked. */
     public long total() {
-        int sum = 0;
+        long sum = 0;
         for (int $amount : ${amount}s.values()) {
             sum += $amount;
         }
         return sum;
     }

     /** The last lines, newest first. */
     public List<String> last(int number) {
         List<String> $result = new ArrayList<>();
-        for (int i = lines.size(); i > lines.size() - number; i--) {
+        for (int i = lines.size() - 1; i >= Math.max(0, lines.size() - number); i--) {
             $result.add(lines.get(i));
         }
         return $result;
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.JAVA,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="switch-and-search",
        about="switch falls through, the binary search overflows and stops early, equals has no hashCode",
        instruction=(
            "Write a Java class ${Entity}Catalogue with `int days(String kind)` (loan days: 14 for "
            '"short", 28 for "long", 0 '
            "otherwise), `int find(int[] sorted, int value)` (a position of the value in an ascending "
            "array, or -1), and a "
            "nested class Key of $text and $amount that can be used in a HashMap."
        ),
        change=r"""
 package $project;

+import java.util.Objects;
+
 /** Finds $entities and knows their terms. */
 public class ${Entity}Catalogue {
     $surrounding

     /** For how many days the $owner may keep a $entity of this kind. */
     public static int days(String kind) {
         int days = 0;
         switch (kind) {
             case "short":
                 days = 14;
+                break;
             case "long":
                 days = 28;
+                break;
             default:
                 break;
         }
         return days;
     }

     /** A position of the value in an ascending array, or -1. */
     public static int find(int[] sorted, int value) {
         int low = 0;
-        int high = sorted.length;
-        while (low < high) {
-            int middle = (low + high) / 2;
+        int high = sorted.length - 1;
+        while (low <= high) {
+            int middle = low + (high - low) / 2;
             if (sorted[middle] == value) {
                 return middle;
             } else if (sorted[middle] < value) {
                 low = middle + 1;
             } else {
                 high = middle - 1;
             }
         }
         return -1;
     }

     /** Identifies a $entity. */
     public static final class Key {
         private final String $text;
         private final int $amount;

         public Key(String $text, int $amount) {
             this.$text = $text;
             this.$amount = $amount;
         }

         @Override
         public boolean equals(Object other) {
-            Key that = (Key) other;
-            return $amount == that.$amount && $text == that.$text;
+            if (!(other instanceof Key)) {
+                return false;
+            }
+            Key that = (Key) other;
+            return $amount == that.$amount && Objects.equals($text, that.$text);
         }
+
+        @Override
+        public int hashCode() {
+            return Objects.hash($text, $amount);
+        }
     }
 }
""",
    ),
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="swallowed-and-shifted",
        about=(
            "an exception is swallowed, null is dereferenced, texts are compared with ==, a loop runs one "
            "too far"
        ),
        path="src/main/java/$project/${Entity}Parser.java",
        messages=(
            "Fix bug: bad numbers of a $entity became 0\n\nThe exception was swallowed. Handle null as "
            "$text.",
            "Fix wrong comparison of ${text}s in ${Entity}Parser, handle null (edge case of the $owner)",
        ),
        change=r"""
 package $project;

 import java.util.List;
+import java.util.Objects;

 /** Reads what a $owner typed about $entities. */
 public class ${Entity}Parser {
     $surrounding

     /** The $amount in a field; NumberFormatException where there is none. */
     public int parse(String field) {
-        int value = 0;
-        try {
-            value = Integer.parseInt(field);
-        } catch (Exception e) {
-        }
-        return value;
+        if (field == null) {
+            throw new NumberFormatException("no $amount");
+        }
+        return Integer.parseInt(field.trim());
     }

     /** The position of a $text, or -1. */
     public int position(List<String> ${text}s, String wanted) {
-        for (int i = 1; i <= ${text}s.size(); i++) {
-            if (${text}s.get(i) == wanted) {
+        for (int i = 0; i < ${text}s.size(); i++) {
+            if (Objects.equals(${text}s.get(i), wanted)) {
                 return i;
             }
         }
         return -1;
     }

     /** Whether a $text was given. */
     public boolean isGiven(String $text) {
-        return $text.length() > 0 || $text != null;
+        return $text != null && !$text.isBlank();
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.JAVA,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="duty-roster",
        about=(
            "names are compared with ==, null is dereferenced, elements are removed while iterating, a "
            "bound is exclusive"
        ),
        instruction=(
            "Write a Java class DutyRoster with `boolean isOn(List<String> names, String name)` (false for "
            "a null list), `void drop(List<String> names, String name)`, which removes every occurrence, "
            "and `boolean inRange(int hour, int from, int to)` with both hours included."
        ),
        change=r"""
 package $project;

 import java.util.List;

 /** Who looks after which $entity. */
 public class DutyRoster {
     $surrounding

     /** Whether a name is on the list. */
     public boolean isOn(List<String> names, String name) {
-        for (int i = 0; i < names.size(); i++) {
-            if (names.get(i) == name) {
-                return true;
-            }
-        }
-        return false;
+        return names != null && names.contains(name);
     }

     /** Removes a name wherever it stands. */
     public void drop(List<String> names, String name) {
-        for (String one : names) {
-            if (one == name) {
-                names.remove(one);
-            }
-        }
+        names.removeIf(one -> one.equals(name));
     }

     /** Whether from &lt;= hour &lt;= to. */
     public boolean inRange(int hour, int from, int to) {
-        return hour > from && hour < to;
+        return from <= hour && hour <= to;
     }
 }
""",
    ),
)
