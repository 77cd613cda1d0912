"""Memory efficiency in Java."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="unclosed-and-unbounded",
        about="readers are never closed, all lines are kept, and a static cache grows for ever",
        path="src/main/java/$project/${Entity}Reader.java",
        messages=(
            "Fix resource leak in ${Entity}Reader\n\nClose the reader, bound the cache. The service of the "
            "$owner ran "
            "out of file handles and memory.",
            "Reduce memory usage when reading $entities\n\nNo list of all lines any more; cache limited to "
            "$limit "
            "(memory leak).",
        ),
        change=r"""
 package $project;

 import java.io.BufferedReader;
 import java.io.IOException;
 import java.nio.file.Files;
 import java.nio.file.Path;
-import java.util.HashMap;
-import java.util.List;
+import java.util.LinkedHashMap;
 import java.util.Map;
-import java.util.stream.Collectors;

 /** Reads the $amount of $entities from files of the $owner. */
 public class ${Entity}Reader {
-    private static final Map<Path, Long> CACHE = new HashMap<>();
+    private static final int CACHED = $limit;
+
+    private final Map<Path, Long> cache =
+            new LinkedHashMap<>(16, 0.75f, true) {
+                @Override
+                protected boolean removeEldestEntry(Map.Entry<Path, Long> eldest) {
+                    return size() > CACHED;
+                }
+            };

     $surrounding

     /** The sum of the numbers in the last column. */
     public long total(Path path) throws IOException {
-        if (!CACHE.containsKey(path)) {
-            BufferedReader reader = Files.newBufferedReader(path);
-            List<String> lines = reader.lines().collect(Collectors.toList());
-            List<String[]> rows = lines.stream().map(line -> line.split(";")).collect(Collectors.toList());
-            long sum = 0;
-            for (String[] row : rows) {
-                sum += Long.parseLong(row[row.length - 1]);
-            }
-            CACHE.put(path, sum);
-        }
-        return CACHE.get(path);
+        Long known = cache.get(path);
+        if (known != null) {
+            return known;
+        }
+        long sum = 0;
+        try (BufferedReader reader = Files.newBufferedReader(path)) {
+            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
+                sum += Long.parseLong(line.substring(line.lastIndexOf(';') + 1));
+            }
+        }
+        cache.put(path, sum);
+        return sum;
     }
 }
""",
    ),
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="registered-forever",
        about="a static list of listeners grows, every row is wrapped and kept, arrays are copied to return them",
        path="src/main/java/$project/${Entity}Board.java",
        messages=(
            "Fix memory leak: ${Entity}Board kept every listener for ever",
            "Lower memory footprint of ${Entity}Board\n\nKeep counts instead of all events; primitive arrays. The "
            "process of the $owner grew by the day (memory leak).",
        ),
        change=r"""
 package $project;

