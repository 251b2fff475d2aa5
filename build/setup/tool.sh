#!/usr/bin/env bash
# Builds a Go tool at a pinned version into DIR, once:
#
#   tool.sh DIR PACKAGE@VERSION
#
# DIR/NAME-VERSION is the program, so that a new pin builds a new one. Prints its path.
set -euo pipefail

mkdir -p "$1"
# GOBIN takes absolute paths only.
dir=$(cd "$1" && pwd) package=${2%@*} version=${2##*@}
# A path that ends in its major version is called by what is before it, as go install does.
name=$(basename "$(sed -E 's|/v[0-9]+$||' <<<"$package")")
tool=$dir/$name-$version
if [ ! -x "$tool" ]; then
  echo "Building $name $version; this happens once." >&2
  tmp=$(mktemp -d "$dir/.tool-XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  # Outside of any module, so that go.mod here plays no part; without cgo, so that no C compiler is needed.
  (cd "$tmp" && GOBIN=$tmp GOFLAGS=-buildvcs=false GOOS= GOARCH= CGO_ENABLED=0 go install "$2") >&2
  mv "$tmp/$name" "$tool"
fi
echo "$tool"
