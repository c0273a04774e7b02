"""The daemon room."""
