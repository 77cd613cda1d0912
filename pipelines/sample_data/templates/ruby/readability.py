"""Readability and maintainability in Ruby."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="long-method",
        about="one long method with flags, copied loops and names of one letter",
        path="lib/$project/${entity}_bill.rb",
        messages=(
            "Refactor ${Entity}Bill: extract method for lines and total",
            "Clean up ${entity}_bill\n\nRemove duplication, rename a and b, constants for the numbers. The "
            "bill of the "
            "$owner stays the same.",
            "Simplify ${Entity}Bill and drop dead code",
        ),
        change=r"""
 # frozen_string_literal: true

 # The bill that a $owner gets for $entities.
 class ${Entity}Bill
+  TAX = 0.19
+  FREE_UNITS = $small
+  PRICE = $page
+
   def initialize($entities)
     @$entities = $entities
   end

   $surrounding

-  def make(b)
-    a = ''
-    t = 0
-    for x in @$entities
-      if x[:$amount] > $small
-        a = a + x[:$text] + ': ' + ((x[:$amount] - $small) * $page).to_s + "\n"
-        t = t + (x[:$amount] - $small) * $page
-      else
-        a = a + x[:$text] + ': ' + 0.to_s + "\n"
-        t = t + 0
-      end
-    end
-    if b == true
-      a = a + 'Total: ' + (t + t * 0.19).to_s + "\n"
-    else
-      a = a + 'Total: ' + t.to_s + "\n"
-    end
-    # puts a
-    return a
-  end
+  # The text of the bill; `with_tax` adds the tax to the total.
+  def text(with_tax:)
+    lines = @$entities.map { |$item| "#{$item[:$text]}: #{price_of($item)}" }
+    "#{lines.join("\n")}\nTotal: #{total(with_tax)}\n"
+  end
+
+  private
+
+  def total(with_tax)
+    sum = @$entities.sum { |$item| price_of($item) }
+    with_tax ? sum * (1 + TAX) : sum
+  end
+
+  # The first units of every $entity are free.
+  def price_of($item)
+    [$item[:$amount] - FREE_UNITS, 0].max * PRICE
+  end
 end
""",
    ),
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="unless-else",
        about="unless with else, nested ternaries, copied strings and a parameter that switches behaviour",
        path="lib/$project/${entity}_label.rb",
        messages=(
            "Refactor ${Entity}Label: table of states, no unless with else",
            "Simplify ${Entity}Label\n\nRemove duplication of texts, rename t and f. The labels of the $owner do not "
            "change.",
            "Clean up ${Entity}Label: guard clauses and named constants",
        ),
        change=r"""
 # frozen_string_literal: true

 # The label of a $entity, as the $owner sees it.
 class ${Entity}Label
+  STATES = {
+    open: 'open',
+    late: 'late, please call',
+    done: 'done'
+  }.freeze
+  LONGEST = $size
+
   def initialize($entity)
     @$entity = $entity
   end

   $surrounding

-  def get(t, f = false)
-    unless t == 1
-      unless t == 2
-        raise 'x'
-      else
-        s = @$entity[:$text]
-        s = f ? (s.size > $size ? s[0, $size] : s) : s
-        x = @$entity[:state] == :open ? 'open' : @$entity[:state] == :late ? 'late, please call' : 'done'
-        return s + ' (' + x + ')'
-      end
-    else
-      s = @$entity[:$text]
-      s = f ? (s.size > $size ? s[0, $size] : s) : s
-      return s
-    end
-  end
+  # The $text alone.
+  def short(cut: false)
+    cut ? @$entity[:$text][0, LONGEST] : @$entity[:$text]
+  end
+
+  # The $text and the state in brackets.
+  def long(cut: false)
+    "#{short(cut: cut)} (#{STATES.fetch(@$entity[:state])})"
+  end
 end
""",
    ),
    BenchmarkChange(
        language=Language.RUBY,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="metaprogrammed-accessors",
        about="accessors made with class_eval strings and method_missing where plain ones are enough",
        instruction=(
            "Write a Ruby class ${Entity} with the attributes $text, $amount and $owner, given as a hash. "
            "It has readers for "
            "them, predicates `$text?`, `$amount?` and `$owner?` that say whether a value is present, and "
            "`to_s`, which "
            "returns '<$text> (<$amount>)'."
        ),
        change=r"""
 # frozen_string_literal: true

 # A $entity as the $owner knows it.
 class ${Entity}
