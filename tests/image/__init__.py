"""Builds the image of the Dockerfile, without a daemon, and tries it: `python -m tests.image`."""
