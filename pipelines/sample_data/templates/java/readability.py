"""Readability and maintainability in Java."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="type-codes",
        about="integer codes, copied branches, a public mutable field and commented-out code",
        path="src/main/java/$project/${Entity}Pricing.java",
        messages=(
            "Refactor ${Entity}Pricing: enum instead of type codes\n\nNo magic numbers, extract method for "
            "the discount.",
            "Clean up ${Entity}Pricing\n\nRemove dead code and duplication; rename p and t. Same prices "
            "for the $owner.",
            "Simplify ${Entity}Pricing",
        ),
        change=r"""
 package $project;

 /** What a $entity costs the $owner. */
 public class ${Entity}Pricing {
-    public double d = 0.1;
+    private static final double DISCOUNT = 0.1;
+    private static final int DISCOUNT_FROM = $limit;
+
+    /** Kinds of $entities, with their price per $amount. */
+    public enum Kind {
+        NORMAL(2),
+        URGENT(3),
+        HEAVY($small);
+
+        private final int unitPrice;
+
+        Kind(int unitPrice) {
+            this.unitPrice = unitPrice;
+        }
+    }

     $surrounding

-    public double calc(int t, int a) {
-        double p = 0;
-        if (t == 1) {
-            p = a * 2;
-            if (a >= $limit) {
-                p = p - p * d;
-            }
-        } else {
-            if (t == 2) {
-                p = a * 3;
-                if (a >= $limit) {
-                    p = p - p * d;
-                }
-            } else {
-                if (t == 3) {
-                    // p = a * 4;
-                    p = a * $small;
-                    if (a >= $limit) {
-                        p = p - p * d;
-                    }
-                } else {
-                    throw new IllegalArgumentException("t");
-                }
-            }
-        }
-        return p;
-    }
+    /** The price of a $entity; large ones get a discount. */
+    public double price(Kind kind, int $amount) {
+        double full = (double) $amount * kind.unitPrice;
+        return isLarge($amount) ? full * (1 - DISCOUNT) : full;
+    }
+
+    private static boolean isLarge(int $amount) {
+        return $amount >= DISCOUNT_FROM;
+    }
 }
""",
    ),
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="nested-validation",
        about="validation nested six deep with one result variable, flags as arguments, no names for limits",
        path="src/main/java/$project/${Entity}Form.java",
        messages=(
            "Refactor ${Entity}Form: guard clauses instead of nested ifs",
            "Simplify ${Entity}Form\n\nNamed constants, one method per field, messages in one place. The $owner reads "
            "the same texts.",
            "Clean up validation of $entities, rename chk",
        ),
        change=r"""
 package $project;

+import java.util.Optional;
+
 /** Checks what a $owner typed for a $entity. */
 public class ${Entity}Form {
+    private static final int LONGEST = $size;
+    private static final int LARGEST = $limit;
+
     $surrounding

-    public String chk(String s, String n, boolean b) {
-        String r = null;
-        if (s != null) {
-            if (!s.trim().equals("")) {
-                if (s.length() <= $size) {
-                    if (n != null) {
-                        try {
-                            int x = Integer.parseInt(n);
-                            if (x >= 0 && x <= $limit) {
-                                r = "";
-                            } else {
-                                if (b) {
-                                    r = "$amount out of range";
-                                } else {
-                                    r = "";
-                                }
-                            }
-                        } catch (Exception e) {
-                            r = "$amount is no number";
-                        }
-                    } else {
-                        r = "$amount is no number";
-                    }
-                } else {
-                    r = "$text too long";
-                }
-            } else {
-                r = "$text missing";
-            }
-        } else {
-            r = "$text missing";
-        }
-        return r;
-    }
+    /** The first problem of the form; empty when it is fine. */
+    public Optional<String> problem(String $text, String $amount) {
+        Optional<String> problem = problemOf${Text}($text);
+        return problem.isPresent() ? problem : problemOf${Amount}($amount);
+    }
+
+    private static Optional<String> problemOf${Text}(String $text) {
+        if ($text == null || $text.trim().isEmpty()) {
+            return Optional.of("$text missing");
+        }
+        return $text.length() > LONGEST ? Optional.of("$text too long") : Optional.empty();
+    }
+
+    private static Optional<String> problemOf${Amount}(String $amount) {
+        if ($amount == null || !$amount.matches("-?\\d{1,9}")) {
+            return Optional.of("$amount is no number");
+        }
+        int value = Integer.parseInt($amount);
+        boolean inRange = value >= 0 && value <= LARGEST;
+        return inRange ? Optional.empty() : Optional.of("$amount out of range");
+    }
 }
""",
    ),
    BenchmarkChange(
        language=Language.JAVA,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="manual-loops",
        about="index loops with flags and temporary arrays where a stream or an early return says it",
        instruction=(
            "Write a Java class ${Entity}Queries over a list of ${entities} (each with `String $text()` "
            "and `int $amount()`). It "
            "offers: the names of all $entities above a given ${amount}, sorted; whether any $entity has a "
            "given $text; and "
            "the sum of all ${amount}."
        ),
        change=r"""
 package $project;

-import java.util.ArrayList;
-import java.util.Collections;
 import java.util.List;
