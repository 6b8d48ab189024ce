#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What needs no CA, and what acme-agent and est-agent have in common: the
# configuration, the lock, signals, hooks.  With a CA: e2e-agent-acme.bats.

load helper
load servers
load agent

setup_file() {
	own_pki
}

setup() {
	no_ca
	cat >hook <<-'END'
	#!/bin/sh
	echo "$@" >>hook.out
	END
	chmod +x hook
}

teardown() {
	agent_teardown
}

# events: those in the log, in their order.
events() {
	jq -r .event log.json
}

# gone PID: it has ended.
gone() {
	[ ! -e "/proc/$1" ] || [ "$(ps -o stat= -p "$1")" = Z ]
}

@test "acme-agent keeps the contract of all commands" {
	run -0 contract acme-agent
}

@test "acme-agent -t says nothing of a good configuration and makes nothing" {
	conf web acme
	conf device est
	run -0 --separate-stderr acme-agent -t -c certs.d
	[ -z "$output$stderr" ]
	[ ! -e agent ]
	[ ! -e store ]
}

@test "acme-agent -t, -1 and the loop have all complaints at once" {
	conf web acme RENEWAL_THRESHOLD_PERCENT=0 COLOUR=red
	conf mail acme CA_URL=
	for opt in -t -1 -v; do
		run -2 --separate-stderr acme-agent "$opt" -c certs.d
		[ -z "$output" ]
		[ "$(grep -c 'certs.d/web.conf:[0-9]*: ' <<<"$stderr")" -eq 2 ]
		[ "$(grep -c 'certs.d/mail.conf' <<<"$stderr")" -eq 1 ]
		[ ! -e store ]
	done
}

@test "acme-agent says what is wrong when there is no configuration" {
	for opt in -t -1 -v; do
		run -2 --separate-stderr acme-agent "$opt" -c nothing
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
		[[ $stderr == 'agent-conf: nothing: no such directory; '* ]] ||
		    [[ $stderr == 'cert-plan: nothing: no such directory; '* ]]
	done
}

@test "acme-agent -1 leaves alone what is well, and what is not its own" {
	conf web acme ARI=false
	conf device est
	given web
	cert-commit store/web
	find certs.d store -ls >before
	pass acme
	pass acme
	[ ! -s log.json ]
	[ ! -e agent ]
	find certs.d store -ls | cmp - before
}

@test "acme-agent -1 notes that the CA cannot be reached, and waits" {
	conf web acme
	run -75 pass acme
	said '.event == "ca.not_ready" and .level == "warn" and
	    .name == "web" and .service == "acme-agent"'
	state web '.result == "failed" and .failures == 1 and
	    .last_success == null and (.reason | length) > 0'
	tidy
	[ "$(jq -s length log.json)" -eq 1 ]
	run -0 pass acme
	[ "$(jq -s length log.json)" -eq 2 ]
	said '.event == "cert.waiting" and .name == "web" and
	    .reason == "missing"'
	# until it is time, or it is forced
	waited web
	run -75 pass acme
	state web '.failures == 2'
	run -75 pass acme -y web
	state web '.failures == 3'
}

@test "acme-agent -1 asks a CA that is down once for many certificates" {
	local i
	for i in 1 2 3 4 5; do
		conf "web$i" acme
	done
	run -75 pass acme
	[ "$(jq -s 'map(select(.event == "ca.not_ready")) | length' \
	    log.json)" -eq 2 ]
	said '.event == "ca.not_ready" and .name == "web1"'
	said '.event == "ca.not_ready" and .certificates == 4 and
	    (.reason | test("not reached just now"))'
	for i in 1 2 3 4 5; do
		state "web$i" '.result == "failed" and .failures == 1 and
		    (.last_attempt | fromdate) > now - 60'
	done
	tidy
	# All have to wait, and what was noted before is counted.
	run -0 pass acme
	waited web1
	cp agent/state/web1/state.json agent/state/web2
	echo '[broken' >agent/state/web3/state.json
	waited web1
	run -75 pass acme
	state web1 '.failures == 2'
	state web2 '.failures == 2'
	state web3 '.failures == 1'
	state web4 '.failures == 1'
}

