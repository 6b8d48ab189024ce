#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What e2e-agent-time.bats tries for a minute, for longer and with more.

load helper
load servers
load estra
load agent

setup_file() {
	both_cas
}

teardown_file() {
	end_servers
}

setup() {
	agent_setup
	device
}

teardown() {
	[ -s "$EST_DIR/step-ca.pid" ] || run_step_ca
	kill -CONT "$(<"$EST_DIR/step-ca.pid")"
	agent_teardown
}

@test "agents: five minutes of requests, certificates of one minute" {
	life 60
	flow 300
}

@test "agents: twenty minutes of requests, certificates of one minute" {
	life 60
	flow 1200
}

# outage WAY BACK: twenty certificates of two minutes by ACME, one by EST, and
# the CA away until all are due.  Each is renewed before it expires,
# and the CA is not stormed.
outage() {
	local i names=(device) attempts
	life 120 0
	for i in {1..20}; do
		conf "web$i" acme ARI=false
		names+=("web$i")
	done
	cat >>certs.d/defaults <<-END
	RENEWAL_THRESHOLD_PERCENT=70
	RENEWAL_SPREAD_PERCENT=5
	ORDER_TIMEOUT_SECONDS=5
	END
	agent acme
	agent est
	wait_for 90 proven 1
	eval "$1"
	wait_for 60 failed_all
	eval "$2"
	wait_for 120 proven 2
	stop_bg
	run -1 said '.event == "cert.ordered" and .reason == "expired"'
	for i in "${names[@]}"; do
		attempts=$(count "$i")
		echo "$i: $attempts attempts failed"
		[ "$attempts" -le 5 ]
		whole "$i"
	done
	tidy "${names[@]}"
}

# proven N: so many successes each.
proven() {
	jq -e -nR --argjson n "$1" '[inputs | fromjson? |
	    select(.event == "cert.proven")] | group_by(.name) |
	    length == 21 and all(.[]; length >= $n)' log.json >proven.out
}

# count NAME: attempts that failed.
count() {
	jq -nR --arg name "$1" '[inputs | fromjson? |
	    select((.event == "ca.not_ready" or .event == "cert.delayed") and
	    .name == $name)] | length' log.json
}

# failed_all: each has failed once, or was put aside with one that did.
failed_all() {
	jq -es 'length == 21 and all(.[]; .failures >= 1)' \
	    agent/state/*/state.json >failed.out
}

@test "agents: twenty certificates and a CA that is gone" {
	outage 'end_server step-ca' run_step_ca
}

@test "agents: twenty certificates and a CA that does not answer" {
	outage 'kill -STOP "$(<"$EST_DIR/step-ca.pid")"' \
	    'kill -CONT "$(<"$EST_DIR/step-ca.pid")"'
}
