"""Security hardness in C++."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.SECURITY_HARDNESS,
        name="packet-parser",
        about="lengths of a packet are trusted, indices are unchecked, a command is run through a shell",
        path="src/${entity}_packet.cpp",
        messages=(
            "Fix buffer overflow in the $entity packet parser\n\nLengths come from the network. No shell "
            "for the name "
            "of a $entity any more.",
            "Harden ${entity}_packet: input validation of lengths, no command injection",
            "Prevent buffer overflow and command injection in $entity packets",
        ),
        change=r"""
 // Packets about $entities, as they come from the network.
 #include <cstdint>
-#include <cstdlib>
 #include <cstring>
+#include <fstream>
+#include <stdexcept>
 #include <string>
 #include <vector>

 namespace $project {

 struct ${Entity}Packet {
     std::string $text;
     std::vector<std::uint16_t> ${amount}s;
 };

 $surrounding

+// Returns where `count` bytes begin and moves the offset past them.
+const std::uint8_t* Take(const std::vector<std::uint8_t>& data, std::size_t& offset, std::size_t count) {
+    if (count > data.size() - offset) throw std::runtime_error("$entity packet is cut off");
+    const std::uint8_t* start = data.data() + offset;
+    offset += count;
+    return start;
+}
+
 // Layout: length, $text, number of ${amount}s, the ${amount}s (two bytes each).
 ${Entity}Packet Parse(const std::vector<std::uint8_t>& data) {
     ${Entity}Packet packet;
-    char $text[$size];
-    const std::uint8_t length = data[0];
-    std::memcpy($text, &data[1], length);
-    $text[length] = 0;
-    packet.$text = $text;
-    const std::uint8_t count = data[1 + length];
-    packet.${amount}s.resize(count);
-    std::memcpy(packet.${amount}s.data(), &data[2 + length], 2 * count);
+    std::size_t offset = 0;
+    const std::size_t length = *Take(data, offset, 1);
+    const std::uint8_t* start = Take(data, offset, length);
+    packet.$text.assign(start, start + length);
+    const std::size_t count = *Take(data, offset, 1);
+    packet.${amount}s.resize(count);
+    if (count > 0) std::memcpy(packet.${amount}s.data(), Take(data, offset, 2 * count), 2 * count);
     return packet;
 }

 // Notes in the journal of the $owner that a packet has come.
 void Note(const ${Entity}Packet& packet) {
-    const std::string command = "echo '" + packet.$text + "' >> $entities.log";
-    std::system(command.c_str());
+    std::ofstream("$entities.log", std::ios::app) << packet.$text << '\n';
 }

 }  // namespace $project
""",
    ),
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.SECURITY_HARDNESS,
        name="paths-and-widths",
        about="a name may leave its folder, width times height overflows, a temporary file can be guessed",
        path="src/${entity}_images.cpp",
        messages=(
            "Fix path traversal and buffer overflow in ${entity}_images",
            "Harden ${entity}_images\n\nWidth times height overflowed before the allocation (buffer overflow); names "
            "of a $owner could leave the folder.",
            "Security: input validation for pictures of $entities",
        ),
        change=r"""
 // Pictures of $entities, as a $owner uploads them.
+#include <algorithm>
 #include <cstdint>
-#include <cstring>
 #include <filesystem>
 #include <stdexcept>
 #include <string>
 #include <vector>

 namespace $project {

 const std::filesystem::path kFolder = "/srv/$project/$entities";
+constexpr std::uint32_t kMaxSide = ${limit}0;

 $surrounding

 // Where the picture of that name lies.
 std::filesystem::path Locate(const std::string& name) {
-    return kFolder.string() + "/" + name;
+    const std::filesystem::path path = (kFolder / name).lexically_normal();
+    const auto end = std::mismatch(kFolder.begin(), kFolder.end(), path.begin(), path.end()).first;
+    if (end != kFolder.end()) throw std::invalid_argument("outside of the folder: " + name);
+    return path;
 }

 // A picture of one byte per pixel from its sides and its pixels.
 std::vector<std::uint8_t> Decode(std::uint32_t width, std::uint32_t height, const std::vector<std::uint8_t>& data) {
-    std::vector<std::uint8_t> pixels(width * height);
-    std::memcpy(pixels.data(), data.data(), data.size());
-    return pixels;
+    if (width > kMaxSide || height > kMaxSide) throw std::invalid_argument("picture too large");
+    const std::size_t size = static_cast<std::size_t>(width) * height;
+    if (data.size() < size) throw std::invalid_argument("picture cut off");
+    return {data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size)};
 }

 // The pixel at a position that the $owner clicked.
 int Pixel(const std::vector<std::uint8_t>& pixels, std::uint32_t width, std::uint32_t x, std::uint32_t y) {
-    return pixels[y * width + x];
+    if (x >= width) throw std::out_of_range("right of the picture");
+    return pixels.at(static_cast<std::size_t>(y) * width + x);
 }

 }  // namespace $project
