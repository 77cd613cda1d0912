"""Memory efficiency in Ruby."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="readlines",
        about="whole files become arrays of strings, and a class-level cache is never emptied",
        path="lib/$project/import_$entities.rb",
        messages=(
            "Lower memory usage of the $entity import\n\nRead line by line, keep no copy of what was "
            "imported.",
            "Fix memory leak in import_$entities\n\nThe class kept every $entity it ever saw; memory "
            "footprint of the "
            "worker of the $owner grew\nfrom day to day.",
        ),
        change=r"""
 # frozen_string_literal: true

 # Imports $entities from files of `$text;$amount` lines.
 class ${Entity}Import
   BATCH = $limit
-
-  @@imported = []

   def initialize(store)
     @store = store
   end

   # Imports all files and returns the number of $entities.
   def run(paths)
-    lines = paths.map { |path| File.readlines(path) }.flatten
-    $entities = lines.map { |line| parse(line) }
-    @@imported += $entities
-    $entities.each_slice(BATCH) { |batch| @store.$keep(batch) }
-    $entities.size
+    paths.sum { |path| import_file(path) }
   end

   $surrounding

   private

+  def import_file(path)
+    count = 0
+    File.foreach(path, chomp: true).lazy.map { |line| parse(line) }.each_slice(BATCH) do |batch|
+      @store.$keep(batch)
+      count += batch.size
+    end
+    count
+  end
+
   def parse(line)
-    fields = line.chomp.split(';')
-    { $text: fields[0].dup, $amount: fields[1].to_i, line: line }
+    $text, $amount = line.split(';')
+    { $text: $text, $amount: $amount.to_i }
   end
 end
""",
    ),
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="copied-strings",
        about="files are read whole to count, every row is duplicated, blocks keep all rows alive",
        path="lib/$project/${entity}_archive.rb",
        messages=(
            "Reduce memory usage of ${Entity}Archive\n\nRead in chunks, no copies of rows, callbacks hold ids only.",
            "Fix memory leak in ${Entity}Archive: callbacks kept all rows\n\nMemory footprint at the $owner was "
            "several gigabytes.",
        ),
        change=r"""
 # frozen_string_literal: true

 # The archive of $entities that the $owner keeps for ten years.
 class ${Entity}Archive
   CHUNK = $size * 1024

   def initialize
-    @callbacks = []
+    @ids = []
   end

   $surrounding

   # The number of lines in a file.
   def count(path)
-    content = File.read(path)
-    content.split("\n").size
+    File.open(path, 'rb') do |io|
+      lines = 0
+      buffer = String.new
+      lines += buffer.count("\n") while io.read(CHUNK, buffer)
+      lines
+    end
   end

   # Copies the lines with this $text from one file to another.
   def filter(source, target, $text)
-    rows = File.readlines(source).map(&:dup)
-    wanted = rows.map(&:chomp).select { |row| row.include?($text) }
-    File.write(target, wanted.map { |row| "#{row}\n" }.join)
+    File.open(target, 'w') do |out|
+      File.foreach(source) { |line| out.write(line) if line.include?($text) }
+    end
   end

   # Remembers rows until the $owner confirms them.
   def remember(rows)
-    rows.each { |one| @callbacks << -> { one[:id] } }
+    @ids.concat(rows.map { |one| one[:id] })
   end

   # What is not confirmed yet, and nothing after that.
   def flush
-    @callbacks.map(&:call)
+    @ids.shift(@ids.size)
   end
 end
""",
    ),
    BenchmarkChange(
        language=Language.RUBY,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="intermediate-arrays",
        about="permutations and copies are kept in arrays where an enumerator would do",
        instruction=(
            "Write a Ruby module for large collections of ${entities}: `pairs($entities)` offers all pairs "
            "of $entities for "
            "iteration, `first_pair($entities, limit)` finds a pair whose $amount together stays below a "
            "limit, and "
            "`write_report($entities, io)` writes one line per $entity."
        ),
        change=r"""
 # frozen_string_literal: true

 # Work on collections of $entities that barely fit in memory.
 module ${Entity}Pairs
   module_function

   $surrounding

