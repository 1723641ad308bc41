# How a service that runs comes to another version, and its database back where that fails. Sourced after settings.sh by
# upgrade.sh (what `make up` started) and bootstrap.sh (an installed place), which have functions of these names:
#   service_python ARGUMENT…   the new version's Python, with the service's settings, as its user
#   stop_service               stop whoever uses the database
#   is_over                    whether part of the service is the new version by now
#   old_goes_on                what is to be done where the version before is what there is again; says so
# shellcheck shell=bash

readonly KEPT=3 # copies of the database, one from before each upgrade
work=$(mktemp -d)
pending=$work/pending stopped=$work/stopped
trap 'rm -rf "$work"' EXIT

manage() { service_python -m pillar_service.web "$@"; }
# What fails in a step ends that alone. (Inside, `set -e` counts for nothing, as `step` asks how it went.)
apart() ("$@")

# Copy the database into the folder COPIES, of the service's user.
copy_database() {
  find "$1" -name 'before-*.part' -delete || exit # what was killed left half of it
  manage copy "$1/before-$(date +%Y%m%dT%H%M%S)" || exit
  find "$1" -name 'before-*' -print0 | sort -rz | tail -zn +$((KEPT + 1)) | xargs -r0 rm --
}

# Who runs beside a step of the database that takes away what it uses would fail: then it is stopped for that long.
migrate() {
  if grep -q stopped "$pending"; then
    touch "$stopped"
    stop_service
  fi
  manage migrate
}

# Bring the database to the new version, after a copy; from here on, what fails goes back.
change_database() {
  trap go_back EXIT
  step copy apart copy_database "$1"
  manage migrate --pending >"$work/told"
  mv "$work/told" "$pending"
  step migrate apart migrate
}

# What was not taken over runs on as it was: its database is made again what it was, with all that was written meanwhile.
go_back() {
  local code=$?
  trap - EXIT
  ((code)) || exit 0
  if is_over; then
    say "  Part of it is the new version by now, which the database fits, and the rest the old one, which can use it:"
    say "  mend what failed, then run this again."
  else
    # What was stopped for a step of the database may run again by now, as the new version.
    if [[ -e $stopped ]]; then stop_service; fi
    if [[ ! -s $pending ]] || step back manage migrate --to "$(sed -n 's/^At \(.*\)\.$/\1/p' "$pending")"; then old_goes_on; fi
  fi
  rm -rf "$work"
  exit "$code"
}

has_changed() {
  rm -rf "$work"
  trap - EXIT
}
