#!/usr/bin/env bash
# Installs Debian packages for commands or files that are missing, and does nothing where none is:
#
#   apt.sh COMMAND=PACKAGE[,PACKAGE…] /FILE=PACKAGE …
set -euo pipefail

missing=()
commands=()
for need in "$@"; do
  [ -f "${need%%=*}" ] && continue
  command -v "${need%%=*}" >/dev/null 2>&1 && continue
  commands+=("${need%%=*}")
  IFS=, read -r -a packages <<<"${need#*=}"
  missing+=("${packages[@]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo -n)
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "This needs the commands ${commands[*]}, and there is no apt-get to install them with: install them yourself." >&2
  exit 1
fi
if [ ${#as_root[@]} -gt 0 ] && ! sudo -n true 2>/dev/null; then
  echo "This needs the packages ${missing[*]}, and this user may not install them: run 'sudo apt-get install ${missing[*]}' once." >&2
  exit 1
fi
echo "Installing ${missing[*]} with apt-get."
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
