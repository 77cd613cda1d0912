"""Keep the changes in wanted languages and repositories."""
