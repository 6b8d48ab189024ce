# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What every bats file loads: the commands under test first in PATH, a plain
# environment, and the few words the tests have in common.
#
#   $ECA_BIN        the programs under test (default: bin of this tree)
#   $ECA_ROOT       this tree; nothing is written there
#   $ECA_TEST_DATA  shared test vectors, where somebody keeps them
#   $CA             certificates of the suite, see setup_suite.bash
#   make_ca, make_cert, make_key                            see certs.bash

bats_require_minimum_version 1.5.0

ECA_ROOT=$(cd -P "$BATS_TEST_DIRNAME/.." && pwd)
ECA_BIN=$(cd -P "${ECA_BIN:-$ECA_ROOT/bin}" && pwd) || return
: "${ECA_TEST_DATA:=$ECA_ROOT/../shared/data}"
ECA_HOOKS_DIR=$ECA_ROOT/etc/hooks	# the sanitizers' build is elsewhere
export ECA_ROOT ECA_BIN ECA_TEST_DATA ECA_HOOKS_DIR
PATH=$ECA_BIN:$ECA_ROOT/sh:$ECA_ROOT/build/deps/bin:$PATH:/usr/sbin:/sbin
export PATH LC_ALL=C TZ=UTC
umask 022
unset CDPATH SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE OPENSSL_CONF
unset http_proxy https_proxy all_proxy no_proxy
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY

. "$ECA_ROOT/test/certs.bash"
. "$ECA_ROOT/test/contract.bash"

# require PROGRAM...: without them the test is skipped, in CI it fails.
require() {
	local program
	for program; do
		command -v "$program" >/dev/null && continue
		[ "${CI-}" = true ] || skip "$program is not installed"
		echo "$program is not installed" >&2
		return 1
	done
}

# After run --separate-stderr: one whole line of stderr is exactly this.
# shellcheck disable=SC2154	# stderr is set by run
assert_stderr_line() {
	grep -qxF -e "$1" <<<"$stderr" && return
	printf 'no such line: %s\nstderr:\n%s\n' "$1" "$stderr" >&2
	return 1
}

# start_bg COMMAND...: in the background, output to $BATS_TEST_TMPDIR/bg.N.log,
# the process id in $bg.  Call stop_bg in teardown: it ends all of them.  (The
# shell would have it ignore INT, and a script cannot undo that.)
start_bg() {
	env --default-signal=INT,QUIT "$@" \
	    >"$BATS_TEST_TMPDIR/bg.${#bg_pids[@]}.log" 2>&1 3>&- 4>&- &
	bg=$!
	bg_pids+=("$bg")
}

# stop_bg [PID...]: TERM, after five seconds KILL; waits for the end.
stop_bg() {
	local pid i
	[ $# -gt 0 ] || set -- "${bg_pids[@]}"
	for pid; do
		kill "$pid" 2>/dev/null || true
		for ((i = 0; i < 100; i++)); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.05
		done
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}
bg_pids=()

# free_port: a TCP port on 127.0.0.1 on which nobody listens, below the range
# the kernel hands out by itself.
free_port() {
	local port
	while port=$((15000 + RANDOM % 17000)); do
		listening "$port" || break
	done
	echo "$port"
}

# listening PORT: somebody does, on any address.  Asks the kernel: a connect
# would be a client the server has to deal with.
listening() {
	grep -qs "$(printf ':%04X [0-9A-F:]* 0A ' "$1")" \
	    /proc/net/tcp /proc/net/tcp6
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	until "${@:2}"; do
		if [ "$SECONDS" -gt "$end" ]; then
			echo "waited $1 seconds for: ${*:2}" >&2
			return 1
		fi
		sleep 0.02
	done
}

# at TIME COMMAND...: what it does when that is our time.
at() {
	# the sanitizer wants to be the first library
	ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0 \
	    faketime -f "@$(date -u -d "$1" '+%Y-%m-%d %H:%M:%S')" "${@:2}"
}

# wait_port PORT, wait_file FILE (not empty), wait_line FILE TEXT: ten seconds.
wait_port() { wait_for 10 listening "$1"; }
wait_file() { wait_for 10 test -s "$1"; }
wait_line() { wait_for 10 grep -qsF -e "$2" "$1"; }
