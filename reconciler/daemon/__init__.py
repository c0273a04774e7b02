"""The daemon room: when to reconcile, one tick at a time, and how to stop.

    triggers   the schedule, with a crontab line as cron means it, the signals, and the kernel's word that a
               branch moved or another process journalled: they only ask
    cycle_job  one tick: nothing, when nothing moved; otherwise one cycle
    tick_log   what the log says of it
    loop       ticks on request, follows unfinished imports on a quicker clock, ends in order
    campaign   one replica's part in who leads which target
    supervisor keeps the loop going, ends the process where it stands still, and says so to probes
    worker     the thread that the work is done in, so that the other one hears signals, and the wish to stop,
               known to everything that could wait

It knows the engine, the schedule's settings and the leases of the state, and nothing of HTTP pages or git.
"""

from __future__ import annotations
