#!/bin/sh
# Brings a fresh machine to the point where `make build` works: Bun, the JavaScript packages, the C++ libraries.
# With the word `test`, also what tests check against: real brokers, a browser, numpy, healpy, astropy, doctest. Those
# skip what is missing.
# With `condor` or `slurm`, what `make test-condor` and `make test-slurm` need.
# Installs Debian packages itself when it can; otherwise prints the one command to run.
set -eu
cd "$(dirname "$0")/.."

bun_version=1.4.5
# The baseline build of Bun: the executable it makes must also start on worker nodes without AVX2.
bun_package=@oven/bun-linux-x64-baseline

# True when these Debian packages could be installed.
install() {
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo -n"
  echo "installing $*"
  { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null 2>&1
}

need=""
[ -f /usr/include/dlib/optimization.h ] || need="$need libdlib-dev"
[ -f /usr/include/erfa.h ] || need="$need liberfa-dev"
[ -f /usr/include/bzlib.h ] || need="$need libbz2-dev"
[ -f /usr/include/boost/math/special_functions/gamma.hpp ] || need="$need libboost-math-dev"
command -v g++ >/dev/null 2>&1 || need="$need g++"
if [ -n "$need" ] && ! install $need; then
  echo "setup: missing packages; run:  sudo apt-get install$need" >&2
  exit 1
fi

if [ "${1:-}" = test ]; then
  need=""
  [ -f /usr/include/doctest/doctest.h ] || need="$need doctest-dev"
  command -v openssl >/dev/null 2>&1 || need="$need openssl"
  command -v bzip2 >/dev/null 2>&1 || need="$need bzip2"
  { command -v mosquitto || [ -x /usr/sbin/mosquitto ]; } >/dev/null 2>&1 || need="$need mosquitto"
  for shell in zsh fish; do command -v $shell >/dev/null 2>&1 || need="$need $shell"; done
  command -v curl >/dev/null 2>&1 || need="$need curl"
  { command -v nginx || [ -x /usr/sbin/nginx ]; } >/dev/null 2>&1 || need="$need nginx"
  command -v systemd-analyze >/dev/null 2>&1 || need="$need systemd"
  command -v chromium >/dev/null 2>&1 || need="$need chromium"
  [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || need="$need rabbitmq-server"
  for module in numpy scipy astropy healpy astropy_healpix; do
    /usr/bin/python3 -c "import importlib.util as u, sys; sys.exit(u.find_spec('$module') is None)" 2>/dev/null ||
      need="$need python3-$(echo $module | tr _ -)"
  done
  if [ -n "$need" ] && ! install $need; then
    echo "setup: tests that need these skip; to run them too:  sudo apt-get install$need" >&2
  fi
fi

# For the tests on a pool and on a cluster, which skip without.
need=""
case ${1:-} in
condor) command -v mmdebstrap >/dev/null 2>&1 || need="mmdebstrap" ;;
slurm) { [ -x /usr/sbin/slurmctld ] && [ -x /usr/sbin/slurmd ]; } || need="slurmctld slurmd slurm-client munge" ;;
esac
if [ -n "$need" ] && ! install $need; then
  echo "setup: this test skips; to run it too:  sudo apt-get install $need" >&2
fi

if [ "$(.bun/bun --version 2>/dev/null || true)" != "$bun_version" ]; then
  echo "installing Bun $bun_version"
  rm -rf .bun && mkdir .bun
  npm install --silent --no-save --no-audit --no-fund --prefix .bun "$bun_package@$bun_version" >/dev/null 2>&1 ||
    { echo "setup: npm could not install $bun_package@$bun_version" >&2; exit 1; }
  ln -s "node_modules/$bun_package/bin/bun" .bun/bun
fi

if [ ! -d node_modules ] || [ bun.lock -nt node_modules ] || [ package.json -nt node_modules ]; then
  .bun/bun install --frozen-lockfile --silent
  touch node_modules
fi
