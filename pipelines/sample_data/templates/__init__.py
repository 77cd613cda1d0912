"""The change templates: one package per language, one module per criterion; `catalogue.py` lists them all."""
