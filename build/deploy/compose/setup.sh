#!/usr/bin/env bash
# Makes the secrets of compose.yaml in DIR (./secrets beside it), once; what is there stays:
#
#   setup.sh [DIR]
#
# Keep a copy of secrets/secret: without it signing keys cannot be opened, and everybody signs in again.
set -euo pipefail
dir=${1:-$(dirname "${BASH_SOURCE[0]}")/secrets}

random() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }

[ ! -e "$dir/secret" ] || { echo "$dir has its secrets already."; exit 0; }
# The containers read as users of their own, so the files are readable; the directory keeps everybody else out.
mkdir -p "$dir"
chmod 0700 "$dir"
cd "$dir"
random >superuser
: >passwords.sql
for pair in api=app_api identity=app_identity stream=powersync admin=app_migrator; do
  role=${pair#*=} password=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
  echo "host=database dbname=coditect user=$role password=$password" >"${pair%=*}"
  echo "ALTER ROLE $role PASSWORD '$password';" >>passwords.sql
done
random >secret # last: it says that all are there
chmod 0444 -- *
echo "Made the secrets in $dir. Keep a copy of $dir/secret."
