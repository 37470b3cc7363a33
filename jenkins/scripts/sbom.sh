#!/bin/sh
# Writes down everything that is in the image: sbom.sh NAME, as CycloneDX.
set -eu
cd "$(dirname "$0")/../.."
digest=$(cat .reports/image/digest)
trivy image --quiet --format cyclonedx --output .reports/image/sbom.json "$1@$digest"
