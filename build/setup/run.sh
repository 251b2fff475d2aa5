#!/usr/bin/env bash
# What `make run` shows: run.sh PROGRAM. Safe to run again; what was set up before is kept.
set -euo pipefail
program=$1

show() {
  printf '\n$ coditect-sync %s\n' "$*"
  "$program" "$@"
}

show setup --yes
show start

# The agent makes the first copy, then restores it into a temporary file and compares every row.
proved() { "$program" status --json | grep -q '"healthy": *true'; }
for _ in $(seq 120); do
  proved && break
  sleep 0.5
done
show status
if ! proved; then
  show doctor
  echo "No test restore has passed within a minute; what it waits for is above." >&2
  exit 1
fi

cat <<TEXT

The agent goes on in the background. To stop it:   $program quit
To bring back a moment:                            $program points, then $program restore
TEXT
