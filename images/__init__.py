"""Container images: one folder per image, and the tools that lock and build them."""
