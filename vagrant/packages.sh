#!/usr/bin/env bash
# Install the Debian packages that are missing.   packages.sh up|controlplane|node|test|bench
. "$(dirname "$0")/settings.sh"

wanted=(ca-certificates curl debootstrap iproute2 iptables openssh-client procps python3-venv restic)
case ${1:-up} in
  controlplane) wanted=(ca-certificates curl openssh-client openssl postgresql-client python3-venv restic) ;;
  node) wanted=(ca-certificates curl python3-venv) ;;
  *) docker version >/dev/null 2>&1 || wanted+=(docker.io) ;;
esac
if [[ ${1:-up} == @(test|bench) ]]; then
  wanted+=(shellcheck chromium-headless-shell prometheus openssh-server nftables nginx-light openssl systemd vagrant logrotate)
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || wanted+=(postgresql)
fi
[[ ${1:-up} != bench ]] || wanted+=(wrk redis-server)

missing=()
for package in "${wanted[@]}"; do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  say "all ${#wanted[@]} Debian packages are there"
  exit
fi
((EUID == 0)) || fail "Missing: ${missing[*]}. Run as root, or install them: apt-get install ${missing[*]}"

# The tests start their own PostgreSQL: Debian's must not create a cluster that listens on 5432.
if [[ " ${missing[*]} " == *' postgresql '* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
  mkdir -p /etc/postgresql-common
  say 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
fi
# The tests start their own sshd: Debian's must not run.
if [[ " ${missing[*]} " == *' openssh-server '* ]]; then
  mkdir -p /etc/ssh
  touch /etc/ssh/sshd_not_to_be_run
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q || fail "apt-get update failed: look at the network and /etc/apt/sources.list"
apt-get install -y -q --no-install-recommends "${missing[@]}" || fail "apt-get could not install ${missing[*]}"
say "installed ${missing[*]}"
