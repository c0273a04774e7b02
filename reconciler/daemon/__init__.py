"""The daemon room: when to reconcile, one tick at a time, and how to stop.

    triggers   the schedule, with a crontab line as cron means it, and the signals: they only ask
    watch      the kernel's word that a branch moved or another process journalled: it only asks
    cycle_job  one tick: nothing, when nothing moved; otherwise one cycle; and one line that tells it
    loop       ticks on request, follows unfinished imports on a quicker clock, ends in order
    stop       the wish to stop, known to everything that could wait

It knows the engine, the schedule's settings and the leases of the state, and nothing of HTTP pages or git.
"""

from __future__ import annotations
