"""JavaScript functions that stand around a change and have no part in it; they import nothing."""

FRAGMENTS: tuple[str, ...] = (
    r"""
function describe${Other}($item) {
  const parts = ['$other', String($item.id)];
  if ($item.$text) {
    parts.push($item.$text);
  }
  return parts.join(' ');
}
""",
    r"""
/** The $others of one day, in the order in which the $owner sees them. */
function ${others}OfDay($others, day) {
  return $others
    .filter((one) => one.day === day)
    .sort((left, right) => left.$amount - right.$amount);
}
""",
    r"""
function isBlank${Text}(value) {
  return value === undefined || value === null || value.trim() === '';
}
""",
    r"""
class ${Other}Error extends Error {
  constructor(id, reason) {
    super('$other ' + id + ': ' + reason);
    this.name = '${Other}Error';
    this.id = id;
  }
}
""",
    r"""
function clamp${Amount}(value, low = 0, high = $limit) {
  return Math.max(low, Math.min(high, value));
}
""",
    r"""
const ${OTHER}_STATES = Object.freeze({
  open: 'Open',
  late: 'Late, ask the $owner',
  done: 'Done',
});
""",
    r"""
/** Splits one exported line of $others at semicolons. */
function split${Others}Line(line) {
  return line.trimEnd().split(';').map((part) => part.trim());
}
""",
    r"""
function format${Amount}(value, digits = 2) {
  if (!Number.isFinite(value)) {
    return 'n/a';
  }
  return value.toFixed(digits).replace('.', ',');
}
""",
    r"""
async function pingOf${Owner}(client) {
  const started = Date.now();
  await client.get('/$others/ping');
  return Date.now() - started;
}
""",
)
