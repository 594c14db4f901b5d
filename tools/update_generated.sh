#!/bin/sh
# Puts generated files where they are committed: pairs of a file made and its place in the sources.
set -eu
while [ $# -gt 0 ]; do
	cmp -s "$1" "$MESON_SOURCE_ROOT/$2" || { cp "$1" "$MESON_SOURCE_ROOT/$2"; echo "updated $2"; }
	shift 2
done
