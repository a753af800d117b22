# shellcheck shell=bash
# Sourced by the scripts beside it: runs their functions `step_…`, in the order of the array `steps`.

# All steps, or those that are named. `test-features` is the function step_test_features.
run_steps() {
  local step
  # shellcheck disable=SC2154 # the sourcing script's
  (($# > 0)) || set -- "${steps[@]}"
  for step in "$@"; do
    if [[ " ${steps[*]} " != *" $step "* ]]; then
      echo "no step is called $step; there are: ${steps[*]}" >&2
      exit 2
    fi
    run_step "$step"
  done
  printf '\nall passed after %d s\n' "$SECONDS"
}

run_step() {
  local name=$1 started=$SECONDS status
  printf '\n=== %s\n' "$name"
  # Not `(…) || status=$?`, which would switch `set -e` off inside.
  set +e
  (
    set -e
    "step_${name//-/_}"
  )
  status=$?
  set -e
  if [[ $status != 0 ]]; then
    printf '=== %s: FAILED after %d s\n' "$name" $((SECONDS - started))
    exit "$status"
  fi
  printf '=== %s: passed after %d s\n' "$name" $((SECONDS - started))
}
