"""Text kernels that several stages share: shingles, MinHash near-duplicates, line counts."""
