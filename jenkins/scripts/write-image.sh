#!/usr/bin/env bash
# Writes an image into an overlay, in a commit, and pushes it: write-image.sh REPOSITORY BRANCH OVERLAY NAME@DIGEST. When somebody else has
# pushed in the meantime it starts anew. Where the overlay has that image already, nothing is written.
set -euo pipefail
repository=$1
branch=$2
overlay=$3
image=$4
[[ $image =~ @sha256:[0-9a-f]{64}$ ]] || { echo "write-image.sh: $image has no digest" >&2; exit 1; }
[[ ! $image =~ sha256:0+$ ]] || { echo "write-image.sh: nothing has the digest of $image" >&2; exit 1; }
[[ $overlay =~ ^[a-z-]+$ ]] || { echo "write-image.sh: $overlay is no overlay" >&2; exit 1; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for attempt in 1 2 3 4 5; do
  cd "$folder"
  rm -rf clone
  git clone --quiet --depth 1 --branch "$branch" "$repository" clone
  cd "clone/k8s/overlays/$overlay"
  kustomize edit set image "hannip=$image"
  if git diff --quiet; then
    echo "$overlay has $image already"
    exit 0
  fi
  # A manifest that cannot be built must not get as far as Argo CD.
  kustomize build . > /dev/null
  git -c user.name="${GIT_AUTHOR_NAME:-Jenkins}" -c user.email="${GIT_AUTHOR_EMAIL:-jenkins@invalid}" \
    commit --quiet --all --message "$overlay: ${image##*@}" --message "Image: $image"
  if git push --quiet origin "HEAD:$branch"; then
    echo "$overlay has $image now: $(git rev-parse HEAD)"
    exit 0
  fi
  echo "somebody else has pushed, attempt $attempt" >&2
  sleep "$attempt"
done
echo "write-image.sh: could not push" >&2
exit 1
