#!/usr/bin/env bash
# Make this Debian machine a control plane, by Salt itself (states/controlplane). Run again, it changes nothing; run from a new
# release, it brings the machine to that without a dropped request, and goes back to the old one if anything fails.
#   bootstrap.sh DOMAIN MAIL   a place of that name, with certificates of Let's Encrypt, on SQLite
#   bootstrap.sh FILE          a place as FILE says; salt/pillar/controlplane.sls.example is one
#   bootstrap.sh               as /etc/cellar/pillar/controlplane.sls says already
#   bootstrap.sh restore REPOSITORY PASSWORD_FILE [OPTION…]   a lost place, from its backups; options are those of the service's
#                              own `restore`: --snapshot ID, --sftp-command COMMAND, --s3-file FILE
# Python packages come from the folder `wheels` beside vagrant/, which a release has, else from pip's index.
export CELLAR_DIR=/var/lib/cellar/bootstrap
. "$(dirname "$0")/settings.sh"
. "$here/changing.sh"

readonly tree=/opt/cellar/tree releases=/opt/cellar/releases etc=/etc/cellar
readonly copies=/var/lib/cellar/service/copies
readonly pillar=$etc/pillar/controlplane.sls
readonly parts=(README.md beacons pillar_service pyproject.toml requirements.txt runners salt setup.cfg states vagrant)
. "$here/restoring.sh"
if [[ -d $top/wheels ]]; then export PIP_NO_INDEX=1 PIP_FIND_LINKS=$top/wheels; fi

# --- what it is to be -------------------------------------------------------------------------------------------------

write_top() { printf "base: {'*': [controlplane]}\n" >"$1/top.sls"; }

write_pillar() {
  local file
  mkdir -p "$etc/pillar"
  write_top "$etc/pillar"
  case $# in
    0) [[ -s $pillar ]] || fail "Say what this machine is to be: bootstrap.sh DOMAIN MAIL, or bootstrap.sh FILE" ;;
    1)
      file=$(realpath -e "$1") || fail "$1 is not a file; with a domain, also give a mail address: bootstrap.sh DOMAIN MAIL"
      [[ $file == "$pillar" ]] || install -m 0640 "$file" "$pillar" || exit
      ;;
    2)
      file=$(printf 'controlplane:\n  domain: "%s"\n  contact: "%s"' "${1//[\"\\]/}" "${2//[\"\\]/}")
      [[ ! -s $pillar || $(cat "$pillar") == "$file" ]] ||
        fail "$pillar already says something else: change it, then run bootstrap.sh without arguments"
      say "$file" >"$pillar" || exit
      ;;
    *) fail "usage: bootstrap.sh [DOMAIN MAIL | FILE]" ;;
  esac
  chmod 0640 "$pillar"
  say "$pillar"
}

# --- the software -----------------------------------------------------------------------------------------------------

packed() {
  tar -C "$top" --exclude=__pycache__ --exclude='*.egg-info' --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
    --mode='u+rwX,go+rX,go-w' -c "${parts[@]}"
}

# The files that pages load in a browser come with a release; a checkout makes them in Docker.
make_assets() {
  if [[ -e $top/pillar_service/web/static/vendor/.made ]]; then
    say "there"
    return
  fi
  "$here/packages.sh" up || exit
  "$here/assets.sh"
}

# Each release has a folder of its own with its Python environment, so processes go on with the release that they began with.
copy_tree() {
  if [[ -s $release/.release ]]; then
    say "$(basename "$release") is there"
    return
  fi
  rm -rf "$release.part" || exit
  mkdir -p "$release.part" || exit
  chmod 755 /opt/cellar $releases "$release.part" || exit
  packed | tar -C "$release.part" -x --no-same-owner -p || exit
  basename "$release" >"$release.part/.release" || exit
  mv -T "$release.part" "$release" || exit
  say "$release"
}

install_python() {
  umask 022
  "$release/vagrant/python.sh" service,master,node || exit
  "$release/.venv/bin/python" -m compileall -q "$release/pillar_service"
}

make_bundle() {
  local bundle=$release/node-bundle.tar.gz
  if [[ -s $bundle ]]; then
    say "$bundle is there"
    return
  fi
  umask 022
  "$release/vagrant/node-bundle.sh" "$bundle"
}

# The pub's image, for nodes that lack it, comes with a release; a checkout makes it if there is a Docker engine.
make_image() {
  local image=$release/pub-image.tar.gz
  umask 022
  if [[ -s $top/pub-image.tar.gz ]]; then
    cmp -s "$top/pub-image.tar.gz" "$image" || install -m 0644 "$top/pub-image.tar.gz" "$image" || return
    say "$image"
  elif docker version >/dev/null 2>&1; then
    "$release/vagrant/pub-image.sh" && CELLAR_PUB_IMAGE='' "$release/vagrant/image-tar.sh" "$image"
  else
    say "none: this is not a release, and Docker does not answer here (docs/install.md)"
  fi
}

