"""Runtime efficiency in C++."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="copies-and-fronts",
        about="arguments are copied, vectors erase at the front, each lookup is linear",
        path="src/${entity}_queue.cpp",
        messages=(
            "Speed up ${Entity}Queue\n\nPass by reference, deque instead of erasing at the front, hash "
            "lookup by $text.",
            "Faster ${Entity}Queue: constant time Pop and lookup",
            "Optimize loop in Total and avoid copies, $entity queue is a hot path for the $owner",
        ),
        change=r"""
 // The line in which $entities wait for the $owner.
-#include <algorithm>
+#include <deque>
 #include <string>
+#include <unordered_map>
 #include <vector>

 namespace $project {

 struct ${Entity} {
     std::string $text;
     int $amount;
 };

 $surrounding

 class ${Entity}Queue {
   public:
-    void Push(${Entity} $item) { waiting_.push_back($item); }
+    void Push(${Entity} $item) {
+        ++count_[$item.$text];
+        waiting_.push_back(std::move($item));
+    }

     ${Entity} Pop() {
-        ${Entity} first = waiting_[0];
-        waiting_.erase(waiting_.begin());
+        ${Entity} first = std::move(waiting_.front());
+        waiting_.pop_front();
+        --count_[first.$text];
         return first;
     }

-    bool Has(std::string $text) const {
-        for (${Entity} $item : waiting_) {
-            if ($item.$text == $text) return true;
-        }
-        return false;
-    }
+    bool Has(const std::string& $text) const {
+        const auto found = count_.find($text);
+        return found != count_.end() && found->second > 0;
+    }

     long Total() const {
         long total = 0;
-        for (${Entity} $item : waiting_) total += $item.$amount;
+        for (const ${Entity}& $item : waiting_) total += $item.$amount;
         return total;
     }

   private:
-    std::vector<${Entity}> waiting_;
+    std::deque<${Entity}> waiting_;
+    std::unordered_map<std::string, int> count_;
 };

 }  // namespace $project
""",
    ),
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="double-lookups",
        about="maps are searched three times per word, strings are copied, nothing is reserved",
        path="src/${entity}_index.cpp",
        messages=(
            "Speed up ${Entity}Index\n\nHash map, one lookup per word, no copies of lines.",
            "Faster ${Entity}Index: reserve, pass views, unordered_map\n\nThe index of the $owner takes a tenth of "
            "the time.",
            "Optimize loop in ${Entity}Index::Add, it is the hot path",
        ),
        change=r"""
 // An index from words to the $entities in which they occur.
-#include <map>
-#include <set>
+#include <algorithm>
 #include <string>
+#include <unordered_map>
 #include <vector>

 namespace $project {

 $surrounding

 class ${Entity}Index {
   public:
     // Adds the words of a $text; ids come in ascending order.
-    void Add(int id, std::string $text) {
-        std::string word = "";
-        for (std::size_t i = 0; i <= $text.size(); ++i) {
-            if (i == $text.size() || $text.substr(i, 1) == " ") {
-                if (word.length() > 0) {
-                    if (ids_.count(word) == 0) ids_[word] = std::set<int>();
-                    ids_[word].insert(id);
-                }
-                word = "";
-            } else {
-                word = word + $text[i];
-            }
-        }
-    }
+    void Add(int id, const std::string& $text) {
+        std::size_t start = 0;
+        while (start < $text.size()) {
+            const std::size_t end = std::min($text.find(' ', start), $text.size());
+            if (end > start) {
+                std::vector<int>& ids = ids_[$text.substr(start, end - start)];
+                if (ids.empty() || ids.back() != id) ids.push_back(id);
+            }
+            start = end + 1;
+        }
+    }

     // The $entities that have both words, ascending.
-    std::vector<int> Both(std::string first, std::string second) {
-        std::vector<int> $result;
-        for (int id : ids_[first]) {
-            for (int other : ids_[second]) {
-                if (id == other) $result.push_back(id);
-            }
-        }
-        return $result;
-    }
+    std::vector<int> Both(const std::string& first, const std::string& second) const {
+        const auto left = ids_.find(first);
+        const auto right = ids_.find(second);
+        std::vector<int> $result;
+        if (left == ids_.end() || right == ids_.end()) return $result;
+        std::set_intersection(left->second.begin(), left->second.end(), right->second.begin(),
+                              right->second.end(), std::back_inserter($result));
+        return $result;
+    }

   private:
-    std::map<std::string, std::set<int>> ids_;
+    std::unordered_map<std::string, std::vector<int>> ids_;
 };

 }  // namespace $project
