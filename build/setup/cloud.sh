#!/usr/bin/env bash
# A whole cloud on this machine: PostgreSQL in a private directory and coditect-sync-server with the embedded identity
# provider and the built-in stream, on loopback only.
#
#   cloud.sh start PROGRAM   set up what is missing, start both in the background, and say where
#   cloud.sh stop            stop both; the data stays
#   cloud.sh remove          stop both and delete the data
#
# Everything is in $CODITECT_CLOUD_HOME, which is /var/lib/coditect-sync-cloud for root and else
# ~/.local/share/coditect-sync-cloud. The port is $PORT (8321), chosen at the first start.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

# PostgreSQL refuses root and then runs as another user, who cannot enter root's own directory.
usual=${HOME:-/nonexistent}/.local/share/coditect-sync-cloud
[ "$(id -u)" -ne 0 ] || usual=/var/lib/coditect-sync-cloud
dir=${CODITECT_CLOUD_HOME:-$usual}
socket=$dir/pg/socket
settings=$dir/settings

fail() { echo "make cloud: $*" >&2; exit 1; }

# alive NAME: whether the process that wrote NAME.pid runs, and is the one that wrote it.
alive() {
  local pid started
  read -r pid started 2>/dev/null <"$dir/$1.pid" || return 1
  [ "$started" = "$(ps -o lstart= -p "$pid" 2>/dev/null | tr -s ' ' _)" ]
}

# background NAME COMMAND…: runs it apart from this terminal. It reads from a pipe that stays open as long as it lives.
background() {
  local name=$1
  shift
  rm -f "$dir/$name.in"
  mkfifo -m 0600 "$dir/$name.in"
  # shellcheck disable=SC2016 # the inner shell expands it
  setsid bash -c 'exec <>"$1"; shift; exec "$@"' bash "$dir/$name.in" "$@" >>"$dir/$name.log" 2>&1 &
  echo "$! $(ps -o lstart= -p $! | tr -s ' ' _)" >"$dir/$name.pid"
}

# wait_for COMMAND…: for minutes, because a busy disk makes PostgreSQL's first start slow.
wait_for() {
  local end=$((SECONDS + 300))
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}

answers() { exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3 && grep -q ' 200 ' <&3; }
ready() { (answers "$1") 2>/dev/null; }
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
superuser() { psql -qAtX -h "$socket" -U postgres "$@"; }
server() { "$program" --config "$settings" "$@"; }
database_settled() { superuser -d postgres -c 'SELECT 1' || ! alive database; }
server_settled() { ready "$(port)" || ! alive server; }
port() { sed -n 's/^LISTEN=127\.0\.0\.1://p' "$settings"; }

make_settings() {
  local port=${PORT:-8321}
  ! taken "$port" || fail "Port $port is in use. Choose another: make cloud PORT=8322"
  (umask 077 && head -c 32 /dev/urandom | base64 >"$dir/secret")
  (
    umask 077
    cat >"$settings.new" <<CONF
LISTEN=127.0.0.1:$port
URL=http://127.0.0.1:$port
SECRET_FILE=$dir/secret
DATABASE=host=$socket dbname=coditect
CONF
  )
  mv "$settings.new" "$settings"
}

database() {
  "$here/postgres.sh" need
  alive database || background database "$here/postgres.sh" run "$dir/pg"
  wait_for database_settled || true
  superuser -d postgres -c 'SELECT 1' >/dev/null || fail "PostgreSQL does not start: $dir/database.log and $dir/pg/log say why."
  [ -n "$(superuser -d postgres -c "SELECT 1 FROM pg_database WHERE datname = 'coditect'")" ] ||
    superuser -d postgres -c 'CREATE DATABASE coditect'
}

# The demo account is made once, and its password shown once.
demo() {
  [ ! -f "$dir/demo" ] || return 0
  server tenant list | grep -q '^demo ' || server tenant add demo --name Demo
  if server user list --tenant demo | grep -q ' demo@localhost.localdomain '; then
    password=$(server user password demo@localhost.localdomain | sed -n 's/^Password, shown this once: //p')
  else
    password=$(server user add demo@localhost.localdomain --tenant demo --name Demo | sed -n 's/^Password, shown this once: //p')
  fi
  touch "$dir/demo"
}

start() {
  program=$(realpath "$1")
  mkdir -p "$dir"
  chmod 0711 "$dir"
  [ -f "$settings" ] || make_settings
  database
  server migrate --bootstrap "host=$socket user=postgres dbname=coditect" >>"$dir/server.log"
  local password=
  demo
  if ! alive server; then
    ! taken "$(port)" || fail "Port $(port) is in use by something else. Change LISTEN and URL in $settings."
    background server "$program" --config "$settings" serve
  fi
  wait_for server_settled || true
  ready "$(port)" || fail "The server does not start: $dir/server.log says why."
  server doctor
  cat <<TEXT

CODITECT Sync serves at   http://127.0.0.1:$(port)
Sign in as                demo@localhost.localdomain
TEXT
  if [ -n "$password" ]; then
    echo "Password (only shown now) $password"
  else
    echo "Another password:         $1 --config $settings user password demo@localhost.localdomain"
  fi
  cat <<TEXT
Another person:           $1 --config $settings user add EMAIL --tenant demo
Data, settings, logs:     $dir
To stop it:               make cloud-stop
TEXT
}

# end NAME: the process with its children, and then wait for it. Both take SIGTERM as "finish what has begun".
end() {
  alive "$1" || return 0
  local pid
  read -r pid _ <"$dir/$1.pid"
  kill -TERM -- "-$pid"
  wait_for eval "! kill -0 $pid" || fail "Process $pid does not end."
  rm -f "$dir/$1.pid" "$dir/$1.in"
}

stop() {
  end server
  end database
}

remove() {
  stop
  [ ! -d "$dir/pg" ] || "$here/postgres.sh" remove "$dir/pg"
  rm -rf "$dir"
}

case "${1:-}" in
start) [ $# -eq 2 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }; start "$2" ;;
stop | remove) "$1" ;;
*) sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
