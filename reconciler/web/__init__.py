"""The web room: what `reconciler run` shows and hears over HTTP.

Comes in: callables that tell the state of the loop. Goes out: an ASGI application, and a server that runs
inside the loop's own event loop. It knows nothing of schedules, git or registries, and can change none of
them: all it can do is ask for a tick. The modules load slowly, so whoever serves imports them:

    application   the routes
    webhook       who may ask for a tick
    server        sockets and uvicorn
"""

from __future__ import annotations
