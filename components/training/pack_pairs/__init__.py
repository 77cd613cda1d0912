"""Turns preference pairs into token ids."""
