#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The agents when our clock is wrong (libfaketime; that of the CA, a Go program,
# is right): an alarm and no order, and when it is right again all goes on.

# shellcheck disable=SC2034	# for agent.bash
load helper
load servers
load agent

setup_file() {
	require faketime jq
	start_dns
	start_step_ca
	start_estserver
	own_pki
}

teardown_file() {
	end_servers
}

setup() {
	agent_setup
}

teardown() {
	agent_teardown
}

# orders: how many the CAs were asked for.
orders() {
	cat "$BATS_FILE_TMPDIR"/*.log "$EST_CA/log" |
	    grep -cE '/new-order( |"|$)|/simple(re)?enroll' || true
}

# alarm FILTER TIME: a pass at that time ends with this in the log, and keeps
# what is there.
alarm() {
	: >log.json
	run -75 at "$2" "$proto-agent" -1 -c certs.d
	echo "$output" >log.json
	said "$1" || { cat log.json; return 1; }
	[ "$(serial web)" = "$old" ]
	[ "$(orders)" -eq "$n" ]
	[ -z "$(find agent store -name '.*' -o -name 'tmp.*')" ]
}

ahead='.event == "clock.skewed" and .level == "error" and .skew_seconds > '
behind='.event == "clock.skewed" and .level == "error" and .skew_seconds < -'
early='.event == "clock.wrong" and .name == "web"'

# plan JSON-FILTER: it is true of the only certificate.
plan() {
	cert-plan -c certs.d -f json "$proto" >plan.json || [ $? -eq 1 ]
	jq -e "$1" plan.json || { cat plan.json; return 1; }
}

@test "acme-agent: a wrong clock is an alarm and no order, and forgotten when it is right" {
	local proto=acme when old n
	conf web acme CLOCK_SKEW_SECONDS=60
	run -0 pass acme
	whole web
	old=$(serial web) n=$(orders)
	[ "$n" -eq 1 ]
	for when in "$ahead 31000000:1 year" "$ahead 300000000:2038-01-20" \
	    "$ahead 90000000000:5000-01-01" "$ahead 86000:1 day" \
	    "$early:1970-01-02" "$early:2 hours ago" "$early:1 day ago"; do
		alarm "${when%%:*}" "${when#*:}"
		state web '.result == "failed" and .failures <= 3 and
		    (.reason | test("clock"))'
		# a day ahead it waits, and says no more than that
		[[ $when != *day ]] || {
			run -0 at '1 day' acme-agent -1 -c certs.d
			[ "$(jq -r .event <<<"$output")" = cert.waiting ]
		}
		# and at once all is well
		run -0 pass acme
		plan '.action == "none"'
		run -0 eca-status -c certs.d
	done
	[ "$(orders)" -eq 1 ]
	# what is due is renewed at once, whatever the state has
	alarm "$ahead 300000000" 2038-01-20
	run -0 pass acme -y web
	[ "$(orders)" -eq 2 ]
	[ "$(serial web)" != "$old" ]
	state web '.result == "ok" and .failures == 0'
	tidy web
}

@test "est-agent: a wrong clock is an alarm and no order, and then it renews at once" {
	local proto=est when old n
	ROOT=$EST_CA/root.pem
	conf web est CA_ROOT= DOMAIN_NAME=web.example SUBJECT_DN=
	make_cert "$EST_CA" web san=DNS:web.example from='20 days ago' \
	    to='70 days'
	mkdir store
	cert-deploy -k "$EST_CA/web.key" store/web "$EST_CA/web.chain.pem"
	cert-commit store/web
	old=$(serial web) n=$(orders)
	run -0 pass est
	for when in "$ahead 31000000:1 year" "$ahead 5000000:60 days" \
	    "$early:1970-01-02" "$early:21 days ago"; do
		alarm "${when%%:*}" "${when#*:}"
	done
	# due by the right clock too
	make_cert "$EST_CA" web san=DNS:web.example key="$EST_CA/web.key" \
	    from='80 days ago' to='10 days'
	cert-deploy -k "$EST_CA/web.key" store/web "$EST_CA/web.chain.pem"
	cert-commit store/web
	old=$(serial web)
	alarm "$behind 1600000" '19 days ago'
	alarm "$ahead 400000" '5 days'
	plan '.action == "renew"'
	run -0 pass est
	[ "$(orders)" -eq $((n + 1)) ]
	whole web
	tidy web
}

@test "acme-agent: a clock that jumps while it runs" {
	local proto=acme old n
	conf web acme CHECK_INTERVAL_SECONDS=1
	run -0 pass acme
	old=$(serial web) n=$(orders)
	echo +0 >offset
	ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0 \
	    FAKETIME_TIMESTAMP_FILE=$PWD/offset \
	    LD_PRELOAD=$(faketime -f +0s sh -c 'echo "$LD_PRELOAD"') agent acme
	tells '.event == "agent.started"'
	echo +1y >offset
	tells "$ahead 31000000"
	echo -1y >offset
	tells "$early"
	echo +0 >offset
	wait_for 10 eca-status -c certs.d
	stop_bg "$bg"
	tells '.event == "agent.stopped"'
	[ "$(serial web)" = "$old" ]
	[ "$(orders)" -eq "$n" ]
	whole web
	tidy web
}

# old_web: a certificate that is due, and no CA.
old_web() {
	ACME=https://127.0.0.1:9/dir
	ROOT=$PKI/root.pem
	proto=acme
	conf web acme "$@"
	make_cert "$PKI" web san=DNS:web.example from='80 days ago' to='10 days'
	mkdir store
	cert-deploy -k "$PKI/web.key" store/web "$PKI/web.chain.pem"
	cert-commit store/web
	old=$(serial web) n=$(orders)
}

@test "acme-agent: a wrong clock, and a CA that is away" {
	local old n proto
	old_web
	alarm "$early" 1970-01-02
	alarm "$early" '1 year ago'
	alarm '.event == "ca.not_ready"' '1 year'
	run -75 pass acme
	said '.event == "ca.not_ready"'
	state web '.failures == 1'
	whole web
	tidy web
}

@test "acme-agent: what a clock of the future has written locks nobody out" {
	local old n proto now future
	old_web CRL_ENABLED=true CRL_URL=http://127.0.0.1:9/crl \
	    CRL_CACHE_PATH="$PWD/crl"
	future=$(date -u -d '1 year' +%FT%TZ)
	mkdir -p agent/state/web
	echo "{\"result\":\"failed\",\"reason\":\"x\",\"failures\":9,
	    \"last_attempt\":\"$future\",\"last_success\":\"$future\",
	    \"retry_at\":\"$future\"}" >agent/state/web/state.json
	plan '.action == "renew" and .reason == "due"'
	# nor one of the past that was told to come back in a year
	echo "{\"result\":\"failed\",\"reason\":\"x\",\"failures\":1,
	    \"last_attempt\":\"$(date -u -d '8 days ago' +%FT%TZ)\",
	    \"last_success\":null,\"retry_at\":\"$future\"}" \
	    >agent/state/web/state.json
	plan '.action == "renew"'
	# the CA's moment, and an answer of the future
	rm agent/state/web/state.json
	echo "{\"serial\":\"$old\",\"asked_at\":\"$future\",
	    \"source\":\"server\",\"renew_at\":\"$future\"}" \
	    >agent/state/web/ari.json
	plan '.renew_at < .not_after and
	    (.action == "ask" or .action == "renew")'
	# a revocation list
	touch crl
	touch -d '1 year' crl.stamp
	run -1 cert-plan -c certs.d -f lines acme
	[[ $output == *$'\nweb\tcrl\t'*$'\told\t'* ]]
	touch crl.stamp
	run -1 cert-plan -c certs.d -f lines acme
	[[ $output == *$'\nweb\tcrl\t'*$'\tfresh\t'* ]]
}

@test "acme-agent: a generation that was deployed by a wrong clock is no newer" {
	local old n proto future
	old_web ARI=false
	now=$(date +%s)
	make_cert "$PKI" late san=DNS:web.example from="@$((now - 100))"
	make_cert "$PKI" next san=DNS:web.example from="@$((now - 100))"
	make_cert "$PKI" last san=DNS:web.example from="@$((now - 50))"
	future=$(date -u -d '30 days' +%s)
	# one of the future, proven; then another by the right clock
	cert-deploy -T "$future" -k "$PKI/late.key" store/web \
	    "$PKI/late.chain.pem"
	cert-commit store/web
	plan '.action == "none"'
	cert-deploy -k "$PKI/next.key" store/web "$PKI/next.chain.pem"
	[[ $(readlink store/web/current) < $(<store/web/previous) ]]
	plan '.action == "prove"'
	run -0 pass acme
	[ "$(serial web)" = "$(cert-expiry "$PKI/next.pem" | jq -r .serial)" ]
	tidy web
	# one of the future, taken back; then another
	cert-deploy -T "$future" -k "$PKI/late.key" store/web \
	    "$PKI/late.chain.pem"
	cert-rollback store/web
	plan '.action == "retry"'
	run -0 pass acme
	[ "$(serial web)" = "$(cert-expiry "$PKI/late.pem" | jq -r .serial)" ]
	tidy web
	# one of now taken back where one of the future is in use
	cert-deploy -k "$PKI/last.key" store/web "$PKI/last.chain.pem"
	cert-rollback store/web
	plan '.action == "retry"'
	run -0 pass acme
	[ "$(serial web)" = "$(cert-expiry "$PKI/last.pem" | jq -r .serial)" ]
	tidy web
	whole web
}
