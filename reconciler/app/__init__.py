"""The composition root: settings in, wired and closable objects out. The only room that knows every other.

session    source, state, registries and engine for one command
repository the source that is configured, and what is kept of its targets
registries what each kind of target is opened by, and what fails in one alone
noop       what lets an `apply` do nothing, written by one cycle and checked before the next
service    the loop with its page, metrics and webhook
sinks      what each sink subscribes to, and what sends to it
pages      what the pages show, read in a thread of its own
history    git's history joined with the journal
doctor     what a setup lacks, and what to do about it
"""
