#!/bin/sh
# Says that this image came from here, and what is in it: sign.sh NAME. The key is in COSIGN_KEY, its password in COSIGN_PASSWORD.
set -eu
cd "$(dirname "$0")/../.."
image=$1@$(cat .reports/image/digest)
cosign sign --yes --key "$COSIGN_KEY" "$image"
cosign attest --yes --key "$COSIGN_KEY" --type cyclonedx --predicate .reports/image/sbom.json "$image"
