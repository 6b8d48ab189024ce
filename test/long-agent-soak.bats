#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Both agents for some hundred renewals each, in loop mode: nothing that they
# have leaks. ECA_SOAK says how many; default 300.

load helper
load servers
load agent

setup_file() {
	start_dns
	start_step_ca
	start_estserver
}

teardown_file() {
	end_servers
}

setup() {
	agent_setup
	soak=${ECA_SOAK:-300}
}

teardown() {
	agent_teardown
}

# proven N: so many renewals have come to their end.
proven() {
	[ "$(grep -c '"event":"cert.proven"' log.json)" -ge "$1" ]
}

# idle: the agent sleeps, so nothing is under way.
idle() {
	[ "$(pgrep -P "$bg" -x sleep | grep -c .)" -eq 1 ] &&
	    [ "$(pgrep -c -P "$bg")" -eq 1 ]
}

# look: at the agent while it sleeps: its descriptors, all files but their
# numbers and dates, the locks, and its size in KiB. Stopped, as the sleep is
# short.
look() {
	until wait_for 30 idle && kill -STOP "$bg" && idle; do
		kill -CONT "$bg"
	done
	{
		find "/proc/$bg/fd" -mindepth 1 -printf '%f %l\n' |
		    sed 's/pipe:.*/pipe/'
		find agent store | sed 's|gen/[0-9TZ]*-[0-9A-F]*|gen/N|'
		grep -c "FLOCK .* $(stat -c %i "agent/$1.lock") " /proc/locks
	} | sort >"look.$2"
	rss=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$bg/status")
	kill -CONT "$bg"
}

# soak PROTOCOL: a pass every second, and each of them renews.
soak() {
	local first
	conf web "$1" FORCE_RENEWAL=true CHECK_INTERVAL_SECONDS=1 \
	    CERT_PATH="$PWD/web.crt" KEY_PATH="$PWD/web.key" \
	    RELOAD_HOOK="$PWD/hook" "${@:2}"
	printf '#!/bin/sh\n: >reloaded\n' >hook
	chmod +x hook
	agent "$1"
	wait_for 60 proven 5
	look "$1" first
	first=$rss
	wait_for $((60 + soak * 10)) proven "$soak"
	look "$1" last
	diff look.first look.last
	echo "$1: $soak renewals, $first KiB then $rss KiB" >&3
	[ "$rss" -le $((first + 256)) ]
	whole web
	stop_bg
	[ -z "$(pgrep -f "^[^ ]*sh [^ ]*$1-agent.* $PWD")" ]
	run -1 said '.level == "warn" or .level == "error"'
	tidy web
	[ "$(jq -s 'map(select(.event == "cert.proven").serial) |
	    length - (unique | length)' log.json)" -eq 0 ]
}

@test "acme-agent: some hundred renewals leave nothing behind" {
	soak acme
}

@test "est-agent: some hundred renewals leave nothing behind" {
	ROOT=$EST_CA/root.pem
	(umask 077; echo token >token)
	soak est CA_ROOT="$ROOT" BOOTSTRAP_TOKEN_FILE="$PWD/token"
}
