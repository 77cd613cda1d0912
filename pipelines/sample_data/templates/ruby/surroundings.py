"""Ruby methods that stand around a change and have no part in it; they need no library.

They are written for the inside of a module in which every method is a module function.
"""

FRAGMENTS: tuple[str, ...] = (
    r"""
def describe_$other($item)
  parts = ['$other', $item[:id].to_s]
  parts << $item[:$text] if $item[:$text]
  parts.join(' ')
end
""",
    r"""
# The $others of one day, in the order in which the $owner sees them.
def ${others}_of_day($others, day)
  $others.select { |one| one[:day] == day }.sort_by { |one| one[:$amount] }
end
""",
    r"""
def blank_$text?(value)
  value.nil? || value.strip.empty?
end
""",
    r"""
def clamp_$amount(value, low: 0, high: $limit)
  [[value, low].max, high].min
end
""",
    r"""
# Cuts one exported line of $others into its fields.
def split_${others}_line(line, separator = ';')
  line.chomp.split(separator, -1).map(&:strip)
end
""",
    r"""
def ${owner}_greeting(first, last)
  full = [first, last].compact.reject(&:empty?).join(' ')
  full.empty? ? 'Dear $owner,' : "Dear #{full},"
end
""",
    r"""
def ${others}_by_$text($others)
  $others.group_by { |one| one.fetch(:$text, 'unknown') }
end
""",
    r"""
# Smallest and largest $amount of all $others.
def ${amount}_bounds($others)
  $others.map { |one| one[:$amount] }.compact.minmax
end
""",
)