@test "acme-agent: a proxy that is down keeps nobody else from the same CA" {
	local port=''
	double 'return 204;'
	conf a acme "CA_URL=https://127.0.0.1:$port/dir" \
	    "CA_ROOT=$CA/root.pem" PROXY=true
	cp certs.d/a.conf certs.d/b.conf
	sed '/^PROXY=/d' certs.d/a.conf >certs.d/c.conf
	https_proxy=http://127.0.0.1:9 run -2 pass acme
	said '.event == "ca.not_ready" and .name == "a"'
	said '.event == "ca.not_ready" and .certificates == 1'
	# it got as far as that server, which is none
	said '.event == "cert.refused" and .name == "c"'
}

@test "acme-agent -y knows only what is there" {
	conf web acme
	run -2 pass acme -y mail
	grep -q '^cert-plan: .*mail' log.json
}

@test "acme-agent -1 proves a generation that nobody has proven" {
	conf web acme ARI=false RELOAD_HOOK="$PWD/hook one two" \
	    PROBE_COMMAND="$PWD/hook probe"
	given web
	pass acme
	[ "$(<hook.out)" = "one two web $PWD/store/$(readlink store/web/current |
	    sed 's|^|web/|') $(serial web)
probe web $PWD/store/web/$(readlink store/web/current) $(serial web)" ]
	[ "$(events)" = $'service.reloaded\ncert.proven' ]
	said ".serial == \"$(serial web)\" and .event == \"cert.proven\""
	tidy web
	state web '.result == "ok" and .failures == 0'
	pass acme
	[ "$(wc -l <hook.out)" -eq 2 ]
}

@test "acme-agent -1 goes back to what is proven when the hook fails" {
	conf web acme ARI=false RELOAD_HOOK="$PWD/hook"
	given web from='2 hours ago'
	pass acme
	first=$(serial web)
	given web
	second=$(serial web)
	echo 'echo port taken >&2; exit 3' >>hook
	run -75 pass acme
	[ "$(serial web)" = "$first" ]
	said '.event == "reload.failed" and .exit == 3 and
	    .reason == "port taken" and .level == "error"'
	said ".event == \"cert.rolled_back\" and .serial == \"$first\""
	state web '.failures == 1 and .reason == "port taken"'
	# the hook heals: the same generation again, nothing is ordered
	sed -i '$d' hook
	waited web
	pass acme
	[ "$(serial web)" = "$second" ]
	said '.event == "cert.retried"'
	tidy web
	run -1 said '.event == "cert.ordered" or .event == "ca.not_ready"'
}

@test "acme-agent keeps a new one when the one before is worth nothing" {
	conf web acme ARI=false RELOAD_HOOK="$PWD/hook"
	# expired
	given web from='1 hour ago' to='2 seconds'
	cert-commit store/web
	sleep 2
	given web
	second=$(serial web)
	echo 'exit 1' >>hook
	run -75 pass acme
	said '.event == "reload.failed" and
	    .reason == "the hook ended with 1 and said nothing"'
	said '.event == "cert.kept" and (.reason | length) > 0'
	[ "$(serial web)" = "$second" ]
	whole web
	# revoked
	sed -i '$d' hook
	waited web
	pass acme
	tidy web
	serial web >agent/state/web/revoked
	given web from='1 minute ago'
	third=$(serial web)
	[ "$third" != "$second" ]
	echo 'exit 1' >>hook
	: >log.json
	run -75 pass acme
	said '.event == "cert.kept" and .reason == "the one before is revoked"'
	[ "$(serial web)" = "$third" ]
	whole web
	# the next success cleans up
	sed -i '$d' hook
	waited web
	pass acme
	[ "$(serial web)" = "$third" ]
	tidy web
	[ ! -e agent/state/web/revoked ]
}

