"""Text kernels that several stages share: tokens, shingles, MinHash near-duplicates, line counts."""
