"""Measures the program beside the script a user would write and the floor of git itself, on one repository.

`python -m bench` writes a Markdown table; `--help` tells how to make it larger. Nothing of this is shipped.

    generate ─▶ git repository ──┐
                                 ├─▶ rows, each of them whole processes ─▶ table
    registry ─▶ HTTP, preloaded ─┘

`python -m bench.keeping_up` measures the registry alone, which must be no part of what is measured above, and
`python -m bench.client` its client; a run ends with a short form of both.
"""
