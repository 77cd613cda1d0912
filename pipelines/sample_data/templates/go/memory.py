"""Memory efficiency in Go."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.GO,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="read-all",
        about="bodies are read whole and never closed, tickers are never stopped",
        path="sync/${entity}_feed.go",
        messages=(
            "Fix resource leak and memory usage of the $entity feed\n\nClose bodies, stop the ticker, "
            "decode the stream "
            "instead of reading all of it.",
            "Fix memory leak in ${entity}_feed: body and ticker were never released",
            "Lower memory footprint of the $entity feed\n\nThe $owner has feeds of several hundred "
            "megabytes.",
        ),
        change=r"""
 // Package sync follows the feed of $entities.
 package sync

 import (
     "context"
     "encoding/json"
-    "io"
     "net/http"
     "time"
 )

 // ${Entity} is one line of the feed.
 type ${Entity} struct {
     ${Text} string

     ${Amount} int
 }

 const pause = $page * time.Second

 $surrounding

-// $fetch returns all $entities of the feed.
-func $fetch(client *http.Client, address string) ([]${Entity}, error) {
-    response, err := client.Get(address)
-    if err != nil {
-        return nil, err
-    }
-    body, err := io.ReadAll(response.Body)
-    if err != nil {
-        return nil, err
-    }
-    var $entities []${Entity}
-    err = json.Unmarshal(body, &$entities)
-    return $entities, err
-}
+// $fetch hands every $entity of the feed to accept, one at a time.
+func $fetch(client *http.Client, address string, accept func(${Entity})) error {
+    response, err := client.Get(address)
+    if err != nil {
+        return err
+    }
+    defer response.Body.Close()
+    decoder := json.NewDecoder(response.Body)
+    if _, err := decoder.Token(); err != nil {
+        return err
+    }
+    for decoder.More() {
+        var $item ${Entity}
+        if err := decoder.Decode(&$item); err != nil {
+            return err
+        }
+        accept($item)
+    }
+    return nil
+}

 // Follow asks again and again until the context ends.
 func Follow(ctx context.Context, client *http.Client, address string, accept func(${Entity})) error {
     ticker := time.NewTicker(pause)
+    defer ticker.Stop()
     for {
         select {
         case <-ctx.Done():
             return ctx.Err()
         case <-ticker.C:
-            $entities, err := $fetch(client, address)
-            if err != nil {
+            if err := $fetch(client, address, accept); err != nil {
                 return err
             }
-            for _, $item := range $entities {
-                accept($item)
-            }
         }
     }
 }
""",
    ),
    MinedChange(
        language=Language.GO,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="buffers-per-call",
        about="each call makes new buffers, text is copied back and forth, old entries are never dropped",
        path="wire/${entity}_codec.go",
        messages=(
            "Reduce memory usage of the $entity codec\n\nReuse buffers, no copies between string and bytes.",
            "Fix memory leak in the session table of the $entity codec\n\nSessions of a $owner were never dropped. "
            "Fewer allocations when encoding.",
        ),
        change=r"""
 // Package wire encodes $entities for the line to the $owner.
 package wire

 import (
-    "fmt"
     "strconv"
-    "strings"
+    "sync"
     "time"
 )

 const sessionLife = $page * time.Minute

+var buffers = sync.Pool{New: func() any { return new([]byte) }}
+
 // Session is what is known of one $owner.
 type Session struct {
     Seen time.Time

     ${Text} string
 }

 // Table maps ids to sessions.
 type Table struct {
     sessions map[int64]*Session
 }

 $surrounding

 // Touch notes that a $owner was here.
 func (t *Table) Touch(id int64, $text string, now time.Time) {
     if t.sessions == nil {
         t.sessions = make(map[int64]*Session)
     }
+    for other, session := range t.sessions {
+        if now.Sub(session.Seen) > sessionLife {
+            delete(t.sessions, other)
+        }
+    }
     t.sessions[id] = &Session{Seen: now, ${Text}: $text}
 }

 // Write encodes $entities as lines of a $text and a number.
 func Write(${text}s []string, ${amount}s []int, send func([]byte)) {
-    lines := []string{}
-    for i := range ${text}s {
-        lines = append(lines, fmt.Sprintf("%s;%s", ${text}s[i], strconv.Itoa(${amount}s[i])))
-    }
-    send([]byte(strings.Join(lines, "\n") + "\n"))
+    buffer := buffers.Get().(*[]byte)
+    defer buffers.Put(buffer)
+    for i := range ${text}s {
+        line := append((*buffer)[:0], ${text}s[i]...)
+        line = strconv.AppendInt(append(line, ';'), int64(${amount}s[i]), 10)
+        *buffer = append(line, '\n')
+        send(*buffer)
+    }
 }
""",
    ),
    BenchmarkChange(
        language=Language.GO,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="retained-backing",
        about="a short slice keeps a large array alive, results grow one by one, and goroutines leak",
        instruction=(
            "Write a Go package $entity with `Header(data []byte) []byte` (the first $size bytes of a "
            "large file, to be kept), "
            "`Double(${amount}s []int) []int` (each value times two) and `First(sources []func() string) "
            "string` (the answer "
            "of whichever source answers first)."
        ),
        change=r"""
 // Package $entity handles large files about $entities.
 package $entity

 const headerBytes = $size

 $surrounding

 // Header returns the first bytes of a file; data has at least that many.
 func Header(data []byte) []byte {
-    return data[:headerBytes]
+    header := make([]byte, headerBytes)
+    copy(header, data)
+    return header
 }

 // Double returns each $amount times two.
 func Double(${amount}s []int) []int {
-    var $result []int
-    for _, $amount := range ${amount}s {
-        $result = append($result, $amount*2)
+    $result := make([]int, len(${amount}s))
+    for position, $amount := range ${amount}s {
+        $result[position] = $amount * 2
     }
     return $result
 }

 // First returns the answer of the source that is ready first.
 func First(sources []func() string) string {
-    answers := make(chan string)
+    answers := make(chan string, len(sources))
     for _, source := range sources {
         go func(source func() string) {
             answers <- source()
         }(source)
     }
     return <-answers
 }
""",
    ),
    MinedChange(
        language=Language.GO,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="whole-bodies",
        about=(
            "a body and a file are read whole to be copied, the body is not closed, lines are kept to "
            "count them"
        ),
        path="internal/mirror/$entity.go",
        messages=(
            "Reduce memory usage of the mirror of $entities\n\nCopy streams instead of reading them; close "
            "the body.",
            "Fix resource leak in the $entity mirror, lower memory footprint",
        ),
        change=r"""
 // Package mirror keeps copies of what the $owner publishes on $entities.
 package mirror

 import (
     "bufio"
+    "io"
     "net/http"
     "os"
-    "strings"
 )

 $surrounding

 // Save copies what is at an address into a file.
 func Save(client *http.Client, address string, file *os.File) error {
     response, err := client.Get(address)
     if err != nil {
         return err
     }
-    var body []byte
-    buffer := make([]byte, $limit)
-    for {
-        n, err := response.Body.Read(buffer)
-        body = append(body, buffer[:n]...)
-        if err != nil {
-            break
-        }
-    }
-    _, err = file.Write(body)
+    defer response.Body.Close()
+    _, err = io.Copy(file, response.Body)
     return err
 }

 // Count returns the number of lines that speak of a $entity.
 func Count(path string) (int, error) {
-    content, err := os.ReadFile(path)
+    file, err := os.Open(path)
     if err != nil {
         return 0, err
     }
-    lines := []string{}
-    scanner := bufio.NewScanner(strings.NewReader(string(content)))
+    defer file.Close()
+    count := 0
+    scanner := bufio.NewScanner(file)
     for scanner.Scan() {
-        lines = append(lines, scanner.Text())
+        count++
     }
-    return len(lines), nil
+    return count, scanner.Err()
 }
""",
    ),
    BenchmarkChange(
        language=Language.GO,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="log-follower",
        about="a log is read as one string and split, a file is never closed, a ticker is never stopped",
        instruction=(
            "Write a Go package $entity with `Longest(path string) (int, error)`, the length in bytes of "
            "the longest line of a large log of the $owner, and `Wait(done func() bool, pause "
            "time.Duration)`, which asks again and again with a pause until done."
        ),
        change=r"""
 // Package $entity follows a log of $entities.
 package $entity

 import (
+    "bufio"
     "os"
-    "strings"
     "time"
 )

 $surrounding

 // Longest returns the length of the longest line.
 func Longest(path string) (int, error) {
-    data, err := os.ReadFile(path)
+    file, err := os.Open(path)
     if err != nil {
         return 0, err
     }
+    defer file.Close()
     longest := 0
-    for _, line := range strings.Split(string(data), "\n") {
-        longest = max(longest, len(line))
+    lines := bufio.NewScanner(file)
+    for lines.Scan() {
+        longest = max(longest, len(lines.Bytes()))
     }
-    return longest, nil
+    return longest, lines.Err()
 }

 // Wait returns when it is done.
 func Wait(done func() bool, pause time.Duration) {
-    for range time.NewTicker(pause).C {
+    ticker := time.NewTicker(pause)
+    defer ticker.Stop()
+    for range ticker.C {
         if done() {
             return
         }
     }
 }
""",
    ),
)
