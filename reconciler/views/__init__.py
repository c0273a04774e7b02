"""Pure views: the engine's values in; text, JSON, Markdown, HTML and metrics out.

One module a form. Nothing here does I/O, reads a clock or looks at the environment: whether there is colour
and what time it is are arguments. Whatever came from a manifest, a commit or a registry is shown through
`printable`, so that no output can steer a terminal, break a line or hide text.

    problems   what is wrong with manifests, with the line and a caret
    text       a report for a terminal
    as_json    a report for a program
    markdown   a report for a merge request, problems for the summary of a job
    hosts      problems for the pipelines of GitHub and GitLab, and for code scanning
    html       the pages for a browser; templates, style and script lie in `templates/`
    matrix     models by target
    guidance   what to do about a verdict
    history    git joined with the journal
    metrics    Prometheus
"""

from __future__ import annotations
