"""Runtime efficiency in Go."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.GO,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="growing-strings",
        about="strings grow by concatenation, a regular expression is compiled per call, membership is a "
        "scan",
        path="internal/$entities/render.go",
        messages=(
            "Speed up rendering of $entities\n\nstrings.Builder, compile the pattern once, hash lookup of "
            "hidden ids.",
            "Optimize loop that renders $entities: faster, fewer allocations",
            "Faster $entity list\n\nThe hot path of the $owner page spent its time in regexp.MustCompile.",
        ),
        change=r"""
 // Package $entities renders $entities for the $owner.
 package $entities

 import (
     "fmt"
     "regexp"
+    "strings"
 )

+var blanks = regexp.MustCompile(`\s+`)
+
 // ${Entity} is what is rendered.
 type ${Entity} struct {
     ID int64

     ${Text} string

     ${Amount} int
 }

 $surrounding

 // Render writes one line per $entity that is not hidden.
 func Render($entities []${Entity}, hidden []int64) string {
-    out := ""
-    for _, $item := range $entities {
-        isHidden := false
-        for _, id := range hidden {
-            if id == $item.ID {
-                isHidden = true
-            }
-        }
-        if !isHidden {
-            out = out + fmt.Sprintf("%s: %d\n", clean($item.${Text}), $item.${Amount})
-        }
-    }
-    return out
+    skip := make(map[int64]struct{}, len(hidden))
+    for _, id := range hidden {
+        skip[id] = struct{}{}
+    }
+    var out strings.Builder
+    for _, $item := range $entities {
+        if _, found := skip[$item.ID]; !found {
+            fmt.Fprintf(&out, "%s: %d\n", clean($item.${Text}), $item.${Amount})
+        }
+    }
+    return out.String()
 }

 func clean(text string) string {
-    blanks := regexp.MustCompile(`\s+`)
     return blanks.ReplaceAllString(text, " ")
 }
""",
    ),
    MinedChange(
        language=Language.GO,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="sort-per-insert",
        about="the whole list is sorted on every insert and keys are built with Sprintf",
        path="store/${entity}_ranking.go",
        messages=(
            "Speed up the $entity ranking\n\nBinary search for the place of a new $entity instead of sorting all of "
            "them each time.",
            "Use a struct as key in the $entity ranking: faster than Sprintf",
            "Optimize loop over $entities in Top, was quadratic",
        ),
        change=r"""
 // Package store ranks $entities by $amount.
 package store

-import (
-    "fmt"
-    "sort"
-)
+import "sort"

 // Score is one line of the ranking.
 type Score struct {
     ${Owner}, ${Text} string

     ${Amount} int
 }

