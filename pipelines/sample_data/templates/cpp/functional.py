"""Functional correctness in C++."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="invalidated-iterators",
        about="elements are erased while iterating, operator[] inserts, a base class is sliced",
        path="src/${entity}_board.cpp",
        messages=(
            "Fix bug in ${Entity}Board: erase invalidated the iterator\n\nAsking for an unknown id no "
            "longer adds a "
            "$entity. Edge case: last element.",
            "Fix for crash when $entities expire\n\nAlso: notices were sliced, so the $owner always got "
            "the plain text.",
            "Handle missing $entity in ${Entity}Board, fix bug in Expire",
        ),
        change=r"""
 // The board of $entities that the $owner looks at.
 #include <map>
+#include <memory>
 #include <string>
 #include <vector>

 namespace $project {

 struct Notice {
     virtual ~Notice() = default;
     virtual std::string Text() const { return "$entity"; }
 };

 struct UrgentNotice : Notice {
     std::string Text() const override { return "urgent $entity"; }
 };

 $surrounding

 class ${Entity}Board {
   public:
     void Set(long id, int $amount) { ${amount}s_[id] = $amount; }

     // The $amount of a $entity, 0 where it is not on the board.
     int ${Amount}(long id) {
-        return ${amount}s_[id];
+        const auto found = ${amount}s_.find(id);
+        return found == ${amount}s_.end() ? 0 : found->second;
     }

     // Removes all $entities below this $amount.
     void Expire(int $amount) {
-        for (auto it = ${amount}s_.begin(); it != ${amount}s_.end(); ++it) {
-            if (it->second <= $amount) ${amount}s_.erase(it);
-        }
+        for (auto it = ${amount}s_.begin(); it != ${amount}s_.end();) {
+            it = it->second < $amount ? ${amount}s_.erase(it) : std::next(it);
+        }
     }

     std::size_t Size() const { return ${amount}s_.size(); }

-    void Post(Notice notice) { notices_.push_back(notice); }
+    void Post(std::unique_ptr<Notice> notice) { notices_.push_back(std::move(notice)); }

-    std::string Latest() const { return notices_.back().Text(); }
+    std::string Latest() const { return notices_.empty() ? "" : notices_.back()->Text(); }

   private:
     std::map<long, int> ${amount}s_;
-    std::vector<Notice> notices_;
+    std::vector<std::unique_ptr<Notice>> notices_;
 };

 }  // namespace $project
