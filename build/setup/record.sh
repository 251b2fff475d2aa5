#!/usr/bin/env bash
# The terminal run of the README, for real, in a home of its own: record.sh PROGRAM. Needs sqlite3.
set -euo pipefail
work=$(mktemp -d)
mkdir "$work/bin"
cp "$1" "$work/bin/coditect-sync"
export CODITECT_HOME=$work/home PATH=$work/bin:$PATH
db=$CODITECT_HOME/context.db
unset CODITECT_SYNC_MODE
trap 'coditect-sync quit >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

# The folder that it ran in is of no interest to a reader.
show() {
  printf '$ %s\n' "$*" | sed "s,$work/home,/home/mira/memory,g"
  eval "$@" 2>&1 | sed "s,$work/home,/home/mira/memory,g"
  echo
}

# Waits for a passed test restore, or with an argument for everything before now to be copied.
proved() { until coditect-sync status --json | grep -q '"healthy": *true'; do sleep 0.2; done; }
copied() { coditect-sync verify >/dev/null 2>&1; }

show coditect-sync setup --yes
show coditect-sync start
proved
for i in $(seq 200); do
  echo "INSERT INTO decisions (decision_type, decision, rationale) VALUES ('design', 'decision $i', 'because');"
done | sqlite3 "$db"
copied
show coditect-sync status
sleep 1 # the moment is named in whole seconds
before=$(date '+%Y-%m-%d %H:%M:%S')
sleep 2
show "sqlite3 $db 'DELETE FROM decisions'"
copied
show "coditect-sync restore --at '$before' --yes"
show "sqlite3 $db 'SELECT count(*) FROM decisions'"
show "coditect-sync undo --yes"
