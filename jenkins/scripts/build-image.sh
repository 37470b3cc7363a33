#!/bin/sh
# Builds the image and pushes it: build-image.sh NAME VERSION. Leaves its digest in .reports/image/digest. With nothing to push to
# (PUSH=false) it stays where it was built; BuildKit leaves an archive of it. BASE and RUNTIME are those of the Dockerfile. The builder is
# rootless BuildKit, or Buildah or Podman (BUILDER) where that is there. Its image has no bash, like those of Trivy and Cosign.
set -eu
cd "$(dirname "$0")/../.."
name=$1
version=$2
push=${PUSH:-true}
reports=.reports/image
mkdir -p "$reports"

# The same sources make the same image, whenever: files are as old as the commit.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct "$version")
export SOURCE_DATE_EPOCH
set -- "VERSION=$version"
if [ -n "${BASE:-}" ]; then set -- "$@" "BASE=$BASE"; fi
if [ -n "${RUNTIME:-}" ]; then set -- "$@" "RUNTIME=$RUNTIME"; fi

if [ -z "${BUILDER:-}" ] && command -v buildctl-daemonless.sh > /dev/null; then
  for arg; do
    set -- "$@" "--opt=build-arg:$arg"
    shift
  done
  output="type=image,name=$name:$version,push=true"
  [ "$push" = true ] || output="type=oci,dest=$reports/image.tar"
  buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. --local dockerfile=. \
    "$@" --opt "build-arg:SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" \
    --export-cache type=inline --import-cache "type=registry,ref=$name" \
    --output "$output,rewrite-timestamp=true" --metadata-file "$reports/metadata.json"
  digest=$(sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]\{64\}\)".*/\1/p' "$reports/metadata.json")
else
  for arg; do
    set -- "$@" "--build-arg=$arg"
    shift
  done
  builder=${BUILDER:-buildah}
  "$builder" build --layers --timestamp "$SOURCE_DATE_EPOCH" "$@" --tag "$name:$version" . >&2
  if [ "$push" = true ]; then
    "$builder" push --digestfile "$reports/digest.new" "$name:$version" "docker://$name:$version"
    digest=$(cat "$reports/digest.new")
  else
    digest=$("$builder" images --format '{{.Digest}}' "$name:$version")
  fi
fi
# As a whole: a second line would be a second digest.
printf '%s' "$digest" | tr '\n' ' ' | grep -Eq '^sha256:[0-9a-f]{64}$' || { echo "no digest came out of it" >&2; exit 1; }
echo "$digest" > "$reports/digest"
echo "$name@$digest"
