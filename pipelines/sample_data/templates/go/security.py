"""Security hardness in Go."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.GO,
        criterion=Criterion.SECURITY_HARDNESS,
        name="handler-input",
        about="a handler joins paths unchecked, pastes SQL, and reads bodies of any length",
        path="server/${entity}_handler.go",
        messages=(
            "Fix path traversal and SQL injection in the $entity handler\n\nLimit the body, too (denial of "
            "service).",
            "Harden ${entity}_handler: input validation, bound query parameters",
            "Prevent SQL injection when the $owner searches $entities\n\nAlso stop path traversal in "
            "downloads.",
        ),
        change=r"""
 // Package server answers requests about $entities.
 package server

 import (
     "database/sql"
     "fmt"
     "io"
     "net/http"
+    "path"
     "path/filepath"
 )

 const folder = "/var/lib/$project/$entities"

+const maxBody = $size << 10
+
 // Handler serves the $entities of a $owner.
 type Handler struct {
     DB *sql.DB
 }

 $surrounding

 // Search answers with the number of $entities of a $text.
 func (h *Handler) Search(w http.ResponseWriter, r *http.Request) {
     var count int
-    query := fmt.Sprintf("SELECT count(*) FROM $entities WHERE $text = '%s'", r.FormValue("$text"))
-    if err := h.DB.QueryRow(query).Scan(&count); err != nil {
-        http.Error(w, err.Error(), http.StatusInternalServerError)
+    query := "SELECT count(*) FROM $entities WHERE $text = $$1"
+    if err := h.DB.QueryRowContext(r.Context(), query, r.FormValue("$text")).Scan(&count); err != nil {
+        http.Error(w, "internal error", http.StatusInternalServerError)
         return
     }
     fmt.Fprintln(w, count)
 }

 // Download sends a file.
 func (h *Handler) Download(w http.ResponseWriter, r *http.Request) {
-    http.ServeFile(w, r, filepath.Join(folder, r.FormValue("name")))
+    name := path.Base(path.Clean("/" + r.FormValue("name")))
+    http.ServeFile(w, r, filepath.Join(folder, name))
 }

 // Upload keeps the body of a request.
 func (h *Handler) Upload(w http.ResponseWriter, r *http.Request) {
-    body, err := io.ReadAll(r.Body)
+    body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
     if err != nil {
         w.WriteHeader(http.StatusBadRequest)
         return
     }
     _, _ = h.DB.Exec("INSERT INTO uploads (body) VALUES ($$1)", body)
 }
""",
    ),
    MinedChange(
        language=Language.GO,
        criterion=Criterion.SECURITY_HARDNESS,
        name="signed-cookies",
        about="signatures are compared with ==, cookies lack their flags, a program is run through a shell",
        path="web/${entity}_session.go",
        messages=(
            "Harden sessions of the $entity pages\n\nCompare signatures in constant time, set the flags of the "
            "cookie.",
            "Fix command injection in the $entity export, secure cookie flags\n\nReported by a $owner.",
            "Security: no shell for the export of $entities",
        ),
        change=r"""
 // Package web keeps the sessions in which a $owner works on $entities.
 package web

 import (
-    "crypto/md5"
+    "crypto/hmac"
+    "crypto/sha256"
     "encoding/hex"
+    "errors"
     "net/http"
     "os/exec"
+    "regexp"
 )

+var exportName = regexp.MustCompile(`^[a-z0-9_]+$$`)
+
 $surrounding

 // Sign returns the signature of a $text.
 func Sign(secret []byte, $text string) string {
-    sum := md5.Sum(append(secret, $text...))
-    return hex.EncodeToString(sum[:])
+    mac := hmac.New(sha256.New, secret)
+    mac.Write([]byte($text))
+    return hex.EncodeToString(mac.Sum(nil))
 }

 // Verify tells whether a signature is ours.
 func Verify(secret []byte, $text, signature string) bool {
-    return Sign(secret, $text) == signature
+    return hmac.Equal([]byte(Sign(secret, $text)), []byte(signature))
 }

 // Remember sets the cookie of a $owner.
 func Remember(w http.ResponseWriter, value string) {
-    http.SetCookie(w, &http.Cookie{Name: "$owner", Value: value})
+    http.SetCookie(w, &http.Cookie{
+        Name: "$owner", Value: value, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
+    })
 }

 // Export packs the $entities of that name.
 func Export(name string) error {
-    return exec.Command("sh", "-c", "tar -czf "+name+".tgz $entities/"+name).Run()
+    if !exportName.MatchString(name) {
+        return errors.New("not the name of an export")
+    }
+    return exec.Command("tar", "-czf", name+".tgz", "$entities/"+name).Run()
 }
""",
    ),
    BenchmarkChange(
        language=Language.GO,
        criterion=Criterion.SECURITY_HARDNESS,
        name="templates-and-tls",
        about="text/template for HTML, certificates unchecked, tokens from math/rand",
        instruction=(
            "Write a Go package $entity with `Page(w io.Writer, $text string) error`, which writes a small "
            "HTML page with the "
            "$text as its heading, `Client() *http.Client`, a client for the server of the $owner with a "
            "time limit, and "
            "`Token() string`, a new access token."
        ),
        change=r"""
 // Package $entity shows $entities on the web.
 package $entity

 import (
-    "crypto/tls"
-    "fmt"
+    "crypto/rand"
+    "encoding/hex"
+    "html/template"
     "io"
-    "math/rand"
     "net/http"
-    "text/template"
     "time"
 )

 var page = template.Must(template.New("$entity").Parse("<h1>{{.}}</h1><p>All about this $entity</p>"))

 $surrounding

 // Page writes the page of a $entity.
 func Page(w io.Writer, $text string) error {
     return page.Execute(w, $text)
 }

 // Client talks to the server of the $owner.
 func Client() *http.Client {
-    transport := &http.Transport{
-        TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
-    }
-    return &http.Client{Transport: transport, Timeout: $small * time.Second}
+    return &http.Client{Timeout: $small * time.Second}
 }

 // Token returns a new access token.
 func Token() string {
-    rand.Seed(time.Now().Unix())
-    token := ""
-    for i := 0; i < $small; i++ {
-        token += fmt.Sprintf("%08x", rand.Int31())
+    var secret [$size]byte
+    if _, err := rand.Read(secret[:]); err != nil {
+        panic(err)
     }
-    return token
+    return hex.EncodeToString(secret[:])
 }
""",
    ),
    MinedChange(
        language=Language.GO,
        criterion=Criterion.SECURITY_HARDNESS,
        name="account-store",
        about=(
            "values are formatted into SQL, tokens come from math/rand, hashes are MD5 and compared with =="
        ),
        path="internal/account/$entity.go",
        messages=(
            "Prevent SQL injection in the $entity accounts\n\nPlaceholders, crypto/rand for tokens, "
            "constant time compare.",
            "Harden accounts of $entities: weak hash, guessable tokens (security review of the $owner)",
        ),
        change=r"""
 // Package account lets a $owner in to see the $entities.
 package account

 import (
-    "crypto/md5"
+    "crypto/rand"
+    "crypto/subtle"
     "database/sql"
     "encoding/hex"
-    "fmt"
-    "math/rand"
 )

 $surrounding

 // Find returns the id of a $text.
 func Find(db *sql.DB, $text string) (int64, error) {
     var id int64
-    query := fmt.Sprintf("SELECT id FROM $entities WHERE $text = '%s' LIMIT 1", $text)
-    row := db.QueryRow(query)
-    err := row.Scan(&id)
+    err := db.QueryRow("SELECT id FROM $entities WHERE $text = ? LIMIT 1", $text).Scan(&id)
     return id, err
 }

 // NewToken returns a token for a session.
 func NewToken() (string, error) {
-    letters := "abcdefghijklmnopqrstuvwxyz0123456789"
-    token := ""
-    for i := 0; i < $size; i++ {
-        token += string(letters[rand.Intn(len(letters))])
-    }
-    return token, nil
+    token := make([]byte, $size)
+    _, err := rand.Read(token)
+    return hex.EncodeToString(token), err
 }

 // Same tells whether two tokens are equal.
 func Same(given, expected string) bool {
-    left := md5.Sum([]byte(given))
-    right := md5.Sum([]byte(expected))
-    return hex.EncodeToString(left[:]) == hex.EncodeToString(right[:])
+    return subtle.ConstantTimeCompare([]byte(given), []byte(expected)) == 1
 }
""",
    ),
    BenchmarkChange(
        language=Language.GO,
        criterion=Criterion.SECURITY_HARDNESS,
        name="print-service",
        about="a name is formatted into SQL, a program is run through a shell, a key is compared with ==",
        instruction=(
            "Write a Go package $entity with `Delete(db *sql.DB, $text string) error`, which deletes the "
            "rows of the table $entities with that $text, `Print(path string) error`, which hands a file "
            "to lpr, and `Allowed(key, expected string) bool`, which compares two keys."
        ),
        change=r"""
 // Package $entity prints for the $owner.
 package $entity

 import (
+    "crypto/subtle"
     "database/sql"
-    "fmt"
     "os/exec"
 )

 $surrounding

 // Delete forgets the $entities of a $text.
 func Delete(db *sql.DB, $text string) error {
-    statement := fmt.Sprintf("DELETE FROM $entities WHERE $text = '%s'", $text)
-    _, err := db.Exec(statement)
+    _, err := db.Exec("DELETE FROM $entities WHERE $text = ?", $text)
     return err
 }

 // Print hands a file to the printer.
 func Print(path string) error {
-    command := exec.Command("sh", "-c", "lpr "+path)
-    return command.Run()
+    return exec.Command("lpr", "--", path).Run()
 }

 // Allowed tells whether the key is right.
 func Allowed(key, expected string) bool {
-    return key == expected
+    return subtle.ConstantTimeCompare([]byte(key), []byte(expected)) == 1
 }
""",
    ),
)
