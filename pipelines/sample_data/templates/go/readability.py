"""Readability and maintainability in Go."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.GO,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="else-ladders",
        about="success is nested in else branches, results are unnamed, the same check occurs three times",
        path="billing/$entity.go",
        messages=(
            "Refactor billing of $entities: early returns, extract method for the check",
            "Clean up billing/$entity.go\n\nRemove duplication of the range check, rename a, b and c. The "
            "$owner pays the "
            "same as before.",
            "Simplify billing of $entities",
        ),
        change=r"""
 // Package billing says what a $owner pays for $entities.
 package billing

 import "errors"

 // ${Entity} is what is paid for.
 type ${Entity} struct {
     ${Amount}, Nights, Guests int
 }

+const (
+    unitPrice = $page
+    guestFee  = $small
+    maximum   = $limit
+)
+
+// ErrRange is returned when a number of a $entity is out of range.
+var ErrRange = errors.New("out of range")
+
 $surrounding

-func Do(x ${Entity}) (int, error) {
-    if x.${Amount} >= 0 && x.${Amount} <= $limit {
-        if x.Nights >= 0 && x.Nights <= $limit {
-            if x.Guests >= 0 && x.Guests <= $limit {
-                a := x.${Amount} * $page
-                b := x.Guests * $small
-                c := a + b
-                d := c * x.Nights
-                return d, nil
-            } else {
-                return 0, errors.New("out of range")
-            }
-        } else {
-            return 0, errors.New("out of range")
-        }
-    } else {
-        return 0, errors.New("out of range")
-    }
-}
+// Price returns what the $owner pays for all nights.
+func Price($entity ${Entity}) (int, error) {
+    for _, number := range []int{$entity.${Amount}, $entity.Nights, $entity.Guests} {
+        if number < 0 || number > maximum {
+            return 0, ErrRange
+        }
+    }
+    perNight := $entity.${Amount}*unitPrice + $entity.Guests*guestFee
+    return perNight * $entity.Nights, nil
+}
""",
    ),
    MinedChange(
        language=Language.GO,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="copied-filters",
        about="three copies of one loop, values of any type, and a boolean that nobody understands",
        path="query/$entities.go",
        messages=(
            "Refactor queries over $entities: one filter, named conditions",
            "Remove duplication in query/$entities.go\n\nThe three loops were copies. Types instead of interface{}.",
            "Clean up queries for the $owner, rename Get1, Get2 and Get3",
        ),
        change=r"""
 // Package query answers what a $owner asks about $entities.
 package query

 // ${Entity} is one line of the answer.
 type ${Entity} struct {
     ${Text} string

     ${Amount} int

     Closed bool
 }

 $surrounding

-func Get1(l []${Entity}, p interface{}, b bool) (r []${Entity}) {
-    for i := 0; i < len(l); i++ {
-        if l[i].${Text} == p.(string) {
-            if l[i].Closed == b {
-                r = append(r, l[i])
-            }
-        }
-    }
-    return
-}
-
-func Get2(l []${Entity}, p interface{}, b bool) (r []${Entity}) {
-    for i := 0; i < len(l); i++ {
-        if l[i].${Amount} >= p.(int) {
-            if l[i].Closed == b {
-                r = append(r, l[i])
-            }
-        }
-    }
-    return
-}
-
-func Get3(l []${Entity}, b bool) (r []${Entity}) {
-    for i := 0; i < len(l); i++ {
-        if l[i].Closed == b {
-            r = append(r, l[i])
-        }
-    }
-    return
-}
+// Condition tells whether a $entity is wanted.
+type Condition func(${Entity}) bool
+
+// Open wants the $entities that are not closed.
+func Open($item ${Entity}) bool { return !$item.Closed }
+
+// With${Text} wants the $entities of a $text.
+func With${Text}($text string) Condition {
+    return func($item ${Entity}) bool { return $item.${Text} == $text }
+}
+
+// AtLeast wants the $entities from a $amount on.
+func AtLeast($amount int) Condition {
+    return func($item ${Entity}) bool { return $item.${Amount} >= $amount }
+}
+
+// Select returns the $entities that meet all conditions.
+func Select($entities []${Entity}, conditions ...Condition) []${Entity} {
+    var selected []${Entity}
+next:
+    for _, $item := range $entities {
+        for _, meets := range conditions {
+            if !meets($item) {
+                continue next
+            }
+        }
+        selected = append(selected, $item)
+    }
+    return selected
+}
""",
    ),
    BenchmarkChange(
        language=Language.GO,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="copied-cases",
        about="a function with five flags and copied cases instead of a table",
        instruction=(
            "Write a Go package $entity with a function that returns the notice for a state of a $entity: "
            '"open" gives "The '
            '$entity is open.", "late" gives "The $entity is late.", "done" gives "The $entity is '
            'done."; any other '
            'state gives an error. If the notice is for the ${owner}, it begins with "Dear ${owner}: ".'
        ),
        change=r"""
 // Package $entity writes notices about $entities.
 package $entity

