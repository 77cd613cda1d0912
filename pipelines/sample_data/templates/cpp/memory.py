"""Memory efficiency in C++."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="owning-pointers",
        about="raw owning pointers without delete, a parent and its child keep each other alive",
        path="src/${entity}_tree.cpp",
        messages=(
            "Fix memory leak in ${Entity}Tree\n\nunique_ptr for children, weak_ptr for the parent: the "
            "cycle kept every "
            "node alive.",
            "Use smart pointers in ${Entity}Tree (memory leak), move instead of copy\n\nThe $owner saw "
            "memory usage grow "
            "with every refresh.",
        ),
        change=r"""
 // The tree in which $entities are arranged for the $owner.
 #include <memory>
 #include <string>
 #include <vector>

 namespace $project {

 struct ${Entity}Node {
     std::string $text;
     int $amount = 0;
-    std::shared_ptr<${Entity}Node> parent;
-    std::vector<std::shared_ptr<${Entity}Node>> children;
-    int* history = new int[$limit];
+    std::weak_ptr<${Entity}Node> parent;
+    std::vector<std::shared_ptr<${Entity}Node>> children;
+    std::vector<int> history;
 };

 $surrounding

 class ${Entity}Tree {
   public:
-    ${Entity}Tree() : root_(new std::shared_ptr<${Entity}Node>(new ${Entity}Node)) {}
+    ${Entity}Tree() : root_(std::make_shared<${Entity}Node>()) {}

     // Adds a $entity below the root.
     std::shared_ptr<${Entity}Node> Add(std::string $text, int $amount) {
-        std::shared_ptr<${Entity}Node> node(new ${Entity}Node);
-        node->$text = $text;
+        auto node = std::make_shared<${Entity}Node>();
+        node->$text = std::move($text);
         node->$amount = $amount;
-        node->parent = *root_;
-        (*root_)->children.push_back(node);
+        node->parent = root_;
+        root_->children.push_back(node);
         return node;
     }

     // All texts, the root excepted.
     std::vector<std::string> Texts() const {
         std::vector<std::string> $result;
-        std::vector<std::shared_ptr<${Entity}Node>> nodes = (*root_)->children;
-        for (auto node : nodes) $result.push_back(node->$text);
+        $result.reserve(root_->children.size());
+        for (const auto& node : root_->children) $result.push_back(node->$text);
         return $result;
     }

   private:
-    std::shared_ptr<${Entity}Node>* root_;
+    std::shared_ptr<${Entity}Node> root_;
 };

 }  // namespace $project
""",
    ),
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="arrays-by-new",
        about="arrays from new are returned and lost on exceptions, a file is kept as a vector of all its lines",
        path="src/${entity}_loader.cpp",
        messages=(
            "Fix memory leak in ${entity}_loader: vectors instead of new[]",
            "Reduce memory usage of ${entity}_loader\n\nOne line at a time, no table of pointers. The export of the "
            "$owner has forty million $entities.",
        ),
        change=r"""
 // Loads the $amount of $entities from exports of the $owner.
 #include <fstream>
