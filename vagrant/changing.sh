# How a running service is brought to another version, and its database back if that fails. Sourced after settings.sh by
# upgrade.sh (for what `make up` started) and bootstrap.sh (for an installed place), which define these functions:
#   service_python ARGUMENT…   run the new version's Python, with the service's settings, as its user
#   as_its_user COMMAND…       run a command as the service's user
#   stop_service               stop all processes that use the database
#   is_over                    whether part of the service runs the new version already
#   old_goes_on                do what is needed once the old version is in place again, and say so
# shellcheck shell=bash

readonly KEPT=3 # how many copies of the database to keep; each upgrade makes one before it begins
work=$(mktemp -d)
pending=$work/pending stopped=$work/stopped
trap 'rm -rf "$work"' EXIT
# A signal alone would leave the exit code of what went well before it. After a hangup (a lost connection) nobody listens, and
# whatever spoke would fail: the rest is said in a log.
exec 7>&1
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exec 7>>"$CELLAR_DIR/log/hangup.log"; exit 129' HUP

manage() { service_python -m pillar_service.web "$@"; }
# A failure ends the step alone. (`set -e` has no effect inside, because `step` tests the exit code.)
apart() ("$@")

# Copy the database into the folder COPIES. All of it as the service's user, who could put a link in the folder's place: root
# would follow it.
copy_database() {
  as_its_user mkdir -p -m 0700 "$1" || exit
  as_its_user find "$1" -name 'before-*.part' -delete || exit # left by a run that was killed
  manage copy "$1/before-$(date +%Y%m%dT%H%M%S)" || exit
  as_its_user find "$1" -name 'before-*' -print0 | sort -rz | tail -zn +$((KEPT + 1)) | as_its_user xargs -r0 rm --
}

# A step that takes away something the old version uses would make that fail, so the service is stopped during the step.
migrate() {
  if grep -q stopped "$pending"; then
    touch "$stopped"
    stop_service
  fi
  manage migrate
}

# Copy the database, then bring it to the new version; from here on, a failure goes back.
change_database() {
  trap go_back EXIT
  step copy apart copy_database "$1"
  manage migrate --pending >"$work/told"
  mv "$work/told" "$pending"
  step migrate apart migrate
}

# If no process was taken over, the old version runs on: undo the steps of the database, and keep what was written meanwhile.
go_back() {
  local code=$?
  trap - EXIT
  ((code)) || exit 0
  trap '' INT TERM HUP
  exec >&7 2>&7 # a signal may have come amid a step, whose output goes to its log
  if is_over; then
    say "  Part of it runs the new version by now, and the rest the old one; the database works with both:"
    say "  fix what failed, then run this again."
  else
    # After a step for which the service was stopped, it may run again by now, as the new version.
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
