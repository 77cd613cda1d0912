"""From judged changes and imported pairs to the pairs that training takes."""
