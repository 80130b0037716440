"""The outside world; each file translates one vendor's errors."""
