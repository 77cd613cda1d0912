"""The stages that measure reward models and put the numbers on one page."""
