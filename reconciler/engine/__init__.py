"""The engine room: what is declared, registered and remembered, made into verdicts and imports.

In come ports (`ports`): git, the registries, the state, the index. Out go events for the journal and one
report. The room does no I/O of its own, has no clock but its argument, and knows no vendor.

The cycle, and what its stages pass on:

    cycle      `Engine`, and the recipe: every stage of one cycle in its order
    target, options
               `Target` and `CycleOptions`: what a cycle works on, and what it is asked to do
    target_run `Cycle` and `TargetRun`: what the stages are given, and the value that they pass on
    isolation  an unexpected error is a failure of one target
    scope      which models of a target are judged, and when a cycle has something to do
    judge, observe
               the verdicts on one target's models, and what its registry says of them
    guards, trust
               what stands between a plan and acting on it; a newest commit that is held
    act        what the verdicts ask for
    remember, verify_index
               what a cycle leaves behind, and in which order; the index compared with git

Git:

    manifest_parser
               `ManifestParser`: from files to what they declare
    desired_state_reader, desired_state
               what a commit declares, read as far as it differs from the index
    graph, history, last_commits
               commits and what they changed, and to which model; the last commit of each document

The plan:

    planner_input, plan, reasons
               what a plan is made from, a verdict on every model, and why
    vendor     what a registry does in its own way; `compare`
    listing, last_report
               verdicts searched and counted; those of the last report

Imports:

    execute, recorder, outcomes
               one intent, one call, one result; how these are journalled; what became of a lost answer
    concurrency
               a few calls at a time, and what no cycle waits for
    leadership, clock
               who may start imports; time, chance and names as arguments

What others are told:

    episodes   which messages each sink gets
    note_lines what git's notes say of a commit

What commands ask beside a cycle:

    validate, retry, adopt, model_diff
               each for the command of its name (`model_diff` for `diff`)

The values that all of these pass along are in `values`.
"""