@test "acme-agent orders when what was rolled back is no good" {
	conf web acme ARI=false RELOAD_HOOK="$PWD/hook"
	given web from='2 hours ago'
	pass acme
	given web
	echo 'exit 3' >>hook
	run -75 pass acme
	sed -i '$d' hook
	# a key, but not of that certificate
	mkkey >"store/web/$(<store/web/previous)/key.pem"
	waited web
	run -75 pass acme
	said '.event == "cert.not_retried" and .level == "warn" and
	    (.reason | contains("key"))'
	# there is no CA, and the current one is kept
	said '.event == "ca.not_ready"'
	whole web
}

@test "acme-agent: one that cannot be read keeps nobody from ordering" {
	local port=''
	double 'return 204;'
	conf web acme "CA_URL=https://127.0.0.1:$port/dir" \
	    "CA_ROOT=$CA/root.pem"
	given web
	echo noise >store/web/current/cert.pem
	run -2 pass acme
	said '.event == "cert.ordered" and .reason == "broken"'
	# it got as far as that server, which is none
	said '.event == "cert.refused" and (.reason | contains("/dir"))'
}

@test "acme-agent: a state that cannot be made is in the log, and in nobody's way" {
	conf a acme
	echo "LOG_TO=$PWD/log" >>certs.d/defaults
	conf web acme ARI=false
	given web
	mkdir -p agent/state
	echo >agent/state/a
	run -2 pass acme
	cat log >>log.json
	said '.event == "state.unwritten" and .name == "a" and
	    .level == "error" and (.reason | contains("agent/state/a"))'
	said '.event == "cert.proven" and .name == "web"'
}

@test "acme-agent: a revocation that cannot be noted is in the log" {
	conf web acme ARI=false CRL_ENABLED=true "CRL_CACHE_PATH=$PWD/crl.pem" \
	    CRL_URL=http://127.0.0.1:9/crl
	given web
	cert-commit store/web
	make_crl "$PKI" int crl.pem revoke="$PKI/web.pem"
	touch crl.pem.stamp
	mkdir -p agent/state/web/revoked
	run -2 pass acme
	said '.event == "cert.revoked" and .name == "web"'
	said '.event == "state.unwritten" and .name == "web" and
	    (.reason | contains("revoked"))'
}

@test "acme-agent does not reload again and again when proven cannot be noted" {
	conf web acme ARI=false RELOAD_HOOK="$PWD/hook"
	given web
	mkdir store/web/proven
	run -2 pass acme
	said '.event == "cert.uncommitted" and
	    (.reason | contains("not a symbolic link"))'
	state web '.result == "failed" and .failures == 1'
	pass acme
	[ "$(wc -l <hook.out)" -eq 1 ]
}

@test "acme-agent ends a hook that hangs with all it started" {
	conf web acme ARI=false RELOAD_HOOK="$PWD/hook" \
	    RELOAD_TIMEOUT_SECONDS=1
	given web
	cat >>hook <<-'END'
	trap '' TERM
	sleep 300 &
	echo $! >child
	echo $$ >self
	wait
	END
	SECONDS=0
	# the grace for what ignores TERM is five seconds
	run -75 pass acme
	[ "$SECONDS" -lt 20 ]
	gone "$(<child)"
	gone "$(<self)"
	said '.event == "reload.failed" and
	    .reason == "the hook took longer than 1 s"'
	# there is nothing to go back to
	said '.event == "cert.kept"'
	whole web
}

@test "acme-agent outlives a hook that kills what called it" {
	conf web acme ARI=false RELOAD_HOOK="$PWD/hook"
	given web
	echo 'kill -KILL $PPID 0' >>hook
	run -75 pass acme
	said '.event == "reload.failed"'
	whole web
	tidy
}

