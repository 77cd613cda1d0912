"""Functional correctness in Go."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.GO,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="ignored-errors",
        about="errors are ignored, a nil map is written to, and the loop changes a copy",
        path="$entity/book.go",
        messages=(
            "Handle errors and fix null map in the $entity book\n\nAdd panicked on the zero value. Raise "
            "changed copies, "
            "so nothing happened. Bug fix.",
            "Fix bug: raising the $amount had no effect\n\nThe loop variable is a copy. Handle error of a "
            "$amount that "
            "is no number.",
            "$entity: handle edge case of an empty book, report bad numbers to the $owner",
        ),
        change=r"""
 // Package $entity keeps the $entities of a $owner.
 package $entity

 import (
+    "fmt"
     "strconv"
     "strings"
 )

 // ${Entity} is one line of the book.
 type ${Entity} struct {
     ${Text} string

     ${Amount} int
 }

 // Book maps ids to $entities. Its zero value is an empty book.
 type Book struct {
     $entities map[int64]${Entity}
 }

 $surrounding

 // Add parses a line of the form "$text;$amount" and keeps it.
 func (b *Book) Add(id int64, line string) error {
     fields := strings.Split(line, ";")
-    $amount, _ := strconv.Atoi(fields[1])
+    if len(fields) != 2 {
+        return fmt.Errorf("$entity %d: want 2 fields, got %d", id, len(fields))
+    }
+    $amount, err := strconv.Atoi(strings.TrimSpace(fields[1]))
+    if err != nil {
+        return fmt.Errorf("$entity %d: %w", id, err)
+    }
+    if b.$entities == nil {
+        b.$entities = make(map[int64]${Entity})
+    }
     b.$entities[id] = ${Entity}{${Text}: fields[0], ${Amount}: $amount}
     return nil
 }

 // Raise adds to the $amount of every $entity.
 func (b *Book) Raise(by int) {
-    for _, $item := range b.$entities {
+    for id, $item := range b.$entities {
         $item.${Amount} += by
+        b.$entities[id] = $item
     }
 }
""",
    ),
    MinedChange(
        language=Language.GO,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="shadowed-error",
        about="an error is shadowed, an empty list divides by zero, the last batch is lost",
        path="internal/report/$entity.go",
        messages=(
            "Fix bug: errors of the $entity report were lost\n\n:= in the block made a second err. The last batch was "
            "not sent either.",
            "Handle empty list in the $entity report, fix missing last batch\n\nEdge case: division by zero when the "
            "$owner has no $entities.",
        ),
        change=r"""
 // Package report sends figures about $entities to the $owner.
 package report

 const batchSize = $page

 // ${Entity} is what is reported.
 type ${Entity} struct {
     ${Text} string

     ${Amount} float64
 }

 // Source reads $entities.
 type Source func(${text} string) ([]${Entity}, error)

 $surrounding

 // Mean returns the mean $amount of all $entities of a source.
 func Mean(read Source, $text string) (float64, error) {
-    var $entities []${Entity}
-    var err error
-    if $text != "" {
-        read, err := read($text)
-        if err == nil {
-            $entities = read
-        }
-    }
+    $entities, err := read($text)
     if err != nil {
         return 0, err
     }
+    if len($entities) == 0 {
+        return 0, nil
+    }
     sum := 0.0
-    for i := 1; i < len($entities); i++ {
-        sum += $entities[i].${Amount}
+    for _, $item := range $entities {
+        sum += $item.${Amount}
     }
     return sum / float64(len($entities)), nil
 }

 // Send hands the $entities over in batches.
 func Send($entities []${Entity}, accept func([]${Entity}) error) error {
     var batch []${Entity}
     for _, $item := range $entities {
         batch = append(batch, $item)
         if len(batch) == batchSize {
             if err := accept(batch); err != nil {
                 return err
             }
-            batch = batch[:0]
+            batch = nil
         }
     }
+    if len(batch) > 0 {
+        return accept(batch)
+    }
     return nil
 }
""",
    ),
    BenchmarkChange(
        language=Language.GO,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="bytes-and-aliases",
        about="text is cut in the middle of a rune, a shared array is changed, and a negative remainder is "
        "used",
        instruction=(
            "Write a Go package $entity with `Shorten(text string, limit int) string` (at most that many "
            "characters), "
            "`Without($entities []string, position int) []string` (a list without one element; the "
            "argument stays as it is) "
            "and `Weekday(day, shift int) int` (a day from 0 to 6, moved by any number of days)."
        ),
        change=r"""
 // Package $entity has small functions about $entities.
 package $entity

 const daysInWeek = 7

 $surrounding

 // Shorten cuts a $text to at most limit characters.
 func Shorten(text string, limit int) string {
-    if len(text) > limit {
-        return text[:limit]
+    runes := []rune(text)
+    if len(runes) > limit {
+        return string(runes[:limit])
     }
     return text
 }

 // Without returns the $entities except for the one at a position.
 func Without($entities []string, position int) []string {
-    return append($entities[:position], $entities[position+1:]...)
+    $result := make([]string, 0, len($entities)-1)
+    $result = append($result, $entities[:position]...)
+    return append($result, $entities[position+1:]...)
 }

 // Weekday moves a day from 0 to 6 by any number of days.
 func Weekday(day, shift int) int {
-    return (day + shift) % daysInWeek
+    return ((day+shift)%daysInWeek + daysInWeek) % daysInWeek
 }
""",
    ),
    MinedChange(
        language=Language.GO,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="dropped-errors",
        about="errors are dropped with a blank, an empty list is indexed, the last element is left out",
        path="internal/stats/$entity.go",
        messages=(
            "Handle errors in the figures on $entities\n\nThe error of a $amount that is no number was "
            "dropped. Fix for the last one, too.",
            "Fix bug: the figures left out the last $entity\n\nHandle empty list; edge case of a new $owner.",
        ),
        change=r"""
 // Package stats has figures on $entities.
 package stats

 import (
     "errors"
     "strconv"
 )

+// ErrEmpty is returned where there are no $entities.
+var ErrEmpty = errors.New("no $entities")
+
 $surrounding

 // Sum adds up the ${amount}s that the $owner typed.
 func Sum(fields []string) (int, error) {
     sum := 0
-    for i := 0; i < len(fields)-1; i++ {
-        value, _ := strconv.Atoi(fields[i])
+    for _, field := range fields {
+        value, err := strconv.Atoi(field)
+        if err != nil {
+            return 0, err
+        }
         sum += value
     }
-    if sum == 0 {
-        return 0, errors.New("no $entities")
-    }
     return sum, nil
 }

 // Largest returns the largest $amount.
 func Largest(values []int) (int, error) {
-    largest := 0
-    for i := 1; i < len(values); i++ {
-        if values[i] > largest {
-            largest = values[i]
-        }
-    }
+    if len(values) == 0 {
+        return 0, ErrEmpty
+    }
+    largest := values[0]
+    for _, value := range values[1:] {
+        largest = max(largest, value)
+    }
     return largest, nil
 }
""",
    ),
    BenchmarkChange(
        language=Language.GO,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="key-values",
        about="an error is dropped, a nil map is written to, and a missing separator panics",
        instruction=(
            "Write a Go package $entity for settings: `Parse(lines []string) (map[string]int, error)` "
            'reads lines of the form "key=number", and `Last(values []int) (int, bool)` returns the last '
            "value, with false for an empty slice."
        ),
        change=r"""
 // Package $entity reads the settings of a $owner.
 package $entity

 import (
+    "fmt"
     "strconv"
     "strings"
 )

 $surrounding

 // Parse reads lines of the form "key=number".
 func Parse(lines []string) (map[string]int, error) {
-    var settings map[string]int
+    settings := make(map[string]int)
     for _, line := range lines {
-        fields := strings.Split(line, "=")
-        value, _ := strconv.Atoi(fields[1])
-        settings[fields[0]] = value
+        key, text, found := strings.Cut(line, "=")
+        if !found {
+            return nil, fmt.Errorf("no = in %q", line)
+        }
+        value, err := strconv.Atoi(text)
+        if err != nil {
+            return nil, fmt.Errorf("key %q: %w", key, err)
+        }
+        settings[key] = value
     }
     return settings, nil
 }

 // Last returns the last value.
 func Last(values []int) (int, bool) {
-    return values[len(values)-1], true
+    if len(values) == 0 {
+        return 0, false
+    }
+    return values[len(values)-1], true
 }
""",
    ),
)
