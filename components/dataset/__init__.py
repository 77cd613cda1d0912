"""The stages from git history to preference pairs, in the order of the paper's figure."""