""",
    ),
    BenchmarkChange(
        language=Language.CPP,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="full-sort",
        about="the whole list is sorted for a median, endl flushes each line, ranges are summed anew",
        instruction=(
            "Write C++ code for the $amount values of ${entities}: `int Median(std::vector<int> values)` "
            "(the upper median), `void "
            "Print(std::ostream& out, const std::vector<int>& values)` (one per line) and a class "
            "RangeSum, constructed from a "
            "list, with `long Sum(std::size_t from, std::size_t to)` over the half-open range."
        ),
        change=r"""
 // Figures about $entities.
 #include <algorithm>
 #include <ostream>
 #include <string>
 #include <vector>

 namespace $project {

 $surrounding

 // The upper median; there is at least one value.
 int Median(std::vector<int> values) {
-    std::stable_sort(values.begin(), values.end());
-    return values[values.size() / 2];
+    const auto middle = values.begin() + values.size() / 2;
+    std::nth_element(values.begin(), middle, values.end());
+    return *middle;
 }

 // One value per line.
 void Print(std::ostream& out, const std::vector<int>& values) {
-    for (int value : values) out << value << std::endl;
+    for (int value : values) out << value << '\n';
 }

 // Answers sums over half-open ranges.
 class RangeSum {
   public:
-    explicit RangeSum(const std::vector<int>& values) : values_(values) {}
+    explicit RangeSum(const std::vector<int>& values) : sums_(values.size() + 1) {
+        for (std::size_t i = 0; i < values.size(); ++i) sums_[i + 1] = sums_[i] + values[i];
+    }

     long Sum(std::size_t from, std::size_t to) const {
-        long sum = 0;
-        for (std::size_t i = from; i < to; ++i) sum += values_[i];
-        return sum;
+        return sums_[to] - sums_[from];
     }

   private:
-    std::vector<int> values_;
+    std::vector<long> sums_;
 };

 }  // namespace $project
""",
    ),
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="copied-vectors",
        about=(
            "vectors and strings are passed by value, vectors are scanned for each id, text grows by copies"
        ),
        path="src/${entity}_filter.cpp",
        messages=(
            "Speed up filtering of $entities\n\nPass by reference, hash lookup instead of a scan per id.",
            "Faster ${entity}_filter: unordered_set, no copies in the hot loop",
        ),
        change=r"""
 // Filters $entities for the $owner.
 #include <string>
+#include <unordered_set>
 #include <vector>

 namespace $project {

 $surrounding

 // The $entities that nobody has seen, by id.
-std::vector<int> Fresh(std::vector<int> ids, std::vector<int> earlier) {
-    std::vector<int> $result;
-    for (std::size_t i = 0; i < ids.size(); i++) {
-        bool hit = false;
-        for (std::size_t j = 0; j < earlier.size(); j++) {
-            if (ids[i] == earlier[j]) hit = true;
-        }
-        if (!hit) $result.push_back(ids[i]);
-    }
-    return $result;
-}
+std::vector<int> Fresh(const std::vector<int>& ids, const std::vector<int>& earlier) {
+    const std::unordered_set<int> seen(earlier.begin(), earlier.end());
+    std::vector<int> $result;
+    for (int id : ids) {
+        if (seen.count(id) == 0) $result.push_back(id);
+    }
+    return $result;
+}

 // All ${text}s, one per line.
-std::string Listing(std::vector<std::string> ${text}s) {
-    std::string text = "";
-    for (std::string one : ${text}s) {
-        text = text + one + "\n";
-    }
-    return text;
-}
+std::string Listing(const std::vector<std::string>& ${text}s) {
+    std::string text;
+    for (const std::string& one : ${text}s) text.append(one).push_back('\n');
+    return text;
+}

 }  // namespace $project
""",
    ),
    BenchmarkChange(
        language=Language.CPP,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="name-register",
        about="names are scanned for each question, strings are passed by value, the first element is erased",
        instruction=(
            "Write a C++ class Register of names of ${entities} with `void Add(name)`, `bool Has(name)`, "
            "and `std::string Next()`, which removes and returns the name that was added first; and a "
            "function `int CountLong(names, length)`, the number of names of at least that length."
        ),
        change=r"""
 // The register of $entities that wait for the $owner.
+#include <deque>
 #include <string>
+#include <unordered_set>
 #include <vector>

 namespace $project {

 $surrounding

 // Names in the order in which they came.
 class Register {
   public:
-    void Add(std::string name) { names_.push_back(name); }
+    void Add(const std::string& name) {
+        names_.push_back(name);
+        known_.insert(name);
+    }

-    bool Has(std::string name) const {
-        for (std::string one : names_) {
-            if (one == name) return true;
-        }
-        return false;
-    }
+    bool Has(const std::string& name) const { return known_.count(name) != 0; }

     std::string Next() {
         std::string first = names_.front();
-        names_.erase(names_.begin());
+        names_.pop_front();
+        known_.erase(first);
         return first;
     }

   private:
-    std::vector<std::string> names_;
+    std::deque<std::string> names_;
+    std::unordered_set<std::string> known_;
 };

 // The number of long names.
-int CountLong(std::vector<std::string> names, std::size_t length) {
+int CountLong(const std::vector<std::string>& names, std::size_t length) {
     int count = 0;
-    for (std::string name : names) {
+    for (const std::string& name : names) {
         if (name.size() >= length) ++count;
     }
     return count;
 }

 }  // namespace $project
""",
    ),
)
