#!/usr/bin/env bash
# Writes one archive of the whole replica set, as it was at one moment, and keeps the newest ones, and beyond these the last one of each day.
#   backup.sh FOLDER KEEP DAYS, with MONGO_BACKUP_HOST, MONGO_BACKUP_PASSWORD_FILE
set -euo pipefail
folder=$1
keep=$2
days=$3

# The password stands in a file that only this process can read: in an argument everybody sees it.
config=$(mktemp)
name=hannip-$(date -u +%Y-%m-%dT%H%M%SZ).archive.gz
trap 'rm -f "$config" "$folder/.$name"' EXIT
printf 'password: "%s"\n' "$(cat "$MONGO_BACKUP_PASSWORD_FILE")" > "$config"

# Before there is more: a volume that is full would stay full. What was cut off by a kill is nobody's.
rm -f "$folder"/.hannip-*.archive.gz
kept=0
kept_days=0
day=
find "$folder" -maxdepth 1 -name 'hannip-*.archive.gz' -printf '%f\n' | sort -r | while read -r archive; do
  of=${archive:7:10}
  is_new_day=$([ "$of" = "$day" ] || echo yes)
  day=$of
  kept=$((kept + 1))
  # The one that is about to be made is one of those to keep.
  if [ "$kept" -lt "$keep" ]; then continue; fi
  if [ -n "$is_new_day" ] && [ "$kept_days" -lt "$days" ]; then
    kept_days=$((kept_days + 1))
    continue
  fi
  rm -- "$folder/$archive"
done

mongodump --quiet --config "$config" --host "$MONGO_BACKUP_HOST" --username backup --authenticationDatabase admin \
  --readPreference secondaryPreferred --oplog --gzip --archive="$folder/.$name"
# It has its name when it is whole.
mv "$folder/.$name" "$folder/$name"
echo "$name $(stat -c %s "$folder/$name") bytes"
