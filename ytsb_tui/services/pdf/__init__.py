"""PDFs, drawn by child processes."""
