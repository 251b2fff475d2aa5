#!/usr/bin/env bash
# OpenSSH's server for tests, which start it themselves, one process for each connection. Where it is missing it is
# installed, and kept from starting by itself: nobody who runs tests wants a machine that others can log in to.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
if [ ! -x /usr/sbin/sshd ]; then
  if [ -d /run/systemd/system ]; then
    "${as_root[@]}" systemctl --quiet mask ssh.service ssh.socket
  fi
  "$here/apt.sh" /usr/sbin/sshd=openssh-server
fi
# Under root it wants this folder, which its service would make.
[ "$(id -u)" -ne 0 ] || mkdir -p -m 0755 /run/sshd
