"""Readability and maintainability in C++."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="out-parameters",
        about="out-parameters, boolean flags and a do-everything function",
        path="src/${entity}_stats.cpp",
        messages=(
            "Refactor ${entity}_stats: return a struct instead of out-parameters",
            "Clean up ${entity}_stats\n\nOne loop, named fields, no flags. Remove duplication. The $owner "
            "gets the same "
            "figures.",
            "Simplify ${entity}_stats, rename proc",
        ),
        change=r"""
 // Figures about $entities for the $owner.
 #include <string>
 #include <vector>

 namespace $project {

 struct ${Entity} {
     std::string $text;
     int $amount;
     bool open;
 };

+// What the $owner wants to know of a list of $entities.
+struct ${Entity}Stats {
+    int count = 0;
+    long total = 0;
+    int largest = 0;
+};
+
 $surrounding

-bool proc(const std::vector<${Entity}>& v, bool f1, bool f2, int* n, long* t, int* m, std::string& e) {
-    if (n == NULL || t == NULL || m == NULL) { e = "null"; return false; }
-    *n = 0; *t = 0; *m = 0;
-    if (f1 == true && f2 == false) {
-        for (unsigned int i = 0; i < v.size(); i++) {
-            if (v[i].open == true) {
-                *n = *n + 1;
-                *t = *t + v[i].$amount;
-                if (v[i].$amount > *m) *m = v[i].$amount;
-            }
-        }
-    } else if (f1 == false && f2 == true) {
-        for (unsigned int i = 0; i < v.size(); i++) {
-            if (v[i].open == false) {
-                *n = *n + 1;
-                *t = *t + v[i].$amount;
-                if (v[i].$amount > *m) *m = v[i].$amount;
-            }
-        }
-    } else {
-        e = "flags"; return false;
-    }
-    e = "";
-    return true;
-}
+// Statistics over those $entities that are open, or over those that are not.
+${Entity}Stats StatsOf(const std::vector<${Entity}>& $entities, bool open) {
+    ${Entity}Stats stats;
+    for (const ${Entity}& $item : $entities) {
+        if ($item.open != open) continue;
+        ++stats.count;
+        stats.total += $item.$amount;
+        if ($item.$amount > stats.largest) stats.largest = $item.$amount;
+    }
+    return stats;
+}

 }  // namespace $project
""",
    ),
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="type-switches",
        about="kinds are integers in repeated if chains, members are public, comments repeat the code",
        path="src/${entity}_fee.cpp",
        messages=(
            "Refactor ${entity}_fee: enum class and one table of rates",
            "Clean up ${entity}_fee\n\nRename v, k and calc2; remove dead code and duplication. The $owner pays what "
            "was paid before.",
            "Simplify ${Entity}Fee",
        ),
        change=r"""
 // Fees that a $owner pays for $entities.
 #include <stdexcept>
 #include <string>
 #include <vector>

 namespace $project {

-#define K1 1
-#define K2 2
-#define K3 3
+enum class ${Entity}Kind { kNormal, kUrgent, kHeavy };
+
+// What a kind of $entity costs: a fixed part, and a part per $amount.
+struct Rate {
+    double fixed;
+    double per_$amount;
+};

 $surrounding

-class ${Entity}Fee {
-  public:
-    int k;     // k
-    double v;  // v
-
-    // calculates
-    double calc() {
-        double r = 0;  // r is 0
-        if (k == K1) r = 2 + v * $small;
-        else if (k == K2) r = 5 + v * $small;
-        else if (k == K3) r = 9 + v * $page;
-        else throw std::runtime_error("k");
-        return r;
-    }
-
-    double calc2(double p) {
-        double r = 0;
-        if (k == K1) r = 2 + v * $small;
-        else if (k == K2) r = 5 + v * $small;
-        else if (k == K3) r = 9 + v * $page;
-        else throw std::runtime_error("k");
-        // r = r - p;
-        return r * (1 - p);
-    }
-};
+Rate RateOf(${Entity}Kind kind) {
+    switch (kind) {
+        case ${Entity}Kind::kNormal: return {2, $small};
+        case ${Entity}Kind::kUrgent: return {5, $small};
+        case ${Entity}Kind::kHeavy: return {9, $page};
+    }
+    throw std::invalid_argument("unknown kind of $entity");
+}
+
+// The fee for a $entity; `discount` is a share from 0 to 1.
+double FeeFor(${Entity}Kind kind, double $amount, double discount = 0.0) {
+    const Rate rate = RateOf(kind);
+    return (rate.fixed + rate.per_$amount * $amount) * (1 - discount);
+}

 }  // namespace $project
