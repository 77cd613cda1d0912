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
)