@test "acme-agent: an order whose command is killed is gone on with" {
	local port=''
	double 'return 204;'
	conf web acme "CA_URL=https://127.0.0.1:$port/dir" \
	    "CA_ROOT=$CA/root.pem"
	mkdir killed
	printf '#!/bin/sh\nkill -KILL $$\n' >killed/acme-order
	chmod +x killed/acme-order
	PATH=$PWD/killed:$PATH run -75 pass acme
	said '.event == "cert.delayed" and .level == "warn"'
	cp agent/state/web/pending/key.pem first
	PATH=$PWD/killed:$PATH run -75 pass acme -y web
	cmp agent/state/web/pending/key.pem first
}

@test "acme-agent: the second in a state directory says 75, elsewhere it works" {
	conf web acme ARI=false
	given web
	agent acme
	tells '.event == "cert.proven"'
	run -75 --separate-stderr acme-agent -c certs.d
	[ "$stderr" = \
	    "acme-agent: $PWD/agent: another acme-agent is at work" ]
	# -1 with nothing to do writes nothing, and needs no lock
	run -0 pass acme
	mkdir other
	(
		cd other || exit
		conf mail acme ARI=false
		given mail
		: >log.json
		pass acme
		said '.event == "cert.proven" and .name == "mail"'
		tidy mail
	)
	kill -0 "$bg"
	stop_bg "$bg"
	tidy web
}

@test "acme-agent: the lock and the rubbish of one that was killed are no hindrance" {
	conf web acme ARI=false RELOAD_HOOK="$PWD/hook"
	given web
	agent acme -v
	tells '.event == "agent.waiting"'
	wait_for 10 sh -c "pgrep -P $bg >pids"
	kill -KILL "$bg"
	[ -d agent/tmp.acme ]
	: >log.json
	agent acme
	tells '.event == "agent.started"'
	kill "$bg"
	wait_for 10 gone "$bg"
	[ ! -e agent/tmp.acme ]
	while read -r pid; do
		kill -KILL "$pid" 2>kill.err || true
	done <pids
	# nothing is due
	mkdir agent/tmp.acme agent/state/web/pending
	echo secret >agent/state/web/pending/key.pem
	: >log.json
	pass acme
	said '.event == "cert.tidied" and .name == "web"'
	tidy web
	mkdir agent/tmp.acme
	pass acme
	tidy web
}

@test "acme-agent: TERM and INT end it, after what it is at" {
	conf web acme ARI=false RELOAD_HOOK="$PWD/hook"
	printf 'echo $$ >hook.pid\nsleep 1\necho done >>hook.out\n' >>hook
	for sig in TERM INT; do
		given web
		rm -f hook.pid
		: >log.json
		agent acme
		wait_file hook.pid
		kill -s "$sig" "$bg"
		wait_for 10 gone "$bg"
		rc=0
		wait "$bg" || rc=$?
		[ "$rc" -eq 0 ]
		[ "$(tail -n 1 hook.out)" = "done" ]
		said '.event == "agent.stopped"'
		tidy web
	done
}

@test "acme-agent: HUP takes a good configuration, and refuses a bad one" {
	conf web acme ARI=false
	given web
	agent acme
	tells '.event == "cert.proven" and .name == "web"'
	given mail
	conf mail acme ARI=false
	# what is written is not read before it is told
	sleep 1
	run -1 said '.name == "mail"'
	kill -HUP "$bg"
	tells '.event == "cert.proven" and .name == "mail"'
	echo CHECK_INTERVAL_SECONDS=never >>certs.d/web.conf
	echo SHOE=brown >>certs.d/web.conf
	kill -HUP "$bg"
	tells '.event == "config.refused" and .complaints == 2'
	# for people
	[ "$(grep -c '^agent-conf: certs.d/web.conf:' log.json)" -eq 2 ]
	kill -0 "$bg"
	# the old one goes on: a generation from elsewhere is seen
	given web
	kill -HUP "$bg"
	wait_for 10 test store/web/proven -ef store/web/current
	stop_bg "$bg"
	tidy web mail
}

