"""C++ declarations that stand around a change and have no part in it.

They need <string> and <vector> at most.
"""

FRAGMENTS: tuple[str, ...] = (
    r"""
// Keeps a value inside what the $owner allows.
inline int Clamp${Amount}(int value) {
    if (value < 0) return 0;
    return value > $limit ? $limit : value;
}
""",
    r"""
enum class ${Other}State { kOpen, kLate, kDone };
""",
    r"""
inline bool IsBlank${Text}(const std::string& value) {
    return value.find_first_not_of(" \t") == std::string::npos;
}
""",
    r"""
// The mean of all values, or 0.
inline double Mean${Amount}(const std::vector<int>& values) {
    if (values.empty()) return 0.0;
    double sum = 0.0;
    for (int value : values) sum += value;
    return sum / static_cast<double>(values.size());
}
""",
    r"""
struct ${Other}Options {
    std::string $text = "none";
    int max_$amount = $limit;
    bool verbose = false;
};
""",
    r"""
// Cuts one exported line of $others into its fields.
inline std::vector<std::string> Split${Others}Line(const std::string& line) {
    std::vector<std::string> fields(1);
    for (char c : line) {
        if (c == ';') {
            fields.emplace_back();
        } else {
            fields.back().push_back(c);
        }
    }
    return fields;
}
""",
    r"""
inline std::string Describe${Other}(long id, const std::string& $text) {
    std::string line = "$other " + std::to_string(id);
    if (!$text.empty()) line += " " + $text;
    return line;
}
""",
)
