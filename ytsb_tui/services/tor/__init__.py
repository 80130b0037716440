"""Tor: a daemon found or started, and circuits that are popped, used and returned."""
