"""Changes to C++ files."""

from pipelines.sample_data.templates.cpp import (
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