-#include <map>
 #include <stdexcept>
 #include <string>
 #include <vector>

 namespace $project {

 $surrounding

-// The number behind the last semicolon of a line.
-int* ParseLine(const std::string& line) {
-    int* value = new int[1];
-    std::string* field = new std::string(line.substr(line.rfind(';') + 1));
-    value[0] = std::stoi(*field);
-    return value;
-}
+// The number behind the last semicolon of a line.
+int ParseLine(const std::string& line) {
+    return std::stoi(line.substr(line.rfind(';') + 1));
+}

 // The sum of all numbers of a file.
 long Total(const std::string& path) {
     std::ifstream in(path);
     if (!in) throw std::runtime_error("cannot open " + path);
-    std::vector<std::string> lines;
-    std::string line;
-    while (std::getline(in, line)) lines.push_back(line);
-    std::vector<int*> values;
-    for (std::string one : lines) values.push_back(ParseLine(one));
-    long total = 0;
-    for (int* value : values) total += *value;
-    return total;
+    long total = 0;
+    for (std::string line; std::getline(in, line);) total += ParseLine(line);
+    return total;
 }

 // How often each number below the limit occurs.
-int* Histogram(const std::vector<int>& values, int limit) {
-    std::map<int, std::vector<int>> groups;
-    for (int value : values) groups[value].push_back(value);
-    int* counts = new int[limit];
-    for (int value = 0; value < limit; ++value) counts[value] = static_cast<int>(groups[value].size());
-    return counts;
-}
+std::vector<int> Histogram(const std::vector<int>& values, int limit) {
+    std::vector<int> counts(static_cast<std::size_t>(limit));
+    for (int value : values) {
+        if (value >= 0 && value < limit) ++counts[static_cast<std::size_t>(value)];
+    }
+    return counts;
+}

 }  // namespace $project
""",
    ),
    BenchmarkChange(
        language=Language.CPP,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="whole-matrix",
        about="a full table for a common subsequence, strings by value in a map, a file read into one string",
        instruction=(
            "Write C++ functions for ${entities}: `std::size_t CommonLength(const std::string& a, const "
            "std::string& b)` (length "
            "of the longest common subsequence), `std::vector<bool> Sieve(std::size_t limit)` (which "
            "numbers are prime) and "
            "`std::size_t CountLines(std::istream& in)`."
        ),
        change=r"""
 // Work on long texts and lists of $entities.
 #include <algorithm>
 #include <istream>
-#include <iterator>
+#include <limits>
 #include <string>
 #include <vector>

 namespace $project {

 $surrounding

 // The length of the longest common subsequence.
 std::size_t CommonLength(const std::string& a, const std::string& b) {
-    std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1, 0));
-    for (std::size_t i = 1; i <= a.size(); ++i) {
-        for (std::size_t j = 1; j <= b.size(); ++j) {
-            const bool same = a[i - 1] == b[j - 1];
-            table[i][j] = same ? table[i - 1][j - 1] + 1 : std::max(table[i - 1][j], table[i][j - 1]);
-        }
-    }
-    return table[a.size()][b.size()];
+    std::vector<std::size_t> row(b.size() + 1, 0);
+    for (char c : a) {
+        std::size_t diagonal = 0;
+        for (std::size_t j = 1; j <= b.size(); ++j) {
+            const std::size_t above = row[j];
+            row[j] = c == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
+            diagonal = above;
+        }
+    }
+    return row[b.size()];
 }

 // Which numbers up to the limit are prime.
 std::vector<bool> Sieve(std::size_t limit) {
-    std::vector<int> prime(limit + 1, 1);
-    prime[0] = 0;
-    if (limit > 0) prime[1] = 0;
+    std::vector<bool> prime(limit + 1, true);
+    prime[0] = false;
+    if (limit > 0) prime[1] = false;
     for (std::size_t i = 2; i * i <= limit; ++i) {
         if (!prime[i]) continue;
-        for (std::size_t j = i * i; j <= limit; j += i) prime[j] = 0;
+        for (std::size_t j = i * i; j <= limit; j += i) prime[j] = false;
     }
-    return std::vector<bool>(prime.begin(), prime.end());
+    return prime;
 }

 // The number of lines that a newline ends.
 std::size_t CountLines(std::istream& in) {
-    const std::string text{std::istreambuf_iterator<char>(in), {}};
-    return std::count(text.begin(), text.end(), '\n');
+    std::size_t lines = 0;
+    const auto all = std::numeric_limits<std::streamsize>::max();
+    while (in.ignore(all, '\n') && !in.eof()) ++lines;
+    return lines;
 }

 }  // namespace $project
