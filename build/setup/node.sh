#!/usr/bin/env bash
# Checks that a Node that can build the page is here. Debian's own is too old, so nothing is installed.
set -euo pipefail

if ! command -v npm >/dev/null 2>&1 || ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
  echo "The page is built with Node 20.19 or newer, and npm: install them from nodejs.org. The program builds without." >&2
  exit 1
fi