""",
    ),
    BenchmarkChange(
        language=Language.CPP,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="raw-loops",
        about="pointer arithmetic, auxiliary flags and C casts where an algorithm has a name",
        instruction=(
            "Write C++ functions over a vector of ${entities} (struct with a std::string $text and an int "
            "${amount}): whether all have "
            "an $amount above zero, how many have a given $text, and the ${text}s of all of them in "
            "ascending order of $amount."
        ),
        change=r"""
 // Questions about $entities.
 #include <algorithm>
 #include <string>
 #include <vector>

 namespace $project {

 struct ${Entity} {
     std::string $text;
     int $amount;
 };

 $surrounding

-int fn1(const std::vector<${Entity}>& v) {
-    int flag = 1;
-    const ${Entity}* p = v.empty() ? (const ${Entity}*)0 : &v[0];
-    for (int i = 0; i < (int)v.size(); i++, p++) {
-        if (!((*p).$amount > 0)) flag = 0;
-    }
-    return flag;
-}
-
-int fn2(const std::vector<${Entity}>& v, std::string s) {
-    int c = 0;
-    for (int i = (int)v.size(); i-- > 0;) c = v[i].$text == s ? c + 1 : c;
-    return c;
-}
-
-std::vector<std::string> fn3(std::vector<${Entity}> v) {
-    std::vector<std::string> r;
-    for (int i = 0; i < (int)v.size(); i++)
-        for (int j = 0; j + 1 < (int)v.size() - i; j++)
-            if (v[j].$amount > v[j + 1].$amount) { ${Entity} t = v[j]; v[j] = v[j + 1]; v[j + 1] = t; }
-    for (int i = 0; i < (int)v.size(); i++) r.push_back(v[i].$text);
-    return r;
-}
+using ${Entities} = std::vector<${Entity}>;
+
+// Whether every $entity has an $amount above zero.
+bool AllPositive(const ${Entities}& $entities) {
+    return std::all_of($entities.begin(), $entities.end(),
+                       [](const ${Entity}& $item) { return $item.$amount > 0; });
+}
+
+// How many $entities have this $text.
+int CountOf(const ${Entities}& $entities, const std::string& $text) {
+    return static_cast<int>(std::count_if($entities.begin(), $entities.end(),
+                                          [&](const ${Entity}& $item) { return $item.$text == $text; }));
+}
+
+// The ${text}s in ascending order of $amount.
+std::vector<std::string> ${Text}sBy${Amount}(${Entities} $entities) {
+    std::stable_sort($entities.begin(), $entities.end(),
+                     [](const ${Entity}& left, const ${Entity}& right) { return left.$amount < right.$amount; });
+    std::vector<std::string> ${text}s;
+    for (const ${Entity}& $item : $entities) ${text}s.push_back($item.$text);
+    return ${text}s;
+}

 }  // namespace $project
""",
    ),
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="hand-written-algorithms",
        about=(
            "index loops with flags and letters where the standard library has a name, numbers without names"
        ),
        path="src/${entity}_query.cpp",
        messages=(
            "Refactor ${entity}_query: algorithms instead of raw loops, named constants",
            "Simplify ${entity}_query\n\nEasier to read; same results for the $owner.",
            "Clean up ${entity}_query, rename f, g and r",
        ),
        change=r"""
 // Questions about $entities.
+#include <algorithm>
+#include <numeric>
 #include <string>
 #include <vector>

 namespace $project {

+constexpr int kLarge = $limit;
+
 $surrounding

-bool f(std::vector<int> v) {
-    bool r = false;
-    for (int i = 0; i < (int)v.size(); i++) {
-        if (v[i] > $limit) {
-            if (r == false) {
-                r = true;
-            }
-        }
-    }
-    if (r == true) {
-        return true;
-    } else {
-        return false;
-    }
-}
+// Whether any $amount is large.
+bool AnyLarge(const std::vector<int>& ${amount}s) {
+    return std::any_of(${amount}s.begin(), ${amount}s.end(), [](int value) { return value > kLarge; });
+}

-int g(std::vector<int> v) {
-    int t = 0;
-    for (int i = 0; i < (int)v.size(); i++) {
-        t = t + v[i];
-    }
-    return t;
-}
+// The sum of all ${amount}s.
+int Total(const std::vector<int>& ${amount}s) {
+    return std::accumulate(${amount}s.begin(), ${amount}s.end(), 0);
+}

 }  // namespace $project
""",
    ),
    BenchmarkChange(
        language=Language.CPP,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="parcel-classes",
        about="nested branches over numbers without names, a flag, C casts and names of one letter",
        instruction=(
            "Write C++ functions about ${entities} given by their $amount: one that returns the class of a "
            "$entity (1 up to $page, 2 up to $limit, 3 above, 0 for a negative $amount) and one that "
            "counts the $entities of a class in a std::vector<int>."
        ),
        change=r"""
 // Classes of $entities.
+#include <algorithm>
 #include <string>
 #include <vector>

 namespace $project {

+constexpr int kSmallUpTo = $page;
+constexpr int kMediumUpTo = $limit;
+
+enum ${Entity}Class { kInvalid = 0, kSmall = 1, kMedium = 2, kLarge = 3 };
+
 $surrounding

-int c(int x) {
-    int r = 0;
-    if (x >= 0) {
-        if (x <= $page) {
-            r = 1;
-        } else {
-            if (x <= $limit) {
-                r = 2;
-            } else {
-                r = 3;
-            }
-        }
-    } else {
-        r = 0;
-    }
-    return r;
-}
+// The class of a $entity by its $amount.
+int ClassOf(int $amount) {
+    if ($amount < 0) return kInvalid;
+    if ($amount <= kSmallUpTo) return kSmall;
+    return $amount <= kMediumUpTo ? kMedium : kLarge;
+}

-int n(std::vector<int> x, int k) {
-    int t = 0;
-    for (int i = 0; i < (int)x.size(); i++) {
-        if (c(x[i]) == k) {
-            t = t + 1;
-        }
-    }
-    return t;
-}
+// The number of $entities of one class.
+int CountOfClass(const std::vector<int>& ${amount}s, int wanted) {
+    const auto is_wanted = [wanted](int $amount) { return ClassOf($amount) == wanted; };
+    return static_cast<int>(std::count_if(${amount}s.begin(), ${amount}s.end(), is_wanted));
+}

 }  // namespace $project
""",
    ),
)