-import java.util.ArrayList;
-import java.util.Date;
-import java.util.List;
+import java.util.Set;
+import java.util.concurrent.CopyOnWriteArraySet;

 /** Counts what happens to $entities, by the hour. */
 public class ${Entity}Board {
     /** Is told about every event. */
     public interface Listener {
         void on${Entity}(int hour, int $amount);
     }

-    private static final List<Listener> LISTENERS = new ArrayList<>();
-    private final List<Object[]> events = new ArrayList<>();
+    private final Set<Listener> listeners = new CopyOnWriteArraySet<>();
+    private final int[] counts = new int[24];

     $surrounding

     public void register(Listener listener) {
-        LISTENERS.add(listener);
+        listeners.add(listener);
     }

+    public void unregister(Listener listener) {
+        listeners.remove(listener);
+    }
+
     /** Notes an event in an hour from 0 to 23. */
     public void note(int hour, int $amount) {
-        events.add(new Object[] {Integer.valueOf(hour), Integer.valueOf($amount), new Date()});
-        for (Listener listener : LISTENERS) {
+        counts[hour]++;
+        for (Listener listener : listeners) {
             listener.on${Entity}(hour, $amount);
         }
     }

     /** The number of events in an hour. */
     public int count(int hour) {
-        List<Object[]> $result = new ArrayList<>();
-        for (Object[] $item : events) {
-            if ($item[0].equals(hour)) {
-                $result.add($item);
-            }
-        }
-        return $result.size();
+        return counts[hour];
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.JAVA,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="boxed-collections",
        about="boxed numbers in growing lists, a matrix for two rows, and copies returned to callers",
        instruction=(
            "Write a Java class ${Entity}Series with `int[] squares(int count)` (the squares of 0 to count "
            "- 1), `int "
            "distance(String left, String right)` (the edit distance of two ${text}s) and `int[] "
            "histogram(Iterable<Integer> "
            "${amount}s, int buckets)` (how often each value from 0 to buckets - 1 occurs)."
        ),
        change=r"""
 package $project;

-import java.util.ArrayList;
-import java.util.List;
-
 /** Series of numbers about $entities. */
 public class ${Entity}Series {
     $surrounding

     public int[] squares(int count) {
-        List<Integer> $result = new ArrayList<>();
+        int[] $result = new int[count];
         for (int i = 0; i < count; i++) {
-            $result.add(i * i);
+            $result[i] = i * i;
         }
-        return $result.stream().mapToInt(Integer::intValue).toArray();
+        return $result;
     }

     /** The edit distance of two texts. */
     public int distance(String left, String right) {
-        int[][] cost = new int[left.length() + 1][right.length() + 1];
-        for (int i = 0; i <= left.length(); i++) {
-            for (int j = 0; j <= right.length(); j++) {
-                if (i == 0 || j == 0) {
-                    cost[i][j] = i + j;
-                } else {
-                    int change = left.charAt(i - 1) == right.charAt(j - 1) ? 0 : 1;
-                    int step = Math.min(cost[i - 1][j], cost[i][j - 1]) + 1;
-                    cost[i][j] = Math.min(step, cost[i - 1][j - 1] + change);
-                }
-            }
-        }
-        return cost[left.length()][right.length()];
+        int[] above = new int[right.length() + 1];
+        int[] cost = new int[right.length() + 1];
+        for (int j = 0; j <= right.length(); j++) {
+            above[j] = j;
+        }
+        for (int i = 1; i <= left.length(); i++) {
+            cost[0] = i;
+            for (int j = 1; j <= right.length(); j++) {
+                int change = left.charAt(i - 1) == right.charAt(j - 1) ? 0 : 1;
+                int step = Math.min(above[j], cost[j - 1]) + 1;
+                cost[j] = Math.min(step, above[j - 1] + change);
+            }
+            int[] used = above;
+            above = cost;
+            cost = used;
+        }
+        return above[right.length()];
     }

     /** How often each value from 0 to buckets - 1 occurs. */
     public int[] histogram(Iterable<Integer> ${amount}s, int buckets) {
-        List<Integer> all = new ArrayList<>();
-        ${amount}s.forEach(all::add);
         int[] counts = new int[buckets];
-        for (int bucket = 0; bucket < buckets; bucket++) {
-            int wanted = bucket;
-            counts[bucket] = (int) all.stream().filter(value -> value == wanted).count();
-        }
+        for (int $amount : ${amount}s) {
+            counts[$amount]++;
+        }
         return counts;
     }
 }
""",
    ),
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="read-all-lines",
        about="readers are not closed, files become lists of lines to count and to copy them",
        path="src/main/java/$project/${Entity}Files.java",
        messages=(
            "Fix resource leak in ${Entity}Files and reduce memory usage\n\ntry with resources; lines are "
            "streamed.",
            "Lower memory footprint of ${Entity}Files\n\nThe $owner has files of several gigabytes.",
        ),
        change=r"""
 package $project;

 import java.io.BufferedReader;
-import java.io.ByteArrayOutputStream;
-import java.io.FileReader;
 import java.io.IOException;
 import java.io.InputStream;
 import java.io.OutputStream;
 import java.nio.file.Files;
 import java.nio.file.Path;
-import java.util.ArrayList;
-import java.util.List;

 /** Files with $entities. */
 public class ${Entity}Files {
     $surrounding

     /** The number of lines with that $text. */
     public long count(Path path, String $text) throws IOException {
-        BufferedReader reader = new BufferedReader(new FileReader(path.toFile()));
-        List<String> lines = new ArrayList<>();
-        String line = reader.readLine();
-        while (line != null) {
-            lines.add(line);
-            line = reader.readLine();
-        }
-        List<String> found = new ArrayList<>();
-        for (String one : lines) {
-            if (one.contains($text)) {
-                found.add(one);
-            }
-        }
-        return found.size();
+        try (BufferedReader reader = Files.newBufferedReader(path)) {
+            return reader.lines().filter(line -> line.contains($text)).count();
+        }
     }

     /** Copies a file to the $owner. */
     public void send(Path path, OutputStream out) throws IOException {
-        InputStream in = Files.newInputStream(path);
-        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
-        int next = in.read();
-        while (next >= 0) {
-            bytes.write(next);
-            next = in.read();
-        }
-        out.write(bytes.toByteArray());
+        try (InputStream in = Files.newInputStream(path)) {
+            in.transferTo(out);
+        }
     }
 }
""",
    ),
    BenchmarkChange(
        language=Language.JAVA,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="report-archive",
        about="a reader is not closed, a file becomes a list of lines, a cache without a limit",
        instruction=(
            "Write a Java class ReportArchive with `int longest(Path path)`, the length of the longest "
            "line of a large file of ${entities}, `boolean isEmpty(Path path)`, and `void remember(String "
            "name, byte[] report)`, which keeps the last $small reports by name."
        ),
        change=r"""
 package $project;

 import java.io.BufferedReader;
-import java.io.FileReader;
 import java.io.IOException;
 import java.io.InputStream;
 import java.nio.file.Files;
 import java.nio.file.Path;
-import java.util.HashMap;
+import java.util.LinkedHashMap;
 import java.util.Map;

 /** Old reports on $entities. */
 public class ReportArchive {
-    private final Map<String, byte[]> latest = new HashMap<>();
+    private static final int KEPT = $small;
+
+    private final Map<String, byte[]> latest = new LinkedHashMap<>() {
+        @Override
+        protected boolean removeEldestEntry(Map.Entry<String, byte[]> eldest) {
+            return size() > KEPT;
+        }
+    };

     $surrounding

     /** The length of the longest line. */
     public int longest(Path path) throws IOException {
-        int longest = 0;
-        for (String line : Files.readAllLines(path)) {
-            if (line.length() > longest) {
-                longest = line.length();
-            }
-        }
-        return longest;
+        try (BufferedReader lines = Files.newBufferedReader(path)) {
+            return lines.lines().mapToInt(String::length).max().orElse(0);
+        }
     }

     /** Whether there is nothing in the file. */
     public boolean isEmpty(Path path) throws IOException {
-        FileReader reader = new FileReader(path.toFile());
-        return reader.read() < 0;
+        try (InputStream bytes = Files.newInputStream(path)) {
+            return bytes.read() < 0;
+        }
     }

     /** Keeps a report. */
     public void remember(String name, byte[] report) {
         latest.put(name, report);
     }
 }
""",
    ),
)
