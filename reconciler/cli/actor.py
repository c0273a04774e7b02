"""Who runs a command, as the journal records it."""

from __future__ import annotations

import os
import pwd
import socket


def actor(command: str) -> str:
    """Such as `ada@build-7 (retry)`: the user of this process, by number where it has no name, and its host.

    The environment is not asked: anybody may write anything there.
    """
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = f"uid {uid}"
    return f"{user}@{socket.gethostname()} ({command})"
