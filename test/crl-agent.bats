#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# crl-agent with a real nginx that has canned files; with step-ca and lighttpd:
# e2e-crl.bats.

load helper
load servers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir www canned
	agent=(crl-agent -B "$CA/int.pem" -w www)
}

teardown() {
	stop_bg
}

# offer [make_crl words]: what the server has from now on.
offer() {
	make_crl "$CA" int new.crl "$@"
	mv new.crl.der canned/new
	mv canned/new canned/ca.crl
	mv new.crl offered.pem
}

serve() {
	web "$PWD/canned"
	agent+=(-u "$WEB/ca.crl")
}

# published [FILE]: the CRL is what was offered, or FILE, and health is there.
published() {
	cmp -s www/crl/ca.pem "${1-offered.pem}" &&
	    openssl crl -in www/crl/ca.pem -outform DER |
	    cmp - www/crl/ca.crl && [ -s www/health ]
}

# once CODE: one pass, its log in the file log.
once() {
	run -"$1" --separate-stderr "${agent[@]}" -1
	[ -z "$output" ]
	echo "$stderr" >log
}

# events: those in the log, each with its reason, if any.
events() {
	jq -rs 'map("\(.event)\(if .reason then ": " + .reason else "" end)") |
	    .[]' "${1-log}"
}

in_log() {
	events "$log" 2>/dev/null | grep -q -e "$1"
}

