"""Runtime efficiency in Ruby."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="query-per-row",
        about="one query per row, and a scan of an array for every known id",
        path="app/reports/${entity}_overview.rb",
        messages=(
            "Speed up $entity overview: one query instead of one per row\n\nUse set for known ids.",
            "Preload ${owner}s of all $entities, faster by far\n\nThe overview ran $limit queries for $limit "
            "$entities (N+1). Now there are two.",
            "Cache ${owner}s by id while the $entity overview is built: faster",
        ),
        change=r"""
 # frozen_string_literal: true

+require 'set'
+
 # The overview of $entities that the $owner opens in the morning.
 module ${Entity}Overview
   module_function

   $surrounding

   # One row per $entity with the name of its $owner.
   def rows(db, $entities)
+    ids = $entities.map { |$item| $item[:${owner}_id] }.uniq
+    names = db[:${owner}s].where(id: ids).select_hash(:id, :name)
     $entities.map do |$item|
-      $owner = db[:${owner}s].where(id: $item[:${owner}_id]).first
-      { $text: $item[:$text], $owner: $owner && $owner[:name] }
+      { $text: $item[:$text], $owner: names[$item[:${owner}_id]] }
     end
   end

   # The $entities whose id the last import did not hold.
   def vanished($entities, imported_ids)
-    $entities.reject { |$item| imported_ids.to_a.include?($item[:id]) }
+    known = imported_ids.to_set
+    $entities.reject { |$item| known.include?($item[:id]) }
   end

   # All ${text}s in one line.
   def headline($entities)
-    line = ''
-    $entities.each { |$item| line += $item[:$text] + ', ' }
-    line.chomp(', ')
+    $entities.map { |$item| $item[:$text] }.join(', ')
   end
 end
""",
    ),
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="no-memoisation",
        about="an exponential recursion, arrays copied with +=, and select.first over the whole list",
        path="lib/$project/${entity}_planner.rb",
        messages=(
            "Memoize the planner of $entities: faster from minutes to milliseconds",
            "Speed up ${Entity}Planner\n\nHash lookup by id, no copies in the loop, stop at the first match.",
            "Faster ${Entity}Planner, was quadratic for a $owner with many $entities",
        ),
        change=r"""
 # frozen_string_literal: true

 # Plans in which order the $owner handles $entities.
 class ${Entity}Planner
   STEP = $small

   def initialize($entities)
     @$entities = $entities
+    @by_id = $entities.to_h { |$item| [$item[:id], $item] }
+    @costs = {}
   end

   $surrounding

   # The least effort for a distance, in steps of 1 or STEP.
   def cost(distance)
-    return distance if distance < STEP
-
-    [cost(distance - 1) + 1, cost(distance - STEP) + 1].min
+    (0..distance).each do |length|
+      @costs[length] ||= length < STEP ? length : [@costs[length - 1], @costs[length - STEP]].min + 1
+    end
+    @costs[distance]
   end

   # The $entity of an id, or nil.
   def $fetch(id)
-    @$entities.select { |$item| $item[:id] == id }.first
+    @by_id[id]
   end

   # All $entities along a chain of ids.
   def chain(ids)
-    $result = []
-    ids.each { |id| $result += [$fetch(id)] unless $result.include?($fetch(id)) }
-    $result.compact
+    ids.uniq.map { |id| @by_id[id] }.compact
   end

   # How often the $text of a $entity starts with each letter.
   def initials
