"""The two files of a published evaluation run, `scores.parquet` and `results.json`: read, checked and written.

Source: facts/evaluation.md section 3.
"""
