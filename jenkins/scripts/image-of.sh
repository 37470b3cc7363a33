#!/usr/bin/env bash
# Prints the image that an overlay has: image-of.sh REPOSITORY BRANCH OVERLAY.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git clone --quiet --depth 1 --branch "$2" "$1" "$folder/clone"
kustomize build "$folder/clone/k8s/overlays/$3" | sed -n 's/^ *\(- \)\{0,1\}image: \(.*hannip@sha256:[0-9a-f]\{64\}\)$/\2/p' | sort -u > "$folder/images"
[ -s "$folder/images" ] || { echo "image-of.sh: nothing was delivered to $3 yet" >&2; exit 1; }
[ "$(wc -l < "$folder/images")" = 1 ] || { echo "image-of.sh: $3 has more than one image" >&2; cat "$folder/images" >&2; exit 1; }
cat "$folder/images"
