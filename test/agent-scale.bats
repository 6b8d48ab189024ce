#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Many certificates under one agent: what a pass costs, and that it does not
# grow. The store is made by bench/certs.c.

load helper
load servers
load agent

setup_file() {
	export MANY=$BATS_FILE_TMPDIR
	cc -std=c11 -D_GNU_SOURCE -O1 -o "$MANY/certs" \
	    "$ECA_ROOT/test/bench/certs.c" -lcrypto
	make_crl "$CA" int "$MANY/int.crl"
	many 10
	many 1000
}

setup() {
	agent_setup
	require strace
	export ROOT=$CA/root.pem
}

teardown() {
	agent_teardown
}

# many COUNT: a store of so many, and certs.d for it, in $MANY/COUNT.
many() {
	local i host dir=$MANY/$1
	mkdir -p "$dir/certs.d"
	"$MANY/certs" -c "$CA/int.pem" -k "$CA/int.key" -s "$dir/store" "$1"
	for ((i = 1; i <= $1; i++)); do
		printf -v host 'host-%05u' "$i"
		echo "DOMAIN_NAME=$host.example www.$host.example" \
		    "api.$host.example" >"$dir/certs.d/$host.conf"
	done
}

# take COUNT [KEY=value ...]: these certificates, in the working directory; for
# all of them these keys. Nobody listens where the CA should be.
take() {
	rm -rf agent store certs.d
	mkdir certs.d
	cp -al "$MANY/$1/store" store
	cp -al "$MANY/$1/certs.d" .
	printf '%s\n' "STATE_DIR=$PWD/agent" "STORE_DIR=$PWD/store" \
	    "CA_ROOT=$ROOT" PROTOCOL=acme CA_URL=https://127.0.0.1:9/dir \
	    "${@:2}" >certs.d/defaults
}

# files: all of them, as they are.
files() {
	find . -printf '%p %i %m %s %T@ %C@\n' | sort
}

# processes: of one idle pass.
processes() {
	rm -rf trace
	mkdir trace
	timeout 60 strace -ff -qq -o trace/p -e trace=execve \
	    acme-agent -1 -c certs.d 3>&- >&2 || return
	find trace -type f | wc -l
}

# memory: of cert-plan, in KiB.
memory() {
	command time -f %M -o memory cert-plan -c certs.d -f lines acme \
	    >plan.out
	cat memory
}

# crl: the list without entries, served by nginx.
crl() {
	mkdir -p web
	cp "$MANY/int.crl.der" web/int.crl
	web "$PWD/web"
}

@test "1000 certificates: an idle pass writes nothing and starts two processes" {
	local count few rss before
	for count in 10 1000; do
		take "$count" ARI=false
		run -0 files
		before=$output
		run -0 pass acme
		diff <(files) - <<<"$before"
		[ "$(processes)" -eq 3 ]	# with the agent itself
	done
	[ ! -s log.json ]
	rss=$(memory)
	take 10 ARI=false
	few=$(memory)
	echo "cert-plan: $few KiB, $rss KiB"
	[ "$rss" -lt $((few + 4096)) ]
}

@test "1000 certificates with a revocation list: one crl-check for all" {
	local count n
	crl
	for count in 10 1000; do
		take "$count" ARI=false CRL_ENABLED=true CRL_FAIL=closed \
		    "CRL_URL=$WEB/int.crl" CRL_MAX_AGE_HOURS=168
		run -0 pass acme
		run -0 processes
		echo "$count: $output"
		# more than 128 KiB of paths are for two processes
		[ "$output" -le $((${n:=$output} + 1)) ]
		[ "$(cat trace/p.* | grep -c 'execve("[^"]*/crl-check".* = 0')" \
		    -eq 1 ]
	done
	[ "$(jq -s 'map(.event) == ["crl.fetched", "crl.fetched"]' \
	    log.json)" = true ]
}

@test "1000 certificates: who is revoked is found among them" {
	crl
	take 1000 ARI=false CRL_ENABLED=true "CRL_URL=$WEB/int.crl"
	make_crl "$CA" int two.crl number=02 \
	    revoke="$(printf %s, store/host-00{007,999}/current/cert.pem)"
	cp two.crl.der web/int.crl
	run -75 pass acme
	[ "$(jq -r 'select(.event == "cert.revoked") | .name' log.json)" = \
	    $'host-00007\nhost-00999' ]
	[ "$(ls agent/state)" = $'host-00007\nhost-00999' ]
	[ "$(<agent/state/host-00999/revoked)" = "$(serial host-00999)" ]
}

# waits N: the agent has waited so many times.
waits() {
	[ "$(grep -c '"event":"agent.waiting"' log.json)" -ge "$1" ]
}

# look_at PID: its descriptors, and its largest size in KiB.
look_at() {
	fds=$(find "/proc/$1/fd" -mindepth 1 | wc -l)
	rss=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status")
	kids=$(pgrep -c -P "$1")
}

@test "1000 certificates: 20 passes take no more memory than 3" {
	local i fds rss kids had limit
	take 1000 ARI=false LOG_LEVEL=debug
	agent acme
	for ((i = 1; i <= 20; i++)); do
		wait_for 30 waits "$i"
		if [ "$i" -eq 3 ]; then
			look_at "$bg"
			had="$fds $kids"
			limit=$((rss + 128))
		fi
		[ "$i" -eq 20 ] || kill -HUP "$bg"
	done
	look_at "$bg"
	echo "descriptors and children: $had; $fds $kids; KiB: $limit; $rss"
	[ "$fds $kids" = "$had" ]
	[ "$rss" -le "$limit" ]
	stop_bg
	[ ! -e agent/tmp.acme ]
	run -1 said '.level == "warn" or .level == "error"'
}

@test "1000 certificates whose CA is down: asked once, and then it waits" {
	take 1000 ARI=false LOG_LEVEL=debug FORCE_RENEWAL=true
	SECONDS=0
	agent acme
	wait_for 60 waits 1
	echo "$SECONDS s"
	[ "$(jq -s 'map(select(.event == "ca.not_ready")) |
	    map(.certificates // .name)' -c log.json)" = \
	    '["host-00001",999]' ]
	[ "$(cat agent/state/*/state.json | jq -s 'map(select(.failures == 1 and
	    .result == "failed" and (.reason | length) > 0)) | length')" \
	    -eq 1000 ]
	said '.event == "agent.waiting" and .seconds > 10'
	sleep 2
	[ "$(grep -c . log.json)" -eq 4 ]
	stop_bg
	tidy
}

@test "10 certificates whose CA does not say when to renew: asked once" {
	take 10 ARI=true
	run -0 pass acme
	[ "$(jq -s 'map(select(.event == "ari.unknown")) | map(.reason |
	    test("not reached just now")) | group_by(.) | map(length)' -c \
	    log.json)" = '[1,9]' ]
	cp log.json before
	run -0 pass acme
	cmp log.json before
}
