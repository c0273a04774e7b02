"""The engine room: what is declared, registered and remembered, made into verdicts and imports.

In come ports (`ports`): git, the registries, the state, the index. Out go events for the journal and one
report. The room does no I/O of its own, has no clock but its argument, and knows no vendor.

    cycle      the recipe: every stage of one cycle in its order
    guards     what stands between a plan and acting on it
    scope, judge, act
               which models of a target, their verdicts, and what these ask for; `target_run` is the value
               that the stages pass on
    plan, reasons
               a verdict on every model, and why
    execute, outcomes, concurrency
               one import: sent once, found out when its answer is lost, seen through to its end
    remember   what a cycle leaves behind, and in which order
    desired_state, history, last_commits
               what a commit declares, and whose commit it was
    episodes
               what a person is told, once
    retry, adopt, model_diff, last_report, check
               what commands ask beside a cycle
"""