+type key struct{ ${owner}, ${text} string }
+
 // Ranking keeps scores in descending order of $amount.
 type Ranking struct {
     scores []Score

-    best map[string]int
+    best map[key]int
 }

 $surrounding

 // Add puts a score in its place.
 func (r *Ranking) Add(score Score) {
-    r.scores = append(r.scores, score)
-    sort.SliceStable(r.scores, func(i, j int) bool { return r.scores[i].${Amount} > r.scores[j].${Amount} })
+    place := sort.Search(len(r.scores), func(i int) bool { return r.scores[i].${Amount} < score.${Amount} })
+    r.scores = append(r.scores, Score{})
+    copy(r.scores[place+1:], r.scores[place:])
+    r.scores[place] = score
     if r.best == nil {
-        r.best = make(map[string]int)
+        r.best = make(map[key]int)
     }
-    name := fmt.Sprintf("%s/%s", score.${Owner}, score.${Text})
-    if score.${Amount} > r.best[name] {
-        r.best[name] = score.${Amount}
+    name := key{score.${Owner}, score.${Text}}
+    if score.${Amount} > r.best[name] {
+        r.best[name] = score.${Amount}
     }
 }

 // Top returns the first scores of a $owner.
 func (r *Ranking) Top($owner string, limit int) []Score {
     var $result []Score
     for _, $item := range r.scores {
         if $item.${Owner} == $owner {
             $result = append($result, $item)
+            if len($result) == limit {
+                break
+            }
         }
     }
-    if len($result) > limit {
-        $result = $result[:limit]
-    }
     return $result
 }
""",
    ),
    BenchmarkChange(
        language=Language.GO,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="locks-and-sorting",
        about="one lock for all readers, bubble sort, and requests one after the other",
        instruction=(
            "Write a Go package $entity with a type Cache that is safe for concurrent use (`Get(id int64) "
            "(string, bool)`, "
            "`Put(id int64, value string)`), `SortDescending(${amount}s []int)`, and `FetchAll(ids "
            "[]int64, fetch "
            "func(int64) string) []string`, which returns the answers in the order of the ids."
        ),
        change=r"""
 // Package $entity serves $entities to many callers at once.
 package $entity

 import (
+    "sort"
     "sync"
 )

 // Cache holds the $text of $entities.
 type Cache struct {
-    mutex sync.Mutex
+    mutex sync.RWMutex

     values map[int64]string
 }

 // NewCache returns an empty cache.
 func NewCache() *Cache {
     return &Cache{values: make(map[int64]string)}
 }

 $surrounding

 // Get returns the value of an id and whether there is one.
 func (c *Cache) Get(id int64) (string, bool) {
-    c.mutex.Lock()
-    defer c.mutex.Unlock()
-    for key, value := range c.values {
-        if key == id {
-            return value, true
-        }
-    }
-    return "", false
+    c.mutex.RLock()
+    defer c.mutex.RUnlock()
+    value, found := c.values[id]
+    return value, found
 }

 // Put keeps a value.
 func (c *Cache) Put(id int64, value string) {
     c.mutex.Lock()
     defer c.mutex.Unlock()
     c.values[id] = value
 }

 // SortDescending sorts in place, largest $amount first.
 func SortDescending(${amount}s []int) {
-    for i := 0; i < len(${amount}s); i++ {
-        for j := 0; j+1 < len(${amount}s); j++ {
-            if ${amount}s[j] < ${amount}s[j+1] {
-                ${amount}s[j], ${amount}s[j+1] = ${amount}s[j+1], ${amount}s[j]
-            }
-        }
-    }
+    sort.Sort(sort.Reverse(sort.IntSlice(${amount}s)))
 }

 // FetchAll returns one answer per id, in the order of the ids.
 func FetchAll(ids []int64, fetch func(int64) string) []string {
     answers := make([]string, len(ids))
-    for position, id := range ids {
-        answers[position] = fetch(id)
-    }
+    var wait sync.WaitGroup
+    for position, id := range ids {
+        wait.Add(1)
+        go func(position int, id int64) {
+            defer wait.Done()
+            answers[position] = fetch(id)
+        }(position, id)
+    }
+    wait.Wait()
     return answers
 }
""",
    ),
    MinedChange(
        language=Language.GO,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="scan-and-concat",
        about="a slice is scanned for each id, text grows with +=, a pattern is compiled for each line",
        path="internal/match/$entity.go",
        messages=(
            "Speed up matching of $entities\n\nMap of ids instead of a scan; compile the pattern once. Was "
            "quadratic.",
            "Faster matching for the $owner: strings.Join, hash lookup",
        ),
        change=r"""
 // Package match finds $entities that are known.
 package match

-import "regexp"
+import (
+    "regexp"
+    "strings"
+)

+var code = regexp.MustCompile(`^[A-Z]{2}-[0-9]+$$`)
+
 $surrounding

 // Known returns the ids that are on the list.
 func Known(ids, list []int64) []int64 {
+    listed := make(map[int64]bool, len(list))
+    for _, id := range list {
+        listed[id] = true
+    }
     var $result []int64
     for _, id := range ids {
-        for _, other := range list {
-            if id == other {
-                $result = append($result, id)
-                break
-            }
-        }
+        if listed[id] {
+            $result = append($result, id)
+        }
     }
     return $result
 }

 // Listing puts one $text on each line.
 func Listing(${text}s []string) string {
-    listing := ""
-    for i := 0; i < len(${text}s); i++ {
-        listing += ${text}s[i]
-        if i < len(${text}s)-1 {
-            listing += "\n"
-        }
-    }
-    return listing
+    return strings.Join(${text}s, "\n")
 }

 // Valid tells whether a code has the right form.
 func Valid(text string) bool {
-    pattern, err := regexp.Compile(`^[A-Z]{2}-[0-9]+$$`)
-    if err != nil {
-        return false
-    }
-    return pattern.MatchString(text)
+    return code.MatchString(text)
 }
""",
    ),
    BenchmarkChange(
        language=Language.GO,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="guest-list",
        about="a slice is scanned for each guest, a pattern is compiled for each call, text grows with +=",
        instruction=(
            "Write a Go package $entity with `Missing(invited, arrived []string) []string` (who was "
            "invited and did not come, in order), `Digits(text string) string` (the text without anything "
            "but digits) and `Report(names []string) string`, one name on each line with a line end."
        ),
        change=r"""
 // Package $entity keeps the guest list of the $owner.
 package $entity

 import (
     "regexp"
+    "strings"
 )

+var noDigit = regexp.MustCompile(`[^0-9]`)
+
 $surrounding

 // Missing returns who did not come.
 func Missing(invited, arrived []string) []string {
+    present := make(map[string]bool, len(arrived))
+    for _, name := range arrived {
+        present[name] = true
+    }
     var missing []string
     for _, name := range invited {
-        found := false
-        for _, other := range arrived {
-            if name == other {
-                found = true
-            }
-        }
-        if !found {
+        if !present[name] {
             missing = append(missing, name)
         }
     }
     return missing
 }

 // Digits leaves out everything else.
 func Digits(text string) string {
-    return regexp.MustCompile(`[^0-9]`).ReplaceAllString(text, "")
+    return noDigit.ReplaceAllString(text, "")
 }

 // Report puts each name on a line.
 func Report(names []string) string {
-    report := ""
-    for _, name := range names {
-        report += name + "\n"
-    }
-    return report
+    var report strings.Builder
+    for _, name := range names {
+        report.WriteString(name)
+        report.WriteByte('\n')
+    }
+    return report.String()
 }
""",
    ),
)