""",
    ),
    BenchmarkChange(
        language=Language.CPP,
        criterion=Criterion.SECURITY_HARDNESS,
        name="sessions",
        about="a dangling reference, a C array without bounds, tokens from rand()",
        instruction=(
            "Write C++ code for the web view of ${entities}: `std::string Escape(const std::string& "
            "$text)` for HTML text, `int "
            "At(const std::vector<int>& ${amount}s, long position)` for a position that a $owner typed "
            "(throws std::out_of_range "
            "where there is none), and `std::string NewToken()`, a token of $size hexadecimal digits."
        ),
        change=r"""
 // The web view of $entities.
-#include <cstdio>
-#include <cstdlib>
-#include <ctime>
+#include <random>
+#include <stdexcept>
 #include <string>
 #include <vector>

 namespace $project {

 $surrounding

 // A $text as it may stand between tags or in a quoted attribute.
 std::string Escape(const std::string& $text) {
     std::string $result;
     for (char c : $text) {
-        if (c == '<') {
-            $result += "&lt;";
-        } else {
-            $result += c;
-        }
+        switch (c) {
+            case '<': $result += "&lt;"; break;
+            case '>': $result += "&gt;"; break;
+            case '&': $result += "&amp;"; break;
+            case '"': $result += "&quot;"; break;
+            case '\'': $result += "&#39;"; break;
+            default: $result += c;
+        }
     }
     return $result;
 }

 // The $amount at a position that the $owner typed.
 int At(const std::vector<int>& ${amount}s, long position) {
-    if (position >= static_cast<long>(${amount}s.size())) {
-        throw "no such position";
-    }
-    return ${amount}s[position];
+    if (position < 0) throw std::out_of_range("position below 0");
+    return ${amount}s.at(static_cast<std::size_t>(position));
 }

 // A new token of $size hexadecimal digits.
 std::string NewToken() {
-    char token[$size];
-    std::srand(static_cast<unsigned>(std::time(nullptr)));
-    for (int i = 0; i < $size; ++i) {
-        std::sprintf(token + i, "%x", std::rand() % 16);
-    }
-    return token;
+    static const char digits[] = "0123456789abcdef";
+    std::random_device device;
+    std::string token;
+    while (token.size() < $size) token += digits[device() % 16];
+    return token;
 }

 }  // namespace $project
""",
    ),
    MinedChange(
        language=Language.CPP,
        criterion=Criterion.SECURITY_HARDNESS,
        name="printer-queue",
        about=(
            "text is copied into char arrays with strcpy and sprintf, a shell prints, indices are not checked"
        ),
        path="src/${entity}_printer.cpp",
        messages=(
            "Fix buffer overflow in ${Entity}Printer\n\nstd::string instead of char arrays, no shell "
            "command.",
            "Harden ${Entity}Printer: buffer overflow, command injection through the name of a file",
        ),
        change=r"""
 // Prints $entities for the $owner.
-#include <cstdio>
-#include <cstdlib>
-#include <cstring>
 #include <string>
 #include <vector>
+#include <unistd.h>

 namespace $project {

 $surrounding

 // The heading of a page.
 std::string Heading(const std::string& $text, int $amount) {
-    char buffer[$size];
-    char number[4];
-    strcpy(buffer, $text.c_str());
-    strcat(buffer, ": ");
-    sprintf(number, "%d", $amount);
-    strcat(buffer, number);
-    return buffer;
+    return $text + ": " + std::to_string($amount);
 }

 // Hands a file to the printer; returns only on errors.
 int Print(const std::string& path) {
-    char command[$size];
-    sprintf(command, "lpr %s", path.c_str());
-    return system(command);
+    return execlp("lpr", "lpr", "--", path.c_str(), static_cast<char*>(nullptr));
 }

 // The page that was asked for; throws std::out_of_range.
 const std::string& Page(const std::vector<std::string>& pages, std::size_t number) {
-    const std::string* first = &pages[0];
-    return first[number];
+    return pages.at(number);
 }

 }  // namespace $project
""",
    ),
    BenchmarkChange(
        language=Language.CPP,
        criterion=Criterion.SECURITY_HARDNESS,
        name="door-codes",
        about=(
            "a code is formatted into a char array, compared with strcmp, made with rand, and an index is "
            "not checked"
        ),
        instruction=(
            "Write C++ functions for the doors of ${entities}: `std::string Label(name, number)` returns "
            '"name-number", `int NewCode()` a code from 0 to 999999, and `int Floor(floors, door)` the '
            "floor of a door in a std::vector<int>, with std::out_of_range for a door that does not exist."
        ),
        change=r"""
 // Doors behind which the $entities are.
-#include <cstdio>
-#include <cstdlib>
-#include <cstring>
-#include <ctime>
+#include <random>
+#include <stdexcept>
 #include <string>
 #include <vector>

 namespace $project {

 $surrounding

 // What stands on the door.
 std::string Label(const std::string& name, int number) {
-    char label[$size];
-    strcpy(label, name.c_str());
-    sprintf(label + strlen(label), "-%d", number);
-    return label;
+    return name + "-" + std::to_string(number);
 }

 // A code that the $owner types.
 int NewCode() {
-    srand(time(nullptr));
-    return rand() % 1000000;
+    std::random_device device;
+    std::uniform_int_distribution<int> code(0, 999999);
+    return code(device);
 }

 // The floor of a door.
 int Floor(const std::vector<int>& floors, std::size_t door) {
-    return floors[door];
+    return floors.at(door);
 }

 }  // namespace $project
""",
    ),
)