# Switch the link in one step; only what is started afterwards follows it.
put_in_place() {
  [[ -L $tree || ! -e $tree ]] || mv $tree $tree.old
  ln -sfn "$1" $tree.new
  mv -T $tree.new $tree
}

# Releases up to 0.1 had roles and personas in their own folder, where an operator may have changed them: keep those.
keep_catalogue() {
  [[ -n $before && ! -e $etc/meeseeks && -d $before/salt/meeseeks ]] || return 0
  install -d -m 0750 $etc/meeseeks
  cp "$before"/salt/meeseeks/{roles,personas}.yaml $etc/meeseeks/
}

# Remove all releases but this one and the one before, which is the way back; an install of the same release again does not
# know that one.
tidy() {
  local folder
  [[ $before != "$release" ]] || return 0
  for folder in "$releases"/*; do
    [[ $folder == "$release" || $folder == "$before" ]] || rm -rf "$folder"
  done
}

# --- from one release to another --------------------------------------------------------------------------------------

as_its_user() ( # from a folder that this user may enter
  cd /
  exec setpriv --reuid=saltcellar --regid=saltcellar --init-groups "$@"
)

service_python() (
  unset "${!CELLAR_@}"
  set -a
  # shellcheck disable=SC1091  # made on the machine
  . $etc/service.env
  set +a
  as_its_user "$release/.venv/bin/python" "$@"
)

stop_service() { systemctl stop 'saltcellar-chat*' 'saltcellar-backups*' saltcellar-public saltcellar-private; }

is_over() {
  local app
  for app in public private; do
    ! grep -qsx "# Of the release $(basename "$release")[.]" /run/saltcellar-$app/told || return 0
  done
  return 1
}

old_goes_on() {
  put_in_place "$before"
  step apply apply
  say "  The previous release, $(basename "$before"), goes on serving."
}

# --- Salt ------------------------------------------------------------------------------------------------------------

# Configure the minion: FOLDER for its configuration, PILLAR.
write_local_minion() {
  mkdir -p "$1" /var/lib/cellar/local
  chmod 700 "$1" /var/lib/cellar/local
  cat >"$1/minion" <<CONFIG
# Written by vagrant/bootstrap.sh: Salt on this machine, without a master, for states/controlplane.
id: controlplane
file_client: local
file_roots: {base: [$tree/states]}
pillar_roots: {base: [$2]}
autoload_dynamic_modules: False
pki_dir: /var/lib/cellar/local/pki
cachedir: /var/lib/cellar/local/cache
sock_dir: /var/lib/cellar/local/run
log_file: /var/lib/cellar/local/log
CONFIG
}

salt_applies() {
  write_local_minion "$1" "$2"
  $tree/.venv/bin/salt-call -c "$1" --local --out=json state.apply "$3" |
    $tree/.venv/bin/python $tree/vagrant/show_states.py
}

apply() { salt_applies "$etc/local" "$etc/pillar" controlplane; }

((EUID == 0)) || fail "bootstrap.sh installs packages and starts services: run it as root"
[[ -d /run/systemd/system ]] || fail "This machine was not booted with systemd, which the units need: 'make up' runs Saltcellar without it"
umask 022
mkdir -p "$CELLAR_DIR"/{log,run}
exec 9>"$CELLAR_DIR/run/lock"
flock -n 9 || fail "Another bootstrap.sh is at work: wait for it to end"

release=$(sum=$(packed | sha256sum | cut -c 1-16) && say "$releases/$sum")
if [[ -s $top/.release ]]; then release=$(realpath "$top"); fi
before=$(readlink $tree || true)
told=("${@:2}")
if [[ ${1:-} == restore ]]; then refuse_over_a_living_one; fi

say "Saltcellar's control plane"
[[ ${1:-} == restore ]] || step pillar apart write_pillar "$@"
step packages "$here/packages.sh" controlplane
step assets apart make_assets
step tree apart copy_tree
step python apart install_python
step bundle make_bundle
step image make_image
if [[ ${1:-} != restore && -n $before && $before != "$release" && -s $etc/service.env ]]; then
  change_database $copies
fi
keep_catalogue
put_in_place "$release"
if [[ ${1:-} == restore ]]; then restore_place; fi
step apply apply
has_changed
tidy
say
say "  $(sed -n 's/^CELLAR_PUBLIC_URL="\(.*\)"$/\1\//p' $etc/service.env)"
if [[ ${1:-} == restore ]]; then
  say "  cellar salt '*' pubs.unlisted                       bots that were poured after the snapshot (docs/backup.md)"
else
  say "  cellar salt-run accounts.create you@example.org     the first account"
fi
say "  cellar salt-run nodes.token                         the line that makes a machine a node"
say "  cellar apply                                        after a change of $pillar"
