"""Everything a model is told: chat layout, system prompts and the texts of LLM tasks."""
