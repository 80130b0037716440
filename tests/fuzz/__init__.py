"""Bad input at scale: every parser of the program is given what nobody would write."""
