"""`python -m reconciler` is the `reconciler` program."""

from reconciler.cli import main

main()
