# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154,SC2164 # tmp, dir, top, set -e: of demo
# The stage of a demo: commands that are shown as they are run, servers that
# are stopped at the end. In $dir, which the scenario makes with new_dir.

pids=

# say TEXT: what happens, to the reader. show COMMAND: as it can be pasted.
say() {
	printf '\n\033[1m%s\033[0m\n' "$1"
}
plain_say() {
	printf '\n# %s\n' "$1"
}
[ -t 1 ] || say() { plain_say "$1"; }

# run COMMAND-LINE: show it and run it, in this directory.
run() {
	printf '$ %s\n' "$1"
	eval "$1" || broken "$1"
}

# start LOG COMMAND-LINE: the same in the background.
start() {
	printf '$ %s >%s 2>&1 &\n' "$2" "$1"
	eval "exec $2" >"$1" 2>&1 </dev/null &
	pids="$! $pids"
}

broken() {
	die "$1" "failed; the logs are in $dir"
}

# stop PID: end one that start began.
stop() {
	kill "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
	still=
	for pid in $pids; do
		[ "$pid" = "$1" ] || still="$still $pid"
	done
	pids=$still
}

stop_servers() {
	for pid in $pids; do
		stop "$pid"
	done
}

# port NUMBER WHAT: it must be free.
port_free() {
	if port_open "$1"; then
		fail "$EX_TEMP" "port $1" "in use; $2 needs it"
	fi
}

# A connection on loopback: refused (7) means that nobody listens.
port_open() {
	rc=0
	curl -s -o "$tmp/probe" -m 2 "http://127.0.0.1:$1/" || rc=$?
	[ "$rc" -ne 7 ]
}

# wait_for WHAT SECONDS COMMAND...: until it succeeds.
wait_for() {
	what=$1 left_ticks=$(($2 * 10))
	shift 2
	until "$@" >"$tmp/wait" 2>&1; do
		left_ticks=$((left_ticks - 1))
		[ "$left_ticks" -gt 0 ] || broken "$what"
		sleep 0.1
	done
}

healthy() {
	curl -sf --cacert ca/certs/root_ca.crt https://localhost:4210/health
}

# new_dir: an empty $dir, and into it.
new_dir() {
	rm -rf "$dir"
	mkdir -p "$dir"
	cd "$dir"
	say "Everything happens in $dir, on loopback."
	printf '$ cd %s; PATH=%s\n' "$dir" \
	    "$top/bin:$top/build/deps/bin:\$PATH:/usr/sbin"
}

# keep COMMAND: until Ctrl-C, as long as the servers are up; COMMAND prints what
# can be tried.
keep() {
	say 'The servers stay until Ctrl-C. To try, in another terminal:'
	printf 'cd %s; PATH=%s\n' "$dir" "$top/bin:\$PATH"
	"$1"
	while :; do
		for pid in $pids; do
			kill -0 "$pid" 2>/dev/null || broken "process $pid"
		done
		sleep 1
	done
}
