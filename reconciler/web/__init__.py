"""The web room: what `reconciler run` shows and receives over HTTP.

Comes in: callables that tell the state of the loop. Goes out: an ASGI application, and a server that runs
inside the loop's own event loop. It knows nothing of schedules, git or registries, and can change none of
them: all it can do is ask for a tick. The modules load slowly, so only a process that serves imports them:

    application   the routes, and what tells an open page that there is something new
    rendered      documents that are made once and shared, at a pace that leaves the loop its share
    webhook       who may ask for a tick, and how git hosts prove that
    server        sockets and uvicorn, and who may look
"""

from __future__ import annotations
