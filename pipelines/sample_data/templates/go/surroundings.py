"""Go declarations that stand around a change and have no part in it; they need nothing imported.

Go templates are indented with four blanks here and with tabs in the files that are made of them.
"""

FRAGMENTS: tuple[str, ...] = (
    r"""
// ${Other}State says what the $owner may do with a $other.
type ${Other}State int

const (
    ${Other}Open ${Other}State = iota
    ${Other}Late
    ${Other}Done
)
""",
    r"""
// Clamp${Amount} keeps a value inside what the $owner allows.
func Clamp${Amount}(value int) int {
    if value < 0 {
        return 0
    }
    if value > $limit {
        return $limit
    }
    return value
}
""",
    r"""
// ${Other}Error is returned when a $other cannot be used.
type ${Other}Error struct {
    ID int64

    Reason string
}

func (e *${Other}Error) Error() string {
    return "$other: " + e.Reason
}
""",
    r"""
func mean${Amount}(values []float64) float64 {
    if len(values) == 0 {
        return 0
    }
    var sum float64
    for _, value := range values {
        sum += value
    }
    return sum / float64(len(values))
}
""",
    r"""
// ${Owner}Greeting begins a letter to the $owner.
func ${Owner}Greeting(first, last string) string {
    if first == "" && last == "" {
        return "Dear $owner,"
    }
    return "Dear " + first + " " + last + ","
}
""",
    r"""
// ${Other}Options are read from the settings of the $owner.
type ${Other}Options struct {
    ${Text} string

    Max${Amount} int

    Verbose bool
}

// Default${Other}Options fit a small installation.
func Default${Other}Options() ${Other}Options {
    return ${Other}Options{${Text}: "none", Max${Amount}: $limit}
}
""",
    r"""
func isBlank${Text}(value string) bool {
    for _, char := range value {
        if char != ' ' && char != '\t' {
            return false
        }
    }
    return true
}
""",
)
