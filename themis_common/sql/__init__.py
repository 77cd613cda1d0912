"""SQL that is written once, in BigQuery's dialect, and runs on BigQuery and on DuckDB."""
