"""Remove changes whose file is a near-duplicate of an earlier one's."""