-    ('a'..'z').map { |letter| [letter, @$entities.count { |$item| $item[:$text] =~ /^#{letter}/i }] }.to_h
+    counts = @$entities.map { |$item| $item[:$text][0].to_s.downcase }.tally
+    ('a'..'z').to_h { |letter| [letter, counts.fetch(letter, 0)] }
   end
 end
""",
    ),
    BenchmarkChange(
        language=Language.RUBY,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="sort-and-scan",
        about="sorts to find one value, counts by scanning for each key, and searches a sorted list from "
        "the front",
        instruction=(
            "Write a Ruby module of statistics over ${entities}: `extremes($entities)` gives the smallest "
            "and the largest "
            "$amount, `counts($entities)` the number of $entities per $text, and `first_above(sorted, "
            "value)` the first "
            "element of an ascending list that is greater than a value, or nil."
        ),
        change=r"""
 # frozen_string_literal: true

 # Figures about $entities.
 module ${Entity}Figures
   module_function

   $surrounding

   # Smallest and largest $amount.
   def extremes($entities)
-    ordered = $entities.map { |$item| $item[:$amount] }.sort
-    [ordered.first, ordered.last]
+    $entities.map { |$item| $item[:$amount] }.minmax
   end

   # The number of $entities per $text.
   def counts($entities)
-    result = {}
-    $entities.each do |$item|
-      result = result.merge($item[:$text] => $entities.count { |one| one[:$text] == $item[:$text] })
-    end
-    result
+    $entities.map { |$item| $item[:$text] }.tally
   end

   # The first element of an ascending list above a value, or nil.
   def first_above(sorted, value)
-    sorted.each { |element| return element if element > value }
-    nil
+    sorted.bsearch { |element| element > value }
   end
 end
""",
    ),
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="include-in-loops",
        about="include? scans an array for each row, find is called in a loop, text grows with +=",
        path="lib/$project/${entity}_matcher.rb",
        messages=(
            "Speed up ${Entity}Matcher\n\nHash lookup instead of find in a loop; was quadratic.",
            "Faster matching of $entities: set of ids, join",
        ),
        change=r"""
 # frozen_string_literal: true

+require 'set'
+
 # Matches $entities with what the $owner sent.
 class ${Entity}Matcher
   def initialize($entities)
     @$entities = $entities
   end

   $surrounding

   # The rows that belong to a $entity of ours.
   def known(rows)
-    rows.select do |row|
-      @$entities.map { |$item| $item[:id] }.include?(row[:id])
-    end
+    ids = @$entities.map { |$item| $item[:id] }.to_set
+    rows.select { |row| ids.include?(row[:id]) }
   end

   # How many $entities there are of each $text.
   def counts
-    counts = {}
-    @$entities.each do |$item|
-      counts[$item[:$text]] = @$entities.count { |other| other[:$text] == $item[:$text] }
-    end
-    counts
+    @$entities.map { |$item| $item[:$text] }.tally
   end

   # One line per $entity.
   def listing
-    text = ''
-    @$entities.each do |$item|
-      text += $item[:$text]
-      text += "\n"
-    end
-    text
+    @$entities.map { |$item| "#{$item[:$text]}\n" }.join
   end
 end
""",
    ),
    BenchmarkChange(
        language=Language.RUBY,
        criterion=Criterion.RUNTIME_EFFICIENCY,
        name="seat-plan",
        about="an array is searched for each guest, a cache is missing, text grows with +=",
        instruction=(
            "Write a Ruby class SeatPlan, made from a list of $entities with :id and :$text: `$fetch(id)` "
            "returns the $entity of an id, `unplaced(ids)` the ids that no $entity has, and `chart` the "
            'lines "id $text" of all $entities as one string.'
        ),
        change=r"""
 # frozen_string_literal: true

 # Where the $entities sit.
 class SeatPlan
   def initialize($entities)
-    @$entities = $entities
+    @seats = $entities.to_h { |$item| [$item[:id], $item] }
   end

   $surrounding

   # The $entity of that id, or nil.
   def $fetch(id)
-    @$entities.find { |$item| $item[:id] == id }
+    @seats[id]
   end

   # The ids that are not ours.
   def unplaced(ids)
-    ids.reject { |id| @$entities.map { |$item| $item[:id] }.include?(id) }
+    ids.reject { |id| @seats.key?(id) }
   end

   # One line per $entity.
   def chart
-    text = ''
-    @$entities.each { |$item| text += "#{$item[:id]} #{$item[:$text]}\n" }
-    text
+    @seats.each_value.map { |$item| "#{$item[:id]} #{$item[:$text]}\n" }.join
   end
 end
""",
    ),
)
