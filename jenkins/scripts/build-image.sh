#!/usr/bin/env bash
# Builds the image and pushes it: build-image.sh NAME VERSION. Leaves its digest in .reports/image/digest. With nothing to push to
# (PUSH=false) it stays where it was built; BuildKit leaves an archive of it. BASE and RUNTIME are those of the Dockerfile. The builder is
# rootless BuildKit, or Buildah or Podman (BUILDER) where that is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=$1
version=$2
push=${PUSH:-true}
reports=.reports/image
mkdir -p "$reports"

# The same sources make the same image, whenever: files are as old as the commit.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct "$version")
export SOURCE_DATE_EPOCH
args=("VERSION=$version")
for arg in BASE RUNTIME; do
  if [ -n "${!arg:-}" ]; then args+=("$arg=${!arg}"); fi
done

if [ -z "${BUILDER:-}" ] && command -v buildctl-daemonless.sh > /dev/null; then
  output="type=image,name=$name:$version,push=true"
  [ "$push" = true ] || output="type=oci,dest=$reports/image.tar"
  buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. --local dockerfile=. \
    "${args[@]/#/--opt=build-arg:}" --opt "build-arg:SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" \
    --export-cache type=inline --import-cache "type=registry,ref=$name" \
    --output "$output,rewrite-timestamp=true" --metadata-file "$reports/metadata.json"
  digest=$(sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]\{64\}\)".*/\1/p' "$reports/metadata.json")
else
  builder=${BUILDER:-buildah}
  "$builder" build --layers --timestamp "$SOURCE_DATE_EPOCH" "${args[@]/#/--build-arg=}" --tag "$name:$version" . >&2
  if [ "$push" = true ]; then
    "$builder" push --digestfile "$reports/digest.new" "$name:$version" "docker://$name:$version"
    digest=$(cat "$reports/digest.new")
  else
    digest=$("$builder" images --format '{{.Digest}}' "$name:$version")
  fi
fi
[[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "no digest came out of it" >&2; exit 1; }
echo "$digest" > "$reports/digest"
echo "$name@$digest"
