#!/usr/bin/env bash
# Put the files that pages load in a browser into the package: from npm, by lock file. npm itself runs in Docker.   assets.sh
# Settings: BASE and NODE_EXTRA_CA_CERTS (see image-build.sh)
. "$(dirname "$0")/settings.sh"
. "$here/image-build.sh"
umask 022

readonly source_dir=$top/pillar_service/web/assets
readonly vendor=$top/pillar_service/web/static/vendor
readonly log=$SALTCELLAR_LOG_DIR/assets.log
readonly files=(Dockerfile package.json package-lock.json pico.scss)
readonly made=saltcellar-assets-$$

sum=$(fingerprint "$source_dir" "${files[@]}")
if [[ $(cat "$vendor/.made" 2>/dev/null) == "$sum" ]]; then
  say "htmx, uPlot and pico are in web/static/vendor"
  exit
fi

mkdir -p "$SALTCELLAR_LOG_DIR"
"$here/docker.sh" >/dev/null
need_engine
work=$(mktemp -d)
leave_nothing() {
  rm -rf "$work"
  docker rm -f "$made" >/dev/null 2>&1 || true
  docker image rm "$made" >/dev/null 2>&1 || true
}
trap leave_nothing EXIT
mkdir "$work/context"
prepare_context "$source_dir" "$work/context" "${files[@]}"
build_image "$made" "$work/context" "$log"
docker create --name "$made" "$made" true >/dev/null
docker cp "$made:/pub/out" "$work/out" >/dev/null
say "$sum" >"$work/out/.made"
chown -R "$(id -u):$(id -g)" "$work/out"
rm -rf "$vendor"
mv "$work/out" "$vendor"
say "htmx, uPlot and pico put into web/static/vendor"