@test "acme-agent: HUP makes a new STORE_DIR, and refuses another STATE_DIR" {
	conf web acme ARI=false
	mkdir -p "$PWD/agent2"
	given web
	agent acme
	tells '.event == "cert.proven" and .name == "web"'
	mkdir later
	mv store later/
	sed -i "s|^STORE_DIR=.*|STORE_DIR=$PWD/later/store|" certs.d/defaults
	given mail
	conf mail acme ARI=false
	mv store/mail later/store/
	kill -HUP "$bg"
	tells '.event == "cert.proven" and .name == "mail"'
	# one that is not there: servers of other users get through to it
	sed -i "s|^STORE_DIR=.*|STORE_DIR=$PWD/new/store|" certs.d/defaults
	kill -HUP "$bg"
	tells '.event == "ca.not_ready"'
	[ "$(stat -c %a new/store)" = 711 ]
	: >log.json
	sed -i "s|^STATE_DIR=.*|STATE_DIR=$PWD/agent2|" certs.d/defaults
	echo LOG_TO=syslog >>certs.d/defaults
	kill -HUP "$bg"
	tells '.event == "config.refused" and .complaints == 1 and
	    (.reason | test("^STATE_DIR: it is .*/agent as long"))'
	[ -z "$(ls agent2)" ]
	kill "$bg"
	wait_for 10 gone "$bg"
	# what was refused is not in use
	said '.event == "agent.stopped"'
	[ ! -e agent/tmp.acme ]
}

@test "acme-agent: what is named and goes away holds up its own certificate only" {
	conf web acme ARI=false CHECK_INTERVAL_SECONDS=1 \
	    RELOAD_HOOK="$PWD/hook"
	conf web2 acme ARI=false CHECK_INTERVAL_SECONDS=1
	given web
	given web2
	agent acme
	tells '.event == "cert.proven" and .name == "web"'
	tells '.event == "cert.proven" and .name == "web2"'
	mv hook hook.gone
	given web
	given web2
	kill -HUP "$bg"
	tells '.event == "config.refused" and .complaints == 1 and
	    (.reason | contains("/hook: No such file"))'
	tells '.event == "config.unusable" and .name == "web" and
	    (.reason | test("^certs.d/web.conf:.*/hook: No such file"))'
	wait_for 10 test store/web2/proven -ef store/web2/current
	[ ! store/web/proven -ef store/web/current ]
	state web '.failures == 1'
	mv hook.gone hook
	waited web
	kill -HUP "$bg"
	wait_for 10 test store/web/proven -ef store/web/current
}

@test "acme-agent -1 says all that is missing and goes on with the others" {
	conf web acme ARI=false RELOAD_HOOK="$PWD/none"
	conf web2 acme ARI=false
	given web
	given web2
	run -2 --separate-stderr acme-agent -1 -c certs.d
	assert_stderr_line "agent-conf: certs.d/web.conf:6: RELOAD_HOOK: $PWD/none: No such file or directory; user $(id -u) has to be able to execute it"
	[[ $stderr == *'"event":"config.unusable","name":"web"'* ]]
	[[ $stderr == *'"event":"cert.proven","name":"web2"'* ]]
	# until it is tried again there is nothing to be said
	run -0 --separate-stderr acme-agent -1 -c certs.d
	[[ $stderr == *'"event":"cert.waiting","name":"web"'* ]]
	run -2 --separate-stderr acme-agent -t -c certs.d
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "acme-agent: a question that cannot be asked is no attempt" {
	local serial junk
	conf web acme RELOAD_HOOK="$PWD/none"
	given web
	cert-commit store/web
	run -2 pass acme
	said '.event == "config.unusable" and .name == "web"'
	[ ! -e agent/state/web/state.json ]
	jq -e '.ask_again_seconds == 3600' agent/state/web/ari.json
	run -0 pass acme
	# a moment that the CA gave is kept, if it can be read
	serial=$(serial web)
	for junk in '' x; do
		jq -n --arg serial "$serial" --arg junk "$junk" '{
		    serial: $serial, asked_at: "2026-01-01T00:00:00Z",
		    renew_at: "2126-01-01T00:00:00Z\($junk)"}' \
		    >agent/state/web/ari.json
		run -2 pass acme
		run -0 pass acme
		jq -e --arg junk "$junk" '(.renew_at != null) ==
		    ($junk == "")' agent/state/web/ari.json
	done
}

