"""The program killed again and again, at random and at every write, and what is left of its work each time."""
