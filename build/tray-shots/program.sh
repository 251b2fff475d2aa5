#!/usr/bin/env bash
# Shows the real program on a real panel (xfce4-panel on a display and a session bus of its own): an agent with a home of
# its own and a folder as its storage. Opens its menu, clicks "Pause ▸ For 30 minutes" over the bus, sees the agent paused,
# restarts the panel, takes the file away until a notification tells of it, clicks on that, brings the file back and waits
# for the good news, measures the agent's memory, and leaves pictures to look at:
#
#   program.sh [FOLDER]      build/tmp/tray-shots without one; PROGRAM is another program than build/bin/coditect-sync
#
# Where the program with the window is beside it, its window is opened from the menu too.
set -euo pipefail
cd "$(dirname "$0")/../.."
build/setup/apt.sh dbus-daemon=dbus Xvfb=xvfb xdotool=xdotool import=imagemagick gdbus=libglib2.0-bin sqlite3=sqlite3 \
  /usr/share/dbus-1/services/org.xfce.xfce4-notifyd.Notifications.service=xfce4-notifyd \
  xfce4-panel=xfce4-panel,xfconf,adwaita-icon-theme,fonts-dejavu-core \
  /usr/share/fonts/opentype/inter/Inter-Regular.otf=fonts-inter
[ -x "${PROGRAM:-}" ] || make -s build

program=${PROGRAM:-$PWD/build/bin/coditect-sync}
shots=$(realpath -m "${1:-build/tmp/tray-shots}")
dir=$(mktemp -d)
started=()
finish() {
  "$program" quit --home "$dir/memory" >/dev/null 2>&1 || true
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$dir"
}
trap finish EXIT
mkdir -p "$shots" "$dir/.config/xfce4/xfconf/xfce-perchannel-xml" "$dir/.config/gtk-3.0"
printf '[Settings]\ngtk-font-name=Inter, Cantarell, DejaVu Sans 10\n' >"$dir/.config/gtk-3.0/settings.ini"
cp build/tray-shots/panel.xml "$dir/.config/xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml"

export HOME=$dir XDG_CONFIG_HOME=$dir/.config XDG_DATA_HOME=$dir/.local/share XDG_RUNTIME_DIR=$dir LANG=C.UTF-8 TZ=UTC
export GTK_THEME=Adwaita:dark NO_AT_BRIDGE=1 CODITECT_HOME=$dir/memory CODITECT_LOG=debug
unset CODITECT_SYNC_MODE

await() { # await WHAT COMMAND…: two minutes only end a run that hangs
  local what=$1
  shift
  for _ in $(seq 1200); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  echo "Gave up waiting for $what." >&2
  return 1
}

Xvfb -displayfd 3 -screen 0 900x640x24 -nolisten tcp 3>"$dir/display" 2>/dev/null &
started+=($!)
await "a display" test -s "$dir/display"
DISPLAY=:$(cat "$dir/display")
export DISPLAY
dbus-daemon --session --nofork --nopidfile --address="unix:path=$dir/bus" &
started+=($!)
export DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/bus
await "a bus" test -S "$dir/bus"