-  # All pairs of $entities.
+  # An enumerator over all pairs of $entities; no pair is built before it is asked for.
   def pairs($entities)
-    result = []
-    $entities.each_with_index do |one, position|
-      $entities.drop(position + 1).each { |two| result += [[one.dup, two.dup]] }
-    end
-    result
+    $entities.each_entry.lazy.with_index.flat_map do |one, position|
+      ((position + 1)...$entities.size).lazy.map { |index| [one, $entities[index]] }
+    end
   end

   # A pair whose $amount together stays below the limit, or nil.
   def first_pair($entities, limit)
-    fitting = pairs($entities).select { |one, two| one[:$amount] + two[:$amount] < limit }
-    fitting.first
+    pairs($entities).find { |one, two| one[:$amount] + two[:$amount] < limit }
   end

   # One line per $entity for the $owner.
   def write_report($entities, io)
-    lines = $entities.map { |$item| "#{$item[:$text]}: #{$item[:$amount]}" }
-    text = lines.join("\n") + "\n"
-    io.write(text)
+    $entities.each do |$item|
+      io << $item[:$text] << ': ' << $item[:$amount].to_s << "\n"
+    end
   end
 end
""",
    ),
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="slurped-folder",
        about="files of a folder become arrays of strings that are copied again to count and to search them",
        path="lib/$project/${entity}_years.rb",
        messages=(
            "Reduce memory usage of ${Entity}Years\n\nForeach instead of readlines, lazy search, no copies.",
            "Lower memory footprint: stream the archive of the $owner line by line",
        ),
        change=r"""
 # frozen_string_literal: true

 # The archive of $entities, one text file a year.
 class ${Entity}Years
   def initialize(paths)
     @paths = paths
   end

   $surrounding

   # The number of lines that are not empty.
   def size
-    lines = []
-    @paths.each do |path|
-      lines += File.read(path).split("\n")
-    end
-    lines.reject { |line| line.empty? }.size
+    each_line.count { |line| !line.empty? }
   end

   # The first line that speaks of a $text, or nil.
   def first_with($text)
-    found = []
-    @paths.each do |path|
-      found += File.readlines(path, chomp: true).select { |line| line.include?($text) }
-    end
-    found[0]
+    each_line.find { |line| line.include?($text) }
   end
+
+  private
+
+  def each_line
+    return enum_for(:each_line) unless block_given?
+
+    @paths.each { |path| File.foreach(path, chomp: true) { |line| yield line } }
+  end
 end
""",
    ),
    BenchmarkChange(
        language=Language.RUBY,
        criterion=Criterion.MEMORY_EFFICIENCY,
        name="upload-report",
        about=(
            "an upload is read as one string and split into arrays, all totals are kept to find the largest"
        ),
        instruction=(
            'Write a Ruby class UploadReport, made from a path to a large file of "$text;$amount" lines: '
            "`total` returns the sum of the amounts, `largest` the largest of them (0 in an empty file) "
            "and `copy(target)` copies the file."
        ),
        change=r"""
 # frozen_string_literal: true

 # Figures about an upload of $entities.
 class UploadReport
   def initialize(path)
     @path = path
   end

   $surrounding

   # The sum of all amounts.
   def total
-    rows = File.read(@path).split("\n").map { |line| line.split(';') }
-    rows.map { |row| row[1].to_i }.inject(0) { |sum, $amount| sum + $amount }
+    amounts.sum
   end

   # The largest $amount.
   def largest
-    rows = File.readlines(@path).map { |line| line.chomp.split(';') }
-    rows.map { |row| row[1].to_i }.sort.last || 0
+    amounts.max || 0
   end

   # The same file under another name.
   def copy(target)
-    content = File.binread(@path)
-    File.binwrite(target, content)
+    IO.copy_stream(@path, target)
   end
+
+  private
+
+  def amounts
+    File.foreach(@path, chomp: true).lazy.map { |line| line.split(';', 2).last.to_i }
+  end
 end
""",
    ),
)
