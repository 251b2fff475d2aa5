#!/usr/bin/env bash
# A private PostgreSQL of Debian's, in a directory of its own; the system's clusters are never touched:
#
#   postgres.sh need                     install it where it is missing
#   postgres.sh run DIR [NAME=VALUE…]    run it in DIR in the foreground until stdin closes or a signal comes
#   postgres.sh remove DIR               delete DIR, which must be one that run made
#
# run makes DIR at the first start. It listens on a Unix socket in DIR/socket only, which nobody but its user and root can
# enter; its superuser is called postgres, without a password. NAME=VALUE are settings for this run. Under root it runs as
# Debian's user postgres, because PostgreSQL refuses root. A caller who waits for it can watch for DIR/socket/.s.PGSQL.5432.
# Where there is a file DIR/temporary when it is told to end, it deletes DIR.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

# Debian starts a cluster of the system's own when the server is installed; the setting keeps it from doing so.
need() {
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null && return
  "$here/apt.sh" /usr/share/postgresql-common/pg_wrapper=postgresql-common >&2
  local conf=/etc/postgresql-common/createcluster.conf as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  "${as_root[@]}" sed -ri 's/^#?\s*create_main_cluster\b.*/create_main_cluster = false/' "$conf"
  "$here/apt.sh" pg_ctlcluster=postgresql /no-server-is-installed=postgresql >&2
}

programs() { compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -1; }

# The user PostgreSQL runs as: whoever we are, but never root.
as_user() {
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
  else
    "$@"
  fi
}

create() {
  local dir=$1 sync=()
  [[ " ${*:2} " != *" fsync=off "* ]] || sync=(--no-sync)
  mkdir -p "$dir"
  chmod 0700 "$dir"
  [ "$(id -u)" -ne 0 ] || chown postgres: "$dir"
  as_user mkdir -p "$dir/socket"
  as_user "$(programs)/initdb" -D "$dir/new" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-instructions "${sync[@]}" >>"$dir/log"
  as_user tee -a "$dir/new/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$dir/socket'
wal_level = logical
max_wal_senders = 20
max_replication_slots = 20
max_connections = 200
max_wal_size = 512MB
max_slot_wal_keep_size = 4GB
log_min_messages = warning
log_min_error_statement = panic
CONF
  as_user mv "$dir/new" "$dir/data"
}

start() {
  local dir=$1 settings=() s
  shift
  for s in "$@"; do settings+=(-c "$s"); done
  cd "$dir"
  as_user "$(programs)/postgres" -D "$dir/data" "${settings[@]}" >>"$dir/log" 2>&1 </dev/null &
  server=$!
}

# SIGINT is PostgreSQL's fast shutdown: sessions are ended, what was committed stays.
stop() {
  local pid
  pid=$(head -1 "$1/data/postmaster.pid" 2>/dev/null || true)
  [ -z "$pid" ] || kill -INT "$pid" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
}

run() {
  local dir
  dir=$(realpath -m "$1")
  shift
  need
  [ -d "$dir/data" ] || create "$dir" "$@"
  trap 'stop "$dir"; [ ! -e "$dir/temporary" ] || rm -rf "$dir"; exit 0' TERM INT HUP
  local size=0
  [ ! -e "$dir/log" ] || size=$(stat -c %s "$dir/log")
  start "$dir" "$@"
  exec 3<&0
  { while read -r -u 3; do :; done; kill -TERM $$; } 2>/dev/null & # builtins only: a child would outlive it
  local watch=$!
  wait "$server" && status=0 || status=$?
  # After kill -9 the dead server's children take a moment to go, and PostgreSQL refuses to start beside them.
  while [ "$status" -ne 0 ] && tail -c +$((size + 1)) "$dir/log" | grep -q 'pre-existing shared memory'; do
    sleep 0.2
    size=$(stat -c %s "$dir/log")
    start "$dir" "$@"
    wait "$server" && status=0 || status=$?
  done
  kill "$watch" 2>/dev/null || true
  exit "$status"
}

remove() {
  local dir
  dir=$(realpath -m "$1")
  [ -f "$dir/data/PG_VERSION" ] || { echo "$dir is no directory that run made." >&2; exit 1; }
  [ ! -f "$dir/data/postmaster.pid" ] || { echo "The server in $dir still runs." >&2; exit 1; }
  rm -rf "$dir"
}

case "${1:-}" in
need) need ;;
run | remove) "$@" ;;
*) sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