-import "errors"
+import "fmt"
+
+var sentences = map[string]string{
+    "open": "The $entity is open.",
+    "late": "The $entity is late.",
+    "done": "The $entity is done.",
+}

 $surrounding

-func F(s string, f bool) (string, error) {
-    var r string
-    var e error
-    if s == "open" {
-        if f == true {
-            r = "Dear $owner: " + "The $entity is open."
-        } else {
-            r = "The $entity is open."
-        }
-    } else if s == "late" {
-        if f == true {
-            r = "Dear $owner: " + "The $entity is late."
-        } else {
-            r = "The $entity is late."
-        }
-    } else if s == "done" {
-        if f == true {
-            r = "Dear $owner: " + "The $entity is done."
-        } else {
-            r = "The $entity is done."
-        }
-    } else {
-        e = errors.New("bad")
-    }
-    return r, e
-}
+// Notice returns the sentence for a state, with a greeting where it goes to the $owner.
+func Notice(state string, for${Owner} bool) (string, error) {
+    sentence, known := sentences[state]
+    if !known {
+        return "", fmt.Errorf("unknown state %q of a $entity", state)
+    }
+    if for${Owner} {
+        return "Dear $owner: " + sentence, nil
+    }
+    return sentence, nil
+}
""",
    ),
    MinedChange(
        language=Language.GO,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="flags-and-letters",
        about="nested ifs with a result variable, comparisons with true, numbers without names, letters",
        path="internal/rules/$entity.go",
        messages=(
            "Refactor rules for $entities: early returns, named constants",
            "Simplify internal/rules/$entity.go\n\nEasier to read for the $owner's team, same results.",
            "Clean up rules for $entities, rename f, x and r",
        ),
        change=r"""
 // Package rules says what the $owner may do with $entities.
 package rules

 // ${Entity} is what the rules are about.
 type ${Entity} struct {
     ${Amount} int

     Open, Paid bool
 }

+const (
+    minimum = $small
+    maximum = $limit
+)
+
 $surrounding

-func F(x ${Entity}) bool {
-    r := false
-    if x.Open == true {
-        if x.Paid == true {
-            if x.${Amount} >= $small && x.${Amount} <= $limit {
-                r = true
-            } else {
-                r = false
-            }
-        } else {
-            r = false
-        }
-    }
-    return r
-}
+// Available tells whether the $owner may take a $entity.
+func Available($item ${Entity}) bool {
+    return $item.Open && $item.Paid && $item.${Amount} >= minimum && $item.${Amount} <= maximum
+}

-func G(l []${Entity}) int {
-    n := 0
-    for i := 0; i < len(l); i++ {
-        if F(l[i]) == true {
-            n = n + 1
-        }
-    }
-    return n
-}
+// CountAvailable returns how many can be taken.
+func CountAvailable($entities []${Entity}) int {
+    count := 0
+    for _, $item := range $entities {
+        if Available($item) {
+            count++
+        }
+    }
+    return count
+}
""",
    ),
    BenchmarkChange(
        language=Language.GO,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="fee-classes",
        about="nested else branches over numbers without names, a result variable, letters for names",
        instruction=(
            "Write a Go package $entity with a function for the fee of a $amount (8 up to $page, 15 up to "
            "$limit, 30 above, twice as much at night) and a function for the sum of the fees of a slice "
            "of them, both with a parameter for the night."
        ),
        change=r"""
 // Package $entity says what the $owner pays.
 package $entity

+const (
+    smallUpTo   = $page
+    mediumUpTo  = $limit
+    smallFee    = 8
+    mediumFee   = 15
+    largeFee    = 30
+    nightFactor = 2
+)
+
 $surrounding

-func F(a int, n bool) int {
-    var r int
-    if a <= $page {
-        if n == true {
-            r = 16
-        } else {
-            r = 8
-        }
-    } else {
-        if a <= $limit {
-            if n == true {
-                r = 30
-            } else {
-                r = 15
-            }
-        } else {
-            if n == true {
-                r = 60
-            } else {
-                r = 30
-            }
-        }
-    }
-    return r
-}
+// Fee returns what is charged for one $amount.
+func Fee($amount int, night bool) int {
+    fee := largeFee
+    if $amount <= smallUpTo {
+        fee = smallFee
+    } else if $amount <= mediumUpTo {
+        fee = mediumFee
+    }
+    if night {
+        fee *= nightFactor
+    }
+    return fee
+}

-func G(l []int, n bool) int {
-    t := 0
-    for i := 0; i < len(l); i++ {
-        t = t + F(l[i], n)
-    }
-    return t
-}
+// TotalFee returns what is charged for all of them.
+func TotalFee(${amount}s []int, night bool) int {
+    total := 0
+    for _, $amount := range ${amount}s {
+        total += Fee($amount, night)
+    }
+    return total
+}
""",
    ),
)
