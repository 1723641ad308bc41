#!/usr/bin/env bash
# Make this machine a control plane for a try, with certificates of its own authority.   try-plane.sh DOMAIN [DATABASE]
# Its clients must trust /etc/cellar/tls/authority.pem. For a real place, use bootstrap.sh DOMAIN MAIL.
. "$(dirname "$0")/settings.sh"

(($#)) || fail "usage: try-plane.sh DOMAIN [sqlite|postgresql]"
readonly domain=$1 database=${2:-sqlite} tls=/etc/cellar/tls
readonly key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

make_certificates() {
  openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=the authority of $domain" -keyout authority.key -out authority.pem \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
  openssl req "${key[@]}" -subj "/CN=$domain" -keyout privkey.pem -out plane.csr
  openssl x509 -req -in plane.csr -CA authority.pem -CAkey authority.key -days 365 -extfile <(say "subjectAltName=DNS:$domain") \
    -out plane.pem
  cat plane.pem authority.pem >fullchain.pem
}

"$here/packages.sh" controlplane
umask 077
mkdir -p $tls
[[ -s $tls/fullchain.pem ]] || (cd $tls && make_certificates 2>/dev/null)
told=$(mktemp)
trap 'rm -f "$told"' EXIT
printf 'controlplane:\n  domain: "%s"\n  certificates: files\n  database: "%s"\n' "$domain" "$database" >"$told"
"$here/bootstrap.sh" "$told"
