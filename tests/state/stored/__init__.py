"""States of earlier versions, as SQL: `v1-a35b34e.sqlite.sql` is what that commit made, with events in it.

Tables came while the schema's number stayed 1, so version 1 is stored once for each form that it had.
`python -m tests.state.stored v2-NAME` stores a state as this program makes it: do so before the number is
raised.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
