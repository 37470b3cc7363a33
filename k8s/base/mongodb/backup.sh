#!/usr/bin/env bash
# Writes one archive of the whole replica set, as it was at one moment, and keeps the newest ones.
#   backup.sh FOLDER KEEP, with MONGO_BACKUP_HOST, MONGO_BACKUP_PASSWORD_FILE
set -euo pipefail
folder=$1
keep=$2

# The password stands in a file that only this process can read: in an argument everybody sees it.
config=$(mktemp)
trap 'rm -f "$config"' EXIT
printf 'password: "%s"\n' "$(cat "$MONGO_BACKUP_PASSWORD_FILE")" > "$config"

name=hannip-$(date -u +%Y-%m-%dT%H%M%SZ).archive.gz
mongodump --quiet --config "$config" --host "$MONGO_BACKUP_HOST" --username backup --authenticationDatabase admin \
  --readPreference secondaryPreferred --oplog --gzip --archive="$folder/.$name"
# It has its name when it is whole.
mv "$folder/.$name" "$folder/$name"
find "$folder" -maxdepth 1 -name 'hannip-*.archive.gz' | sort -r | tail -n "+$((keep + 1))" | xargs -r rm --
echo "$name $(stat -c %s "$folder/$name") bytes"
