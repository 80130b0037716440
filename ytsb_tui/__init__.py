"""Study notes and quizzes from YouTube videos, in one Obsidian vault."""

__version__ = "0.1.0"