logged() { grep '"notification shown"' "$CODITECT_HOME/logs/agent.log" | grep -q "$1"; }
status() { "$program" status --json; }
status_has() { status | grep -q "$1"; }
item() { gdbus call --session --dest org.freedesktop.DBus --object-path / --method org.freedesktop.DBus.ListNames | grep -o 'org.kde.StatusNotifierItem-[0-9]*-1'; }
layout() { gdbus call --session --dest "$(item)" --object-path /StatusNotifierItem/menu --method com.canonical.dbusmenu.GetLayout 0 -- -1 '[]'; }
click() { # click LABEL
  local id
  id=$(layout | grep -oP "\((\d+), \{[^{}]*'label': <'$1'>" | grep -oP '^\(\K\d+' | tail -1)
  gdbus call --session --dest "$(item)" --object-path /StatusNotifierItem/menu --method com.canonical.dbusmenu.Event \
    "$id" clicked '<int32 0>' 0 >/dev/null
}
tooltip() {
  gdbus call --session --dest "$(item)" --object-path /StatusNotifierItem --method org.freedesktop.DBus.Properties.Get \
    org.kde.StatusNotifierItem ToolTip
}
shut() { pgrep -P "$(cat "$CODITECT_HOME/agent.lock")" -f coditect-sync-window | xargs -r kill; } # the window
# shot NAME GEOMETRY
shot() {
  import -silent -window root "$dir/shot.png"
  convert "$dir/shot.png" -fill '#46557a' -draw 'color 899,639 floodfill' -crop "$2" +repage -depth 8 -define png:compression-level=9 -strip "$shots/tray-$1.png"
}
panel() {
  xfce4-panel --disable-wm-check 2>/dev/null &
  panel=$!
  started+=("$panel")
  await "the icon in the panel" in_panel
  sleep 1 # the panel draws when it likes
}
in_panel() { xdotool search --onlyvisible --class wrapper; }
menu() {
  xdotool mousemove 12 15 click 1
  sleep 1
}
close() { xdotool key Escape key Escape mousemove 850 600; sleep 0.5; }
submenu() { # submenu LABEL: the open menu has these, from the top; a toolkit drops keys that come too fast
  local up=3
  [ "$1" = Restore ] || up=6
  grep -q "'label': <'Open CODITECT Sync'>" <<<"$(layout)" && up=$((up + 1))
  close
  menu
  for key in $(yes Up | head -$up) Right; do xdotool key "$key"; sleep 0.1; done
  sleep 0.5
}

build/setup/install.sh "$dir/.local" "$program" >/dev/null # for its icon
"$program" setup --yes >/dev/null
sqlite3 -cmd '.timeout 10000' "$CODITECT_HOME/context.db" \
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2413) INSERT INTO decisions (decision) SELECT 'decision '||i FROM n"
"$program" start
panel
await "a proof" status_has '"healthy": true'
sleep 2 # the change of the icon waits a second
tooltip
shot icon 300x40+0+0
menu
shot menu 560x400+0+0
submenu Pause
shot pause 640x400+0+0
submenu Restore
shot restore 760x400+0+0
close
if [ -x "$program-window" ]; then
  before=$(date +%s%N)
  click 'Open CODITECT Sync'
  await "the window" xdotool search --onlyvisible --name '^CODITECT Sync$'
  echo "The window came up $((($(date +%s%N) - before) / 1000000)) ms after the click."
  sleep 3
  shot window 900x640+0+0
  shut
fi
click 'For 30 minutes'
await "the pause" status_has '"state": "paused"'
status | grep -E '"(state|summary|paused_until)"'
sleep 2
tooltip
menu
shot paused 560x400+0+0
close
kill "$panel"
wait "$panel" 2>/dev/null || true
panel
menu
shot restarted 560x400+0+0
close
click Resume
await "the end of the pause" status_has '"healthy": true'
mv "$CODITECT_HOME/context.db" "$CODITECT_HOME/elsewhere.db"
await "the notification" logged '"kind":"needs"'
sleep 2
shot needs 420x150+480+0
if [ -x "$program-window" ]; then
  eval "$(xdotool search --onlyvisible --class xfce4-notifyd getwindowgeometry --shell)" # its button is at the bottom right
  xdotool mousemove $((X + WIDTH - 70)) $((Y + HEIGHT - 30)) click 1
  await "the window of the notification" xdotool search --onlyvisible --name '^CODITECT Sync$'
  sleep 3
  shot needs-window 900x640+0+0
  shut
fi
mv "$CODITECT_HOME/elsewhere.db" "$CODITECT_HOME/context.db"
await "its end" logged '"kind":"well"'
sleep 2
shot well 420x150+480+0
pid=$(cat "$CODITECT_HOME/agent.lock")
echo "The agent with its icon, process $pid:"
grep -E '^(VmRSS|VmHWM|RssAnon|RssFile|Threads)' "/proc/$pid/status"
grep -E '^Pss:' "/proc/$pid/smaps_rollup"
click Quit
await "its end" test ! -e "/proc/$pid"
echo "Pictures are in $shots."
