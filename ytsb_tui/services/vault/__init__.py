"""The folder notes are written to: names, places, subjects, one lock."""