+import java.util.stream.Collectors;

 /** Questions that the $owner asks about $entities. */
 public class ${Entity}Queries {
     /** One $entity. */
     public interface ${Entity} {
         String $text();

         int $amount();
     }

     $surrounding

-    public static List<String> q1(List<${Entity}> l, int a) {
-        ArrayList<String> tmp = new ArrayList<String>();
-        for (int i = 0; i < l.size(); i++) {
-            ${Entity} e = l.get(i);
-            if (e.$amount() > a == true) {
-                String s = e.$text();
-                tmp.add(s);
-            }
-        }
-        Collections.sort(tmp);
-        return tmp;
-    }
-
-    public static boolean q2(List<${Entity}> l, String s) {
-        boolean flag = false;
-        int i = 0;
-        while (i < l.size() && flag == false) {
-            if (l.get(i).$text().equals(s)) {
-                flag = true;
-            } else {
-                flag = false;
-            }
-            i = i + 1;
-        }
-        if (flag) {
-            return true;
-        }
-        return false;
-    }
-
-    public static int q3(List<${Entity}> l) {
-        int[] tmp = new int[1];
-        for (int i = 0; i < l.size(); i++) {
-            tmp[0] = tmp[0] + l.get(i).$amount();
-        }
-        return tmp[0];
-    }
+    /** The ${text}s of all $entities above the given $amount, sorted. */
+    public static List<String> ${text}sAbove(List<${Entity}> $entities, int $amount) {
+        return $entities.stream()
+                .filter($item -> $item.$amount() > $amount)
+                .map(${Entity}::$text)
+                .sorted()
+                .collect(Collectors.toList());
+    }
+
+    public static boolean has${Text}(List<${Entity}> $entities, String $text) {
+        return $entities.stream().anyMatch($item -> $item.$text().equals($text));
+    }
+
+    public static int total${Amount}(List<${Entity}> $entities) {
+        return $entities.stream().mapToInt(${Entity}::$amount).sum();
+    }
 }
""",
    ),
    MinedChange(
        language=Language.JAVA,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="loops-and-letters",
        about="index loops with flags, comparisons with true and names of one letter where a stream says it",
        path="src/main/java/$project/${Entity}Overview.java",
        messages=(
            "Refactor ${Entity}Overview: streams, descriptive names, named constants",
            "Simplify ${Entity}Overview\n\nEasier to read; the $owner sees the same.",
            "Clean up ${Entity}Overview, rename a, f and n",
        ),
        change=r"""
 package $project;

-import java.util.ArrayList;
 import java.util.List;

 /** An overview of $entities for the $owner. */
 public class ${Entity}Overview {
+    private static final int LARGE = $limit;
+
     $surrounding

-    public List<Integer> a(List<Integer> x) {
-        List<Integer> r = new ArrayList<>();
-        for (int i = 0; i < x.size(); i++) {
-            if (x.get(i) > $limit == true) {
-                r.add(x.get(i));
-            }
-        }
-        return r;
-    }
+    /** The ${amount}s that are large. */
+    public List<Integer> largeOnes(List<Integer> ${amount}s) {
+        return ${amount}s.stream().filter($amount -> $amount > LARGE).toList();
+    }

-    public boolean f(List<Integer> x) {
-        boolean f = true;
-        for (int i = 0; i < x.size(); i++) {
-            if (x.get(i) <= 0) {
-                f = false;
-            }
-        }
-        if (f == true) {
-            return true;
-        } else {
-            return false;
-        }
-    }
+    /** Whether every $amount is positive. */
+    public boolean allPositive(List<Integer> ${amount}s) {
+        return ${amount}s.stream().allMatch($amount -> $amount > 0);
+    }
 }
""",
    ),
    BenchmarkChange(
        language=Language.JAVA,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="ticket-prices",
        about="nested branches over numbers without names, a result variable, letters for names",
        instruction=(
            "Write a Java class about the prices of tickets to see ${entities}: a method for the price at "
            "an age (0 below 6, 4 below $page, 9 from then on; a member pays half, rounded down) and a "
            "method for the price of a list of ages, both with a parameter for membership."
        ),
        change=r"""
 package $project;

 import java.util.List;

 /** What it costs to see the $entities. */
 public class TicketPrices {
+    private static final int FREE_BELOW = 6;
+    private static final int CHILD_BELOW = $page;
+    private static final int CHILD_PRICE = 4;
+    private static final int FULL_PRICE = 9;
+
     $surrounding

-    public int p(int a, boolean m) {
-        int r = 0;
-        if (a < 6) {
-            r = 0;
-        } else {
-            if (a < $page) {
-                if (m == true) {
-                    r = 2;
-                } else {
-                    r = 4;
-                }
-            } else {
-                if (m == true) {
-                    r = 4;
-                } else {
-                    r = 9;
-                }
-            }
-        }
-        return r;
-    }
+    /** The price of one ticket. */
+    public int price(int age, boolean member) {
+        int price = fullPrice(age);
+        return member ? price / 2 : price;
+    }

-    public int q(List<Integer> s, boolean m) {
-        int t = 0;
-        for (int i = 0; i < s.size(); i++) {
-            t = t + p(s.get(i), m);
-        }
-        return t;
-    }
+    /** The price of several tickets. */
+    public int total(List<Integer> ages, boolean member) {
+        return ages.stream().mapToInt(age -> price(age, member)).sum();
+    }
+
+    private static int fullPrice(int age) {
+        if (age < FREE_BELOW) {
+            return 0;
+        }
+        return age < CHILD_BELOW ? CHILD_PRICE : FULL_PRICE;
+    }
 }
""",
    ),
)