-  F = %w[$text $amount $owner]
-
-  F.each do |f|
-    class_eval "def #{f}; @h['#{f}'.to_sym]; end"
-  end
+  attr_reader :$text, :$amount, :$owner

-  def initialize(h)
-    @h = h
+  def initialize(attributes)
+    @$text = attributes[:$text]
+    @$amount = attributes[:$amount]
+    @$owner = attributes[:$owner]
   end

   $surrounding

-  def method_missing(m, *args)
-    s = m.to_s
-    if s[-1] == '?' && F.include?(s[0..-2])
-      !(@h[s[0..-2].to_sym].nil? == true)
-    else
-      super
-    end
+  def $text?
+    !$text.nil?
   end

-  def to_s
-    F[0..1].map { |f| send(f) }.each_with_index.map { |v, i| i == 0 ? v.to_s : '(' + v.to_s + ')' }.join(' ')
+  def $amount?
+    !$amount.nil?
+  end
+
+  def $owner?
+    !$owner.nil?
+  end
+
+  # For lists: the $text with the $amount in brackets.
+  def to_s
+    "#{$text} (#{$amount})"
   end
 end
""",
    ),
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="counting-loops",
        about="while loops with counters, flags and letters where an Enumerable method says it",
        path="lib/$project/${entity}_statistics.rb",
        messages=(
            "Refactor ${Entity}Statistics to idiomatic Ruby",
            "Simplify ${Entity}Statistics: Enumerable methods, descriptive names",
            "Clean up ${Entity}Statistics, rename a, b and t",
        ),
        change=r"""
 # frozen_string_literal: true

 # Figures about $entities.
 module ${Entity}Statistics
+  LARGE = $limit
+
   module_function

   $surrounding

-  def a(l)
-    t = 0
-    i = 0
-    while i < l.length
-      t = t + l[i][:$amount]
-      i = i + 1
-    end
-    return t
-  end
+  # The sum of the $amount.
+  def total($entities)
+    $entities.sum { |$item| $item[:$amount] }
+  end

-  def b(l)
-    f = false
-    for x in l
-      if x[:$amount] > $limit
-        f = true
-      end
-    end
-    if f == true
-      return true
-    else
-      return false
-    end
-  end
+  # Whether any $entity is large.
+  def any_large?($entities)
+    $entities.any? { |$item| $item[:$amount] > LARGE }
+  end
 end
""",
    ),
    BenchmarkChange(
        language=Language.RUBY,
        criterion=Criterion.READABILITY_MAINTAINABILITY,
        name="opening-hours",
        about=(
            "nested conditions over numbers without names, an explicit return everywhere, letters for names"
        ),
        instruction=(
            "Write a Ruby module about the opening hours of ${entities}: one method tells whether a "
            "$entity is open at an hour (from 9 to 17, on Saturdays, day 6, to 12, never on Sundays, day "
            "0), one returns the open ones of a list."
        ),
        change=r"""
 # frozen_string_literal: true

 # Opening hours of $entities, the same for every $owner.
 module OpeningHours
+  SUNDAY = 0
+  SATURDAY = 6
+  OPENS = 9
+  CLOSES = 17
+  CLOSES_ON_SATURDAY = 12
+
   module_function

   $surrounding

-  def o(d, h)
-    if d == 0
-      return false
-    else
-      if d == 6
-        if h >= 9 && h < 12
-          return true
-        else
-          return false
-        end
-      else
-        if h >= 9 && h < 17
-          return true
-        else
-          return false
-        end
-      end
-    end
-  end
+  # Whether doors are open on a day (0 to 6) at an hour (0 to 23).
+  def open?(day, hour)
+    return false if day == SUNDAY
+
+    hour >= OPENS && hour < (day == SATURDAY ? CLOSES_ON_SATURDAY : CLOSES)
+  end

-  def f(l, d, h)
-    r = []
-    for x in l
-      if o(d, h) == true && x[:open] == true
-        r << x
-      end
-    end
-    return r
-  end
+  # The $entities that a visitor can see now.
+  def open_ones($entities, day, hour)
+    open?(day, hour) ? $entities.select { |$item| $item[:open] } : []
+  end
 end
""",
    ),
)
