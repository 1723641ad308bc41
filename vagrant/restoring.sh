# Puts a lost place back from its backups on an empty machine. Sourced by bootstrap.sh, which knows the folders, the release
# and how a state is applied. The service's own `restore` does the work; its arguments are in `told`:
# REPOSITORY PASSWORD_FILE [OPTION…].
# shellcheck shell=bash disable=SC2154

readonly before_it=$CELLAR_DIR/restore   # Salt's configuration until the place's own is back
readonly moved=("$etc" /var/lib/cellar/{service,master})
readonly begun=$CELLAR_DIR/run/restoring # exists while the machine is empty or half restored, so a killed run goes on
readonly has_database="SELECT count(*) > 0 FROM pg_database WHERE datname = 'saltcellar'"
# The service's user, who may also write anywhere and give files away: new files belong to the service, its database knows
# that user, and all other files get their owners back.
readonly powers=-all,+chown,+dac_override,+fowner,+fsetid
readonly as_service=(setpriv --reuid=saltcellar --regid=saltcellar --init-groups "--inh-caps=$powers" "--ambient-caps=$powers")

refuse_over_a_living_one() {
  local unit
  [[ -s ${told[1]:-} ]] || fail "Say from where, and which file opens it: bootstrap.sh restore REPOSITORY PASSWORD_FILE [OPTION…]"
  for unit in public private master chat backups; do
    ! systemctl -q is-active "saltcellar-$unit" ||
      fail "saltcellar-$unit is running: this brings back a lost place, but never replaces a running one. To let it, run systemctl stop 'saltcellar-*'"
  done
  [[ -e $begun ]] || refuse_what_would_move
}

# What is named must still be there once the folders of a place that is here are moved aside.
refuse_what_would_move() {
  local word folder
  for word in "${told[@]}"; do
    for folder in "${moved[@]}"; do
      [[ ! -e $folder || "$word $(realpath -m -- "$word")" != *"$folder/"* ]] ||
        fail "$folder is moved aside before the restore, and what this names with it: $word. Copy that elsewhere, and name the copy"
    done
  done
}

# Run a command without this script's settings, which are for another kind of place.
without_settings() (unset "${!CELLAR_@}" && exec "$@")
as_postgres() (cd / && exec runuser -u postgres -- psql "$@")

# Read the place's pillar from the snapshot.
read_pillar() {
  mkdir -p "$before_it/pillar"
  write_top "$before_it/pillar"
  without_settings "${restore[@]}" --show "$pillar" >"$before_it/pillar/controlplane.sls" || exit
  say "${told[0]} holds a place"
}

# Move a place that is here already, such as a new and empty one, aside: nothing of it is lost.
put_aside() {
  local folder aside
  aside=before-$(date +%Y%m%dT%H%M%S)
  if [[ -e $begun ]]; then
    say "going on with what was begun"
    return
  fi
  for folder in "${moved[@]}"; do
    [[ ! -e $folder ]] || mv -T "$folder" "$folder.$aside" || exit
  done
  if systemctl -q is-active postgresql && [[ $(as_postgres -Atc "$has_database") == t ]]; then
    as_postgres -qc "ALTER DATABASE saltcellar RENAME TO \"saltcellar.$aside\"" || exit
  fi
  touch "$begun"
  say "what was here, if anything, is kept under names that end in .$aside"
}

# Make the service's user, its folder and its database, empty.
make_room() { salt_applies "$before_it/local" "$before_it/pillar" controlplane.database; }

put_back() {
  install -d -m 0700 /var/lib/cellar/master || exit
  without_settings "${as_service[@]}" "${restore[@]}" >"$before_it/said" || exit
  # A snapshot does not hold the password that opens it; and the group may have another number here.
  install -m 0640 "${told[1]}" "$etc/secrets/backup-password" || exit
  chown -R root:saltcellar "$etc/secrets" || exit
  rm "$begun" || exit
  cat "$before_it/said"
}

restore_place() {
  local restore=("$release/.venv/bin/python" -P -m pillar_service.web restore "${told[@]}")
  step snapshot apart read_pillar
  step aside apart put_aside
  step room make_room
  step restore apart put_back
}
