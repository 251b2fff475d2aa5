#!/usr/bin/env bash
# Renders the drawings in src into what the programs embed and the packages ship:
#
#   app/tray/icons/STATE-SIZE-VARIANT.png   16 and 22 px from their own drawings, 32 and 44 as their doubles
#   app/tray/icons/STATE-VARIANT.ico        the same four sizes for Windows
#   build/icons/app/…                       the icon of the program
#
# The results are committed: a build needs none of this. Run it after a drawing changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
build/setup/apt.sh rsvg-convert=librsvg2-bin

tray=app/tray/icons
app=build/icons/app
mkdir -p "$tray" "$app"
rm -f "$tray"/*.png "$tray"/*.ico "$app"/*

for drawing in build/icons/src/tray-*.svg; do
  IFS=- read -r size variant < <(sed -E 's/^.*-(16|22)-(light|dark|template)\.svg$/\1-\2/' <<<"$drawing")
  state=$(basename "$drawing" "-$size-$variant.svg")
  state=${state#tray-}
  for px in "$size" $((size * 2)); do
    rsvg-convert --width "$px" --height "$px" "$drawing" --output "$tray/$state-$px-$variant.png"
  done
done
for drawing in build/icons/src/tray-*-16-light.svg; do
  state=$(basename "$drawing" -16-light.svg)
  state=${state#tray-}
  for variant in light dark; do
    go run build/icons/ico.go "$tray/$state-$variant.ico" \
      "$tray/$state-16-$variant.png" "$tray/$state-22-$variant.png" "$tray/$state-32-$variant.png" "$tray/$state-44-$variant.png"
  done
done

sizes=(16 24 32 48 64 128 256 512)
for px in "${sizes[@]}"; do
  rsvg-convert --width "$px" --height "$px" build/icons/src/app.svg --output "$app/coditect-sync-$px.png"
done
cp build/icons/src/app.svg "$app/coditect-sync.svg"
go run build/icons/ico.go "$app/coditect-sync.ico" "$app"/coditect-sync-{16,24,32,48,64,256}.png