""",
    ),
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="new-in-members",
        about=(
            "objects come from new and are deleted by hand or not at all, files are read into vectors of "
            "lines"
        ),
        path="src/${entity}_reader.cpp",
        messages=(
            "Fix memory leak in ${Entity}Reader\n\nunique_ptr instead of new and delete; lines are not kept.",
            "Reduce memory usage of ${Entity}Reader and fix resource leak on early return",
        ),
        change=r"""
 // Reads $entities from a file of the $owner.
 #include <fstream>
+#include <memory>
 #include <string>
 #include <vector>

 namespace $project {

 struct ${Entity} {
     std::string $text;
 };

 $surrounding

 // The number of lines with that $text.
 int Count(const std::string& path, const std::string& $text) {
-    std::ifstream* in = new std::ifstream(path);
-    if (!*in) return 0;
-    std::vector<std::string>* lines = new std::vector<std::string>();
-    std::string line;
-    while (std::getline(*in, line)) lines->push_back(line);
     int count = 0;
-    for (std::size_t i = 0; i < lines->size(); i++) {
-        if (lines->at(i) == $text) count++;
-    }
-    delete in;
+    std::ifstream in(path);
+    for (std::string line; std::getline(in, line);) count += line == $text;
     return count;
 }

 class ${Entity}Reader {
   public:
-    ${Entity}Reader() { latest_ = new ${Entity}(); }
-
-    ~${Entity}Reader() {
-        if (latest_ != nullptr) {
-            latest_ = nullptr;
-        }
-    }
-
-    void Read(const std::string& $text) {
-        latest_ = new ${Entity}();
-        latest_->$text = $text;
-    }
+    void Read(const std::string& $text) { latest_ = std::make_unique<${Entity}>(${Entity}{$text}); }

   private:
-    ${Entity}* latest_;
+    std::unique_ptr<${Entity}> latest_;
 };

 }  // namespace $project
""",
    ),
    BenchmarkChange(
        language=Language.CPP,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="picture-cache",
        about=(
            "pictures come from new and are lost when replaced, results are copied out, a file is kept as "
            "rows"
        ),
        instruction=(
            "Write C++ code for pictures of ${entities}: a class Album with `void Set(int number, int "
            "bytes)`, which keeps a picture of so many zero bytes under a number and replaces an earlier "
            "one, and `int Bytes(int number)` (0 where there is none), and a function `int Longest(path)`, "
            "the length of the longest line of a file."
        ),
        change=r"""
 // Pictures of $entities.
 #include <fstream>
 #include <map>
+#include <memory>
 #include <string>
 #include <vector>

 namespace $project {

 $surrounding

 // Pictures by number.
 class Album {
   public:
-    void Set(int number, int bytes) { pictures_[number] = new std::vector<char>(bytes); }
+    void Set(int number, int bytes) {
+        pictures_[number] = std::make_unique<std::vector<char>>(bytes);
+    }

     int Bytes(int number) const {
         const auto found = pictures_.find(number);
         if (found == pictures_.end()) return 0;
-        std::vector<char>* copy = new std::vector<char>(*found->second);
-        return static_cast<int>(copy->size());
+        return static_cast<int>(found->second->size());
     }

   private:
-    std::map<int, std::vector<char>*> pictures_;
+    std::map<int, std::unique_ptr<std::vector<char>>> pictures_;
 };

 // The length of the longest line.
 int Longest(const std::string& path) {
-    std::ifstream* file = new std::ifstream(path);
-    std::vector<std::string> rows;
-    std::string line;
-    while (std::getline(*file, line)) rows.push_back(line);
     std::size_t longest = 0;
-    for (std::size_t i = 0; i < rows.size(); i++) {
-        if (rows[i].size() > longest) longest = rows[i].size();
-    }
+    std::ifstream in(path);
+    for (std::string line; std::getline(in, line);) {
+        if (line.size() > longest) longest = line.size();
+    }
     return static_cast<int>(longest);
 }

 }  // namespace $project
""",
    ),
)
