"""Wikilinks: which notes name each other."""
