#!/bin/sh
# Checks the manifests of a pull or merge request, and puts the plan of the merge result on it. Call it from a step of
# the pipeline, with TARGET_BRANCH, CHANGE (its number), REPOSITORY and the token of @FORGE@ in @TOKEN@@URL@.
# The configuration comes from the protected branch: a change may change its own, which names programs and hosts.
set -eu
pip install --quiet model-reconciler==@VERSION@ # from an index of yours that has it
git fetch --quiet origin "$TARGET_BRANCH"
RECONCILER_CONFIG=$(mktemp) RECONCILER_SOURCE__REPO=$PWD
export RECONCILER_CONFIG RECONCILER_SOURCE__REPO
git show FETCH_HEAD:reconciler.toml > "$RECONCILER_CONFIG"
git -c user.name=ci -c user.email=ci@localhost merge --quiet --no-edit FETCH_HEAD
reconciler validate
if [ -n "${@TOKEN@-}" ]; then
  reconciler comment --forge @FORGE@ --repository "$REPOSITORY" --change "$CHANGE" --only-changes --base FETCH_HEAD
fi
