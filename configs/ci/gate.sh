#!/usr/bin/env bash
# The gate in any CI: builds the commit to compare with and this tree, then runs both in turns on this machine.
#   configs/ci/gate.sh origin/main configs/softmax_llm.yaml --filter softmax-attention
# Leaves verdict.json, junit.xml and comment.md in results/gate; the exit code is the gate's.
set -euo pipefail
cd "$(dirname "$0")/../.."
base=$(git rev-parse --verify "$1^{commit}")
shift
tree=build/gate-base
scripts/bootstrap
git worktree remove --force "$tree" 2>/dev/null || true
git worktree add --detach "$tree" "$base"
trap 'git worktree remove --force "$tree"' EXIT
for source in "$tree" .; do
  (cd "$source" && cmake --preset release && cmake --build --preset release --target softmax-bench)
done
build/release/softmax-bench gate --base "$tree/build/release/softmax-bench" "$@"