start_agent() {
	start_bg "${agent[@]}" "$@"
	log=$BATS_TEST_TMPDIR/bg.$((${#bg_pids[@]} - 1)).log
}

@test "crl-agent keeps the contract of all commands" {
	run -0 contract crl-agent
}

@test "crl-agent -1 publishes DER, PEM and health, for everybody to read" {
	offer number=0A revoke="$CA/a.example.pem"
	serve
	run -0 --separate-stderr "${agent[@]}" -1
	[ -z "$output" ]
	published
	[ "$(stat -c '%a %n' www/crl www/crl/* www/health)" = '755 www/crl
644 www/crl/ca.crl
644 www/crl/ca.pem
644 www/health' ]
	[ "$(ls -A www)" = $'.lock\ncrl\nhealth' ]
	[ "$(jq -r '"\(.event) \(.level) \(.service) \(.number) \(.entries) " +
	    "\(.changed) \(.issuer)"' <<<"$stderr")" = \
	    'crl.fetched info crl-agent 10 1 true CN=Test Intermediate' ]
	[ "$(jq -r .url <<<"$stderr")" = "$WEB/ca.crl" ]
	[ "$(jq -c '[.status, .next_update]' www/health)" = \
	    "[\"ok\",$(jq .next_update <<<"$stderr")]" ]
}

@test "crl-agent -1 leaves a list alone that it has already" {
	offer
	serve
	once 0
	before=$(stat -c '%i %y' www/crl/*)
	once 0
	[ "$(stat -c '%i %y' www/crl/*)" = "$before" ]
	[ "$(jq -c '[.event, .changed]' log)" = '["crl.fetched",false]' ]
}

@test "crl-agent -1 says 75 and keeps what is good without the server" {
	offer
	serve
	once 0
	stop_bg
	once 75
	published
	[[ $(events) == 'crl.unreachable: Failed to connect'* ]]
	# what it needs for that is in the list
	rm www/health
	once 75
	published
}

@test "crl-agent -1 with nothing to publish has no health" {
	serve
	once 75
	[ "$(events)" = $'crl.unreachable: HTTP status 404\ncrl.stale' ]
	[ -z "$(ls www/crl)" ]
	[ ! -e www/health ]
}

@test "crl-agent -1 keeps what is good when the server has worse" {
	offer number=05
	cp offered.pem good.pem
	serve
	once 0
	offer number=04
	once 2
	[[ $(events) == 'crl.invalid: www/crl/ca.crl: number 5 of '*' is newer than number 4 of '* ]]
	published good.pem
	make_crl "$CA" root new.crl number=06
	mv new.crl.der canned/ca.crl
	once 2
	[[ $(events) == 'crl.invalid: CRL refused: no_signer'* ]]
	published good.pem
	echo '<html>' >canned/ca.crl
	once 2
	published good.pem
}

@test "crl-agent -1 takes health away from a stale list" {
	offer number=01 to='10 minutes'
	serve
	once 0
	published
	# as time went by
	make_crl "$CA" int old.crl from='2 hours ago' to='1 minute ago'
	cp old.crl www/crl/ca.pem
	cp old.crl.der www/crl/ca.crl
	cp old.crl.der canned/ca.crl
	once 75
	[ ! -e www/health ]
	[[ $(events) == 'crl.unreachable: CRL refused: stale ('*$'\ncrl.stale' ]]
	cmp old.crl www/crl/ca.pem
	# and healed
	offer number=02
	once 0
	published
}

@test "crl-agent -1 heals what is damaged, or was left half done" {
	offer
	serve
	once 0
	rm www/crl/ca.pem
	once 0
	published
	echo junk >www/crl/ca.pem
	echo junk >www/crl/ca.crl
	once 0
	published
	[[ $(events) == 'crl.replaced: www/crl/ca.crl: of no use'*$'\ncrl.fetched' ]]
}

@test "crl-agent -1 that cannot write says so" {
	offer
	serve
	mkdir -p www/crl/ca.pem
	once 2
	[[ $(events) == $'crl.fetched\ncrl.unpublished: www/crl/ca.pem: '* ]]
	rmdir www/crl/ca.pem
	rm www/health
	mkdir www/health
	once 2
	[[ $(events) == *'crl.unpublished: www/health: '* ]]
	run -2 --separate-stderr "${agent[@]}" -1 -w /proc
	[ "$stderr" = 'crl-agent: /proc/.lock: cannot be written' ]
}

# others: a list of the root, and both issuers; a hook that notes its words.
others() {
	cat "$CA/int.pem" "$CA/root.pem" >issuers.pem
	make_crl "$CA" root root.crl number=21 to='300 days'
	cat >hook <<-'END'
	#!/bin/sh
	printf '%s|' "$@" >>hook.log
	echo >>hook.log
	[ ! -e hang ] || exec sleep 7341
	END
	chmod +x hook
	agent=(crl-agent -B issuers.pem -w www -u "$WEB/ca.crl" -R root.crl
	    -O out.pem "$@")
}

@test "crl-agent -O writes a bundle of all lists and calls the hook" {
	offer number=05
	serve
	others -H "$PWD/hook * a  b"
	once 0
	cmp out.pem <(cat offered.pem root.crl)
	[ "$(stat -c %a out.pem)" = 644 ]
	[ "$(<hook.log)" = "*|a|b|crl|$PWD/out.pem|5|" ]
	[ "$(events)" = $'crl.fetched\ncrl.fetched\nreload.ok' ]
	[ "$(jq -r '.file // empty' log | tr '\n' ' ')" = \
	    "root.crl $PWD/out.pem " ]
	[ "$(ls -A www)" = $'.lock\ncrl\nhealth\nothers' ]
	published
	before=$(stat -c '%i %y' out.pem)
	once 0
	[ "$(stat -c '%i %y' out.pem)" = "$before" ]
	[ "$(wc -l <hook.log)" -eq 1 ]
	# damaged from outside
	echo junk >out.pem
	once 0
	cmp out.pem <(cat offered.pem root.crl)
	[ "$(wc -l <hook.log)" -eq 2 ]
}

@test "crl-agent -R takes nothing that is bad or older, and keeps the last" {
	offer
	serve
	others
	once 0
	cp out.pem before
	cp root.crl good.crl
	echo junk >root.crl
	once 2
	[[ $(events) == *'crl.invalid: '* ]]
	make_crl "$CA" root root.crl number=20
	once 2
	[[ $(events) == *'crl.invalid: www/others/1.crl: number 33 of '* ]]
	rm root.crl
	once 2
	[[ $(events) == *'crl.invalid: No such file or directory'* ]]
	cmp out.pem before
	# none at all: no bundle
	rm -r www/others out.pem
	once 2
	[[ $(events) == *$'\ncrl.stale' ]]
	[ ! -e out.pem ]
	published
	mv good.crl root.crl
	once 0
	cmp out.pem before
}

@test "crl-agent -g makes the bundle one group's" {
	[ "$(id -u)" -eq 0 ] || skip 'only root has all groups'
	offer
	serve
	others -g daemon
	once 0
	[ "$(stat -c '%a %G' out.pem www/crl/ca.pem | tr '\n' ' ')" = \
	    "640 daemon 644 $(id -gn) " ]
	others -g nosuchgroup
	rm out.pem
	once 2
	[[ $(events) == *'crl.unpublished: -g nosuchgroup: no such group' ]]
}

@test "crl-agent takes from the environment what no option says" {
	offer number=05
	serve
	others
	cp root.crl second.crl
	agent=(env -u PWD "CRL_URL=$WEB/ca.crl" CERT_ROOT=issuers.pem
	    CRL_DIR=www CRL_BUNDLE=out.pem 'CRL_OTHERS= root.crl  second.crl '
	    "RELOAD_HOOK=$PWD/hook x" CRL_GROUP=0 LOG_LEVEL=warn crl-agent)
	once 0
	[ -z "$(<log)" ]
	cmp out.pem <(cat offered.pem root.crl root.crl)
	[ "$(stat -c '%a %g' out.pem)" = '640 0' ]
	[ "$(<hook.log)" = "x|crl|$PWD/out.pem|5|" ]
	rm out.pem
	run -0 "${agent[@]}" -1 -O other.pem -R root.crl
	cmp other.pem <(cat offered.pem root.crl)
	local word
	for word in CHECK_INTERVAL_SECONDS=0 CRL_TIMEOUT_SECONDS=x \
	    RELOAD_TIMEOUT_SECONDS=3601 CRL_WARN_PERCENT=100; do
		run -2 --separate-stderr env "$word" "${agent[@]}" -1
		[[ $stderr == "crl-agent: ${word%=*} ${word#*=}: not a whole\
 number between "* ]]
	done
	run -2 --separate-stderr "${agent[@]}" -1 -H ./hook
	[ "$stderr" = 'crl-agent: ./hook: not an absolute path nor the name of a hook' ]
	run -2 --separate-stderr "${agent[@]}" -1 -H no-such-hook
	[[ $stderr == *'/hooks/no-such-hook: no program to run' ]]
	run -2 --separate-stderr crl-agent -B issuers.pem -u "$WEB" -w www -g 0
	[ "$stderr" = 'crl-agent: -O: missing; -R and -g want it' ]
}

@test "crl-agent warns in time of the end of each list" {
	offer from='3 hours ago' to='50 minutes'
	serve
	others
	once 0
	[[ $(events) == *'crl.expiring'* ]]
	[ "$(jq -r 'select(.event == "crl.expiring") | .url, .level' log)" = \
	    "$WEB/ca.crl"$'\nwarn' ]
	left=$(jq 'select(.event == "crl.expiring").seconds_left' log)
	[ "$left" -gt 2900 ]
	[ "$left" -le 3000 ]
	agent=(env CRL_WARN_PERCENT=20 "${agent[@]}")
	once 0
	[[ $(events) != *'crl.expiring'* ]]
	make_crl "$CA" root root.crl number=22 from='30 minutes ago' \
	    to='5 minutes'
	once 0
	[ "$(jq -r 'select(.event == "crl.expiring").file' log)" = root.crl ]
}

@test "crl-agent ends a hook that hangs, and calls it again" {
	offer
	serve
	others -H "$PWD/hook"
	agent=(env RELOAD_TIMEOUT_SECONDS=1 "${agent[@]}")
	: >hang
	once 75
	[[ $(events) == *'reload.failed: no end after 1 seconds' ]]
	run -1 pgrep -f 'sleep 7341'
	rm hang
	once 0
	[[ $(events) == *$'\nreload.ok' ]]
	[ "$(uniq hook.log | wc -l)" -eq 1 ]
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

@test "crl-agent refuses values out of range" {
	for value in 0 01 86401 999999 -1 x ''; do
		for opt in -i -m; do
			run -2 --separate-stderr "${agent[@]}" -u http://a/ \
			    "$opt" "$value"
			[ "$stderr" = "crl-agent: $opt $value:\
 not a whole number between 1 and 86400" ]
		done
	done
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