@test "acme-agent: a list of revoked certificates is for all that lack nothing" {
	conf a acme ARI=false RELOAD_HOOK="$PWD/none"
	conf b acme ARI=false
	for i in a b; do
		printf '%s\n' CRL_ENABLED=true CRL_FAIL=open \
		    CRL_URL=http://127.0.0.1:9/ca.crl >>certs.d/$i.conf
		given $i
		cert-commit store/$i
	done
	run -0 pass acme
	said '.event == "crl.unreachable" and (.url | endswith("/ca.crl"))'
	said '.event == "crl.unknown" and .level == "warn"'
	sed -i 's/^CRL_FAIL=open/CRL_FAIL=closed/' certs.d/b.conf
	run -75 pass acme
	said '.event == "crl.unknown" and .level == "error"'
}

@test "acme-agent ends when its STATE_DIR is gone" {
	conf web acme ARI=false
	given web
	agent acme
	tells '.event == "cert.proven"'
	wait_for 10 pgrep -P "$bg" sleep
	rm -r agent
	kill -HUP "$bg"
	wait_for 10 gone "$bg"
	rc=0
	wait "$bg" || rc=$?
	[ "$rc" -eq 2 ]
	[ "$(tail -n 1 log.json)" = \
	    "acme-agent: $PWD/agent/tmp.acme/conf.d: it is gone" ]
}

@test "acme-agent as process 1 has no zombies, and TERM ends it" {
	require unshare pgrep
	unshare -rmpf --mount-proc true 2>err || skip "unshare: $(<err)"
	conf web acme ARI=false CHECK_INTERVAL_SECONDS=1 \
	    RELOAD_HOOK="$PWD/hook"
	# an orphan: process 1 is its parent from then on
	echo 'setsid sleep 0.5 &' >>hook
	given web
	unshare -rmpf --mount-proc acme-agent -c certs.d >>log.json 2>&1 \
	    3>&- 4>&- &
	bg=$!
	bg_pids+=("$bg")
	tells '.event == "cert.proven"'
	one=$(pgrep -P "$bg")
	grep -q '^NSpid:.*[[:blank:]]1$' "/proc/$one/status"
	sleep 2
	no_zombie() {
		[ -z "$(pgrep -r Z -P "$one")" ]
	}
	wait_for 5 no_zombie
	kill "$one"
	wait_for 10 gone "$bg"
	said '.event == "agent.stopped"'
}

@test "acme-agent -v and LOG_LEVEL say how much, LOG_TO where" {
	conf web acme ARI=false
	given web
	LOG_LEVEL=error pass acme
	[ ! -s log.json ]
	given web
	LOG_TO=$PWD/other.json pass acme
	[ ! -s log.json ]
	jq -e 'select(.event == "cert.proven")' other.json
	agent acme
	tells '.event == "agent.started"'
	run -1 said '.event == "agent.waiting"'
	stop_bg "$bg"
	agent acme -v
	tells '.event == "agent.waiting" and .level == "debug"'
}

@test "acme-agent takes its configuration from the environment alone" {
	export CA_URL=$ACME CA_ROOT=$ROOT DOMAIN_NAME=web.example
	export STATE_DIR=$PWD/agent CHALLENGE_DIR=$PWD
	run -75 acme-agent -1 -c nothing
	jq -e '.failures == 1' agent/state/default/state.json
	export COLOUR=red ORDER_TIMEOUT_SECONDS=0
	run -2 --separate-stderr acme-agent -t -c nothing
	[[ $stderr == *ORDER_TIMEOUT_SECONDS* ]]
}
