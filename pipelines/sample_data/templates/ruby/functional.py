"""Functional correctness in Ruby."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="range-and-nil",
        about="an exclusive range drops the last day, integer division rounds down, and nil is not handled",
        path="lib/$project/${entity}_schedule.rb",
        messages=(
            "Fix off-by-one in $entity schedule\n\nThe last day was left out. Fix nil $text and the share "
            "that was "
            "always 0 (integer division).\nBug fix for the $owner.",
            "Handle nil $text in the $entity schedule, fix boundary case of the last day",
            "Fix wrong share of $entities: edge case of one day",
        ),
        change=r"""
 # frozen_string_literal: true

 # When $entities take place, for the $owner.
 module ${Entity}Schedule
   module_function

   DAYS_SHOWN = $page

   $surrounding

   # All days from the first to the last, both included.
   def days(first, last)
-    (first...last).to_a.take(DAYS_SHOWN - 1)
+    (first..last).first(DAYS_SHOWN)
   end

   # Which part of the days has a $entity, from 0.0 to 1.0.
   def share(${entities}, first, last)
     wanted = days(first, last)
+    return 0.0 if wanted.empty?
+
     taken = wanted.count { |day| $entities.any? { |$item| $item[:day] == day } }
-    taken / wanted.size
+    taken.fdiv(wanted.size)
   end

   # One line per $entity; one without $text is listed as unnamed.
   def listing($entities)
     $entities.map do |$item|
-      "#{$item[:day]}: #{$item[:$text].capitalize}"
+      "#{$item[:day]}: #{($item[:$text] || 'unnamed').capitalize}"
     end
   end
 end
""",
    ),
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="lenient-parsing",
        about="to_i turns rubbish into 0, string and symbol keys are mixed, the caller's list is changed",
        path="lib/$project/parse_$entity.rb",
        messages=(
            "Fix bug in the $entity parser: rubbish was read as 0\n\nHandle missing fields, do not change the list of "
            "the caller.",
            "Handle invalid $amount of a $entity\n\nEdge case: keys as strings. Fix wrong order that the $owner saw "
            "after a sort in place.",
        ),
        change=r"""
 # frozen_string_literal: true

 # Reads $entities from what the $owner sends.
 module ${Entity}Parser
   module_function

   FIELDS = %i[$text $amount].freeze

   $surrounding

   # A hash with symbols as keys from a line of the form "$text;$amount".
   def parse(line)
-    $text, $amount = line.split(';')
-    { $text: $text.strip, $amount: $amount.to_i }
+    $text, $amount = line.chomp.split(';', 2)
+    raise ArgumentError, "no $amount in #{line.inspect}" if $amount.nil?
+
+    { $text: $text.strip, $amount: Integer($amount.strip, 10) }
   end

   # The same from a hash, whatever its keys are.
   def normalise(hash)
-    FIELDS.map { |field| [field, hash[field]] }.to_h
+    FIELDS.to_h { |field| [field, hash.fetch(field) { hash[field.to_s] }] }
   end

   # The $entities of largest $amount, largest first.
   def largest($entities, number)
-    $entities.sort_by! { |$item| $item[:$amount] }
-    $entities.reverse[0...number - 1]
+    $entities.max_by(number) { |$item| $item[:$amount] }
   end

   # Whether both hold the same $entities, in any order.
   def same?(left, right)
-    (left - right).empty?
+    left.tally == right.tally
   end
 end
""",
    ),
    BenchmarkChange(
        language=Language.RUBY,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="shared-default",
        about="one default array is shared by all keys, gsub! returns nil, and 0 is truthy",
        instruction=(
            "Write a Ruby module for ${entities}: `index($entities)` maps every $text to its $entities, "
            "`slug($text)` turns a "
            "$text into lower-case words joined by dashes, and `status($entity)` says 'none' for an "
            "$amount of 0 or nil, "
            "'some' up to $page, and 'many' above."
        ),
        change=r"""
 # frozen_string_literal: true

 # Lists of $entities as the $owner reads them.
 module ${Entity}Index
   module_function

   $surrounding

   # Maps every $text to the $entities that carry it.
   def index($entities)
-    groups = Hash.new([])
+    groups = Hash.new { |hash, key| hash[key] = [] }
     $entities.each { |$item| groups[$item[:$text]] << $item }
     groups
   end

   # Lower-case words joined by dashes.
   def slug($text)
-    $text.strip.downcase.gsub!(/[^a-z0-9]+/, '-')
+    $text.downcase.gsub(/[^a-z0-9]+/, '-').delete_prefix('-').delete_suffix('-')
   end

   # 'none', 'some' or 'many', by the $amount of a $entity.
   def status($entity)
-    return 'none' unless $entity[:$amount]
-    return 'some' if $entity[:$amount] < $page
+    $amount = $entity[:$amount] || 0
+    return 'none' if $amount.zero?
+    return 'some' if $amount <= $page

     'many'
   end
 end
""",
    ),
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="rescued-everything",
        about=(
            "a rescue hides every error, the list of the caller is changed, an inclusive bound is exclusive"
        ),
        path="lib/$project/${entity}_reader.rb",
        messages=(
            "Fix bug: errors of the $entity reader were lost\n\nOnly a missing file may be rescued. Handle "
            "nil as $text.",
            "Fix wrong upper bound of the $amount, it is inclusive\n\nEdge case reported by the $owner.",
            "Handle missing file in ${Entity}Reader, do not change the list of the caller",
        ),
        change=r"""
 # frozen_string_literal: true

 # Reads $entities from the files of the $owner.
 class ${Entity}Reader
   MOST = $limit

   $surrounding

   # The lines of a file, none where there is no file.
   def lines(path)
     File.readlines(path, chomp: true)
-  rescue
+  rescue Errno::ENOENT
     []
   end

   # Whether the $amount is in range.
   def valid?($amount)
-    $amount > 0 && $amount < MOST
+    !$amount.nil? && $amount.between?(1, MOST)
   end

   # The ${text}s without blanks at their ends, sorted.
   def tidy($entities)
-    $entities.each { |$item| $item[:$text].strip! }
-    $entities.sort_by! { |$item| $item[:$text] }
-    $entities.map { |$item| $item[:$text] }
+    $entities.map { |$item| $item[:$text].to_s.strip }.sort
   end
 end
""",
    ),
    BenchmarkChange(
        language=Language.RUBY,
        criterion=Criterion.FUNCTIONAL_CORRECTNESS,
        name="rates-table",
        about="half of a number is accepted, a shared default is changed, a range leaves out its end",
        instruction=(
            "Write a Ruby class ${Entity}Rates: `parse(text)` returns the whole number in a text and "
            "raises ArgumentError for anything else, `by_$text($entities)` a hash from $text to the list "
            "of its $entities, and `days(first, last)` all days from the first to the last."
        ),
        change=r"""
 # frozen_string_literal: true

 # Rates of $entities, as the $owner sets them.
 class ${Entity}Rates
   $surrounding

   # The number that was typed.
   def parse(text)
-    text.to_i
+    Integer(text, 10)
   end

   # The $entities of each $text.
   def by_$text($entities)
-    groups = Hash.new([])
-    $entities.each do |$item|
-      groups[$item[:$text]] << $item
-    end
-    groups
+    $entities.group_by { |$item| $item[:$text] }
   end

   # Every day of the span.
   def days(first, last)
-    days = []
-    day = first
-    while day < last
-      days << day
-      day += 1
-    end
-    days
+    (first..last).to_a
   end
 end
""",
    ),
)
