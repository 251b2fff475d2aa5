#!/usr/bin/env bash
# Puts the program, its entry in the list of applications and its icon below a folder, or takes them away again:
#
#   install.sh PREFIX PROGRAM [WINDOW]     PREFIX is ~/.local for one person; WINDOW is the program with the window
#   install.sh --remove PREFIX
set -euo pipefail
cd "$(dirname "$0")/../.."

name=coditect-sync
remove() {
  rm -f "$1/bin/$name" "$1/lib/$name/$name-window" "$1/share/applications/$name.desktop"
  rm -f "$1/share/icons/hicolor"/*/apps/"$name".{png,svg}
  [ ! -d "$1/lib/$name" ] || rmdir --ignore-fail-on-non-empty "$1/lib/$name"
}

refresh() { # tells desktops that do not look by themselves
  touch -c "$1/share/icons/hicolor"
  if command -v update-desktop-database >/dev/null && [ -d "$1/share/applications" ]; then
    update-desktop-database -q "$1/share/applications" || true
  fi
}

if [ "$1" = --remove ]; then
  remove "$2"
  refresh "$2"
  echo "Removed from $2. Your memory, its copies and the settings are where they were."
  exit 0
fi

prefix=$1 program=$2 window=${3:-}
case $prefix in
  *['"`$\%']* | [!/]*)
    echo "PREFIX must be an absolute path without the characters \" \` \$ \\ %: $prefix" >&2
    exit 1
    ;;
esac
install -Dm755 "$program" "$prefix/bin/$name"
if [ -n "$window" ] && [ -x "$window" ]; then
  install -Dm755 "$window" "$prefix/lib/$name/$name-window"
fi
for icon in build/icons/app/$name-*.png; do
  size=${icon##*-}
  size=${size%.png}
  install -Dm644 "$icon" "$prefix/share/icons/hicolor/${size}x$size/apps/$name.png"
done
install -Dm644 "build/icons/app/$name.svg" "$prefix/share/icons/hicolor/scalable/apps/$name.svg"
entry=$(<"build/desktop/$name.desktop")
entry=${entry//"
Exec=$name "/"
Exec=\"$prefix/bin/$name\" "} # whoever starts it may have another PATH
entry=${entry//"TryExec=$name"/"TryExec=$prefix/bin/$name"}
mkdir -p "$prefix/share/applications"
printf '%s\n' "$entry" >"$prefix/share/applications/$name.desktop"
refresh "$prefix"

echo "Installed $prefix/bin/$name, and CODITECT Sync in the list of applications."
case :$PATH: in
  *":$prefix/bin:"*) ;;
  *) echo "$prefix/bin is not on your PATH." ;;
esac
