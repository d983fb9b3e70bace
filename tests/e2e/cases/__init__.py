"""The end-to-end cases, one file a subject."""
