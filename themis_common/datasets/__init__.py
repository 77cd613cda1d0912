"""Datasets: folders of parquet shards that exist once their manifest does."""
