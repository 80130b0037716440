"""YouTube: transcripts, playlists and channels, and what its refusals mean."""