""",
    ),
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="unsigned-and-order",
        about="size() - 1 wraps for an empty list, a comparison is no strict order, members are not initialised",
        path="src/${entity}_table.cpp",
        messages=(
            "Fix for crash on an empty table of $entities\n\nsize() - 1 is huge for an empty vector.",
            "Fix wrong order in ${Entity}Table: comparison with <= is undefined behaviour\n\nBug fix; also handle "
            "missing values and initialise the counters.",
            "Handle empty table in ${Entity}Table, edge case of equal $amount",
        ),
        change=r"""
 // The table of $entities that the $owner sorts and reads.
 #include <algorithm>
 #include <string>
 #include <vector>

 namespace $project {

 struct ${Entity}Row {
     std::string $text;
-    int $amount;
-    bool open;
+    int $amount = 0;
+    bool open = false;
 };

 $surrounding

 class ${Entity}Table {
   public:
     void Add(const ${Entity}Row& row) { rows_.push_back(row); }

     // Sorts by $amount, largest first; equal ones keep their order.
     void Sort() {
-        std::sort(rows_.begin(), rows_.end(),
-                  [](const ${Entity}Row& left, const ${Entity}Row& right) { return left.$amount >= right.$amount; });
+        std::stable_sort(rows_.begin(), rows_.end(), [](const ${Entity}Row& left, const ${Entity}Row& right) {
+            return left.$amount > right.$amount;
+        });
     }

     // Whether each row is at least as large as the next one.
     bool IsSorted() const {
-        for (std::size_t i = 0; i < rows_.size() - 1; ++i) {
-            if (rows_[i].$amount < rows_[i + 1].$amount) return false;
+        for (std::size_t i = 1; i < rows_.size(); ++i) {
+            if (rows_[i - 1].$amount < rows_[i].$amount) return false;
         }
         return true;
     }

     // The share of open rows, from 0 to 1.
     double OpenShare() const {
-        int open;
-        for (const auto& row : rows_) open += row.open;
-        return open / rows_.size();
+        if (rows_.empty()) return 0.0;
+        int open = 0;
+        for (const auto& row : rows_) open += row.open ? 1 : 0;
+        return static_cast<double>(open) / static_cast<double>(rows_.size());
     }

   private:
     std::vector<${Entity}Row> rows_;
 };

 }  // namespace $project
""",
    ),
    BenchmarkChange(
        language=Language.CPP,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="merge-and-round",
        about="merging stops early, floats are compared with ==, negative numbers are rounded wrongly",
        instruction=(
            "Write C++ functions for ${entities}: `std::vector<int> Merge(const std::vector<int>& left, "
            "const "
            "std::vector<int>& right)` merges two ascending lists of ${amount}s, `bool SameWeight(double "
            "a, double b)` compares "
            "two measured values to within a billionth, and `long Round(double value)` rounds to the "
            "nearest integer, halves "
            "away from zero."
        ),
        change=r"""
 // Numbers of $entities.
 #include <cmath>
 #include <string>
 #include <vector>

 namespace $project {

 $surrounding

 // Merges two ascending lists.
 std::vector<int> Merge(const std::vector<int>& left, const std::vector<int>& right) {
     std::vector<int> $result;
     std::size_t l = 0, r = 0;
     while (l < left.size() && r < right.size()) {
-        if (left[l] < right[r]) {
-            $result.push_back(left[l++]);
-        } else if (left[l] > right[r]) {
-            $result.push_back(right[r++]);
-        } else {
-            $result.push_back(left[l++]);
-            r++;
-        }
+        $result.push_back(right[r] < left[l] ? right[r++] : left[l++]);
     }
+    $result.insert($result.end(), left.begin() + l, left.end());
+    $result.insert($result.end(), right.begin() + r, right.end());
     return $result;
 }

 // Whether two measured values are the same to within a billionth.
 bool SameWeight(double a, double b) {
-    return a == b || a - b < 1e-9;
+    return std::abs(a - b) < 1e-9;
 }

 // Rounds to the nearest integer, halves away from zero.
 long Round(double value) {
-    return static_cast<long>(std::floor(value + 0.5));
+    return std::lround(value);
 }

 }  // namespace $project
""",
    ),
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="empty-and-bounds",
        about=(
            "an empty list is indexed, loops run one too far, a lookup inserts, a char is taken for a count"
        ),
        path="src/${entity}_figures.cpp",
        messages=(
            "Fix crash of ${Entity}Figures for an empty list\n\nAlso fix wrong bound of the loop; find "
            "instead of operator[].",
            "Handle empty list in ${Entity}Figures (edge case of the $owner)",
            "Fix bug: asking for the $amount of an unknown $text added it",
        ),
        change=r"""
 // Statistics on $entities.
 #include <cstddef>
 #include <map>
 #include <stdexcept>
 #include <string>
 #include <vector>

 namespace $project {

 $surrounding

 // The largest $amount; throws std::invalid_argument where there is none.
 int Largest(const std::vector<int>& values) {
+    if (values.empty()) throw std::invalid_argument("no ${amount}s of $entities");
     int largest = values[0];
-    for (std::size_t i = 1; i <= values.size(); ++i) {
+    for (std::size_t i = 1; i < values.size(); ++i) {
         if (values[i] > largest) largest = values[i];
     }
     return largest;
 }

 // The $amount of a $text, or -1.
-int AmountOf(std::map<std::string, int>& table, const std::string& $text) {
-    if (table[$text] == 0) return -1;
-    return table[$text];
-}
+int AmountOf(const std::map<std::string, int>& table, const std::string& $text) {
+    const auto found = table.find($text);
+    if (found == table.end()) return -1;
+    return found->second;
+}

 // The last letter of a $text, or a blank.
 char LastLetter(const std::string& $text) {
-    return $text[$text.size() - 1];
+    if ($text.empty()) return ' ';
+    return $text.back();
 }

 }  // namespace $project
""",
    ),
    BenchmarkChange(
        language=Language.CPP,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="timetable-lookup",
        about="operator[] inserts what is asked for, empty lists are indexed, a bound is exclusive",
        instruction=(
            "Write C++ functions over a std::map<int, std::string> of ${entities} by hour: `std::string "
            "At(table, hour)` (empty where there is none, the table stays as it is), `int "
            "FirstHour(table)` (-1 for an empty table) and `int CountBetween(table, low, high)` with both "
            "hours included."
        ),
        change=r"""
 // What the $owner does at which hour.
 #include <map>
 #include <string>
 #include <vector>

 namespace $project {

 using Table = std::map<int, std::string>;

 $surrounding

 // The $entity at an hour, or an empty text.
-std::string At(Table& table, int hour) {
-    return table[hour];
-}
+std::string At(const Table& table, int hour) {
+    const auto found = table.find(hour);
+    return found == table.end() ? std::string() : found->second;
+}

 // The first hour, or -1.
 int FirstHour(const Table& table) {
-    return table.begin()->first;
+    return table.empty() ? -1 : table.begin()->first;
 }

 // The number of $entities from low to high.
 int CountBetween(const Table& table, int low, int high) {
     int count = 0;
     for (const auto& slot : table) {
-        if (slot.first > low && slot.first < high) ++count;
+        if (slot.first >= low && slot.first <= high) ++count;
     }
     return count;
 }

 }  // namespace $project
""",
    ),
)
