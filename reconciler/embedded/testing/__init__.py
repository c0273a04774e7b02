"""Fault injection for tests of clients: answers that are late, wrong or missing, on demand."""
