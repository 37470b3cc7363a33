#!/usr/bin/env bash
# Gives an overlay the image that another one has, and no other: promote.sh REPOSITORY BRANCH FROM TO.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
image=$("$scripts/image-of.sh" "$1" "$2" "$3")
exec "$scripts/write-image.sh" "$1" "$2" "$4" "$image"
