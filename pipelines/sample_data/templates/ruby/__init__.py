"""Changes to Ruby files."""

from pipelines.sample_data.templates.ruby import (
    functional,
    memory,
    readability,
    runtime,
    security,
    surroundings,
)

TEMPLATES = (
    *functional.TEMPLATES,
    *runtime.TEMPLATES,
    *memory.TEMPLATES,
    *security.TEMPLATES,
    *readability.TEMPLATES,
)
FRAGMENTS = surroundings.FRAGMENTS
