#!/usr/bin/env bash
# Shows the tray on a real panel (xfce4-panel on a display of its own), opens its menus, and leaves a picture of every
# state to look at:
#
#   run.sh [FOLDER]      build/tmp/tray-shots without one
set -euo pipefail
cd "$(dirname "$0")/../.."
build/setup/apt.sh dbus-daemon=dbus Xvfb=xvfb xdotool=xdotool import=imagemagick \
  xfce4-panel=xfce4-panel,xfconf,adwaita-icon-theme,fonts-dejavu-core

shots=$(realpath -m "${1:-build/tmp/tray-shots}")
mkdir -p "$shots"
TRAY_SHOTS=$shots go test -tags panel -count=1 -timeout 20m -run TestRealPanel ./app/tray
echo "Pictures are in $shots."
