#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# crl-agent that stays: when it looks, what it is told by signals, what is left
# when it ends.

load helper
load servers
load crlagent

start_agent() {
	start_bg "${agent[@]}" "$@"
	log=$BATS_TEST_TMPDIR/bg.$((${#bg_pids[@]} - 1)).log
}

in_log() {
	events "$log" 2>/dev/null | grep -q -e "$1"
}

@test "crl-agent cleans up after one that was killed" {
	offer
	serve
	others -H "$PWD/hook"
	: >hang
	start_agent
	wait_file hook.log
	kill -KILL "$bg"
	pkill -KILL -f 'sleep 7341'
	[ -d www/.tmp ]
	echo old >www/.tmp/old
	echo old >.out.pem.new
	echo old >www/crl/.ca.pem.0123ef
	echo mine >.out.pem.backup
	rm hang
	once 0
	[[ $(events) == *'reload.ok' ]]
	[ "$(ls -A www www/crl)" = \
	    $'www:\n.lock\ncrl\nhealth\nothers\n\nwww/crl:\nca.crl\nca.pem' ]
	[ ! -e .out.pem.new ]
	[ -e .out.pem.backup ]
}

past() {
	[ "$(date +%s)" -ge "$1" ]
}

@test "crl-agent that was killed leaves no health behind for its next start" {
	offer to='5 seconds'
	serve
	start_agent
	wait_for 10 published
	kill -KILL "$bg"
	over=$(jq -r '.next_update | fromdate' www/health)
	wait_for 10 past "$over"
	[ -e www/health ]
	# gone before the server is asked
	real=$(command -v crl-fetch)
	cat >crl-fetch <<-END
	#!/bin/sh
	case \$1 in
	-u)
		ls www >seen
		exit 75 ;;
	esac
	exec "$real" "\$@"
	END
	chmod +x crl-fetch
	run -75 env "PATH=$PWD:$PATH" "$(command -v crl-agent)" \
	    "${agent[@]:1}" -1
	[ "$(<seen)" = crl ]
}

@test "crl-agent refuses a second one in the same place" {
	serve
	start_agent
	wait_for 10 in_log crl.stale
	run -75 --separate-stderr "${agent[@]}" -1
	[ "$stderr" = 'crl-agent: www: another crl-agent is at work' ]
	# and KILL leaves nobody behind who works there
	wait_for 10 pgrep -P "$bg" -x sleep
	sleeper=$(pgrep -P "$bg" -x sleep)
	kill -KILL "$bg"
	wait "$bg" || true
	offer
	once 0
	published
	kill "$sleeper"
}

@test "crl-agent looks again at once on HUP" {
	offer number=01
	serve
	start_agent
	wait_for 10 published
	offer number=02 from='10 minutes ago' revoke="$CA/a.example.pem"
	kill -HUP "$bg"
	wait_for 10 published
	# many at once do no harm
	offer number=03 from='5 minutes ago'
	for _ in {1..20}; do
		kill -HUP "$bg"
	done
	wait_for 10 published
	kill -0 "$bg"
}

@test "crl-agent looks again after the interval" {
	offer number=01
	serve
	start_agent -i 1
	wait_for 10 published
	offer number=02 from='10 minutes ago'
	wait_for 10 published
}

@test "crl-agent looks again before the list expires" {
	offer number=01 to='16 seconds'
	serve
	start_agent
	wait_for 10 published
	offer number=02 from='10 minutes ago'
	wait_for 12 published
}

@test "crl-agent takes health away when the list expires" {
	offer number=01 to='8 seconds'
	serve
	start_agent
	wait_for 10 published
	wait_for 15 in_log crl.stale
	wait_for 10 test ! -e www/health
	[ -s www/crl/ca.crl ]
	offer number=02 from='10 minutes ago'
	kill -HUP "$bg"
	wait_for 10 published
}

@test "crl-agent takes health away in time from a server that hangs" {
	local to
	to=$(($(date +%s) + 8))
	offer number=01 to="@$to"
	serve
	once 0
	[ -s www/health ]
	# a byte in a second
	mkdir slow
	cd slow
	port=$(free_port)
	double "root $BATS_TEST_TMPDIR/canned; limit_rate 1;"
	cd "$BATS_TEST_TMPDIR"
	start_bg crl-agent -B "$CA/int.pem" -A "$CA/root.pem" -w www -m 60 \
	    -u "https://127.0.0.1:$port/ca.crl"
	wait_for 12 test ! -e www/health
	[ "$(date +%s)" -ge "$to" ]
}

@test "crl-agent that cannot go on says 2" {
	offer
	serve
	cat >"$PWD/od" <<-END
	#!/bin/sh
	[ ! -e once ] || exit 1
	echo 7
	echo >once
	END
	chmod +x od
	agent=(env "PATH=$PWD:$PATH" "$(command -v crl-agent)" "${agent[@]:1}")
	start_agent
	wait_file once
	kill -HUP "$bg"
	rc=0
	wait "$bg" || rc=$?
	[ "$rc" -eq 2 ]
}

@test "crl-agent ends with 0 on TERM and INT, and nothing is left" {
	offer
	serve
	local sig rc
	for sig in TERM INT; do
		start_agent
		wait_for 10 published
		wait_for 10 pgrep -P "$bg" -x sleep
		sleeper=$(pgrep -P "$bg" -x sleep)
		kill -s "$sig" "$bg"
		rc=0
		wait "$bg" || rc=$?
		[ "$rc" -eq 0 ]
		run -1 kill -0 "$sleeper"
		[ "$(ls -A www)" = $'.lock\ncrl' ]
	done
}

@test "crl-agent finishes a download before it leaves on TERM" {
	offer
	mkfifo pipe
	serve
	# as slow as it needs to be
	real=$(command -v crl-fetch)
	cat >crl-fetch <<-END
	#!/bin/sh
	case \$1 in
	-u)
		echo >started
		read -r line <pipe ;;
	esac
	exec "$real" "\$@"
	END
	chmod +x crl-fetch
	agent=(env "PATH=$PWD:$PATH" "$(command -v crl-agent)" "${agent[@]:1}")
	start_agent
	wait_file started
	kill -TERM "$bg"
	echo >pipe
	rc=0
	wait "$bg" || rc=$?
	[ "$rc" -eq 0 ]
	cmp www/crl/ca.pem offered.pem
}

@test "crl-agent runs as process 1" {
	unshare -pf true 2>/dev/null || skip 'no process namespace here'
	offer
	serve
	start_bg unshare -pf --kill-child "${agent[@]}"
	wait_for 10 published
	pid=$(pgrep -P "$bg")
	kill -TERM "$pid"
	rc=0
	wait "$bg" || rc=$?
	[ "$rc" -eq 0 ]
	[ ! -e www/health ]
}

@test "crl-agent does the same under dash and busybox, with its commands" {
	require dash busybox
	offer number=01
	serve
	mkdir bb
	busybox --install -s bb
	for cmd in openssl jq flock crl-fetch file-replace log-json; do
		ln -sf "$(command -v "$cmd")" "bb/$cmd"
	done
	local n=1 rc shells=(dash "env PATH=$PWD/bb $PWD/bb/sh")
	for shell in "${shells[@]}"; do
		read -ra shell <<<"$shell"
		start_bg "${shell[@]}" "$(command -v crl-agent)" "${agent[@]:1}"
		wait_for 10 published
		n=$((n + 1))
		offer "number=0$n" from="$((30 - n)) minutes ago"
		kill -HUP "$bg"
		wait_for 10 published
		kill -TERM "$bg"
		rc=0
		wait "$bg" || rc=$?
		[ "$rc" -eq 0 ]
		[ ! -e www/health ]
	done
}
