#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Both agents and time: certificates of a minute under a stream of requests, a
# CA that is away when it is needed.  step-ca, est-ra under lighttpd, nginx.
# For longer: long-agent.bats.

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
}

teardown() {
	[ ! -s "$EST_DIR/step-ca.pid" ] ||
	    kill -CONT "$(<"$EST_DIR/step-ca.pid")"
	agent_teardown
}

# ordered: how many certificates step-ca has issued by ACME, by its own log.
ordered() {
	grep '/finalize"' "$EST_DIR/step-ca.log" |
	    grep -c '"status":200' || true
}

# count EVENT [NAME]: how often it is in the log.
count() {
	jq -nR --arg event "$1" --arg name "${2-}" '[inputs | fromjson? |
	    select(.event == $event and ($name == "" or .name == $name))] |
	    length' log.json
}

@test "agents: certificates of a minute, renewed for a minute: no request fails" {
	local seconds=62
	# not the whole of it with slow programs
	[[ $ECA_BIN != */san/bin ]] || seconds=25
	life 60
	device
	flow "$seconds"
}

@test "agents: the CA is away when it is needed, and back before it is too late" {
	local i before names=(web1 web2)
	life 24 0
	for i in "${names[@]}"; do
		conf "$i" acme ARI=false
	done
	cat >>certs.d/defaults <<-END
	RENEWAL_THRESHOLD_PERCENT=80
	RENEWAL_SPREAD_PERCENT=5
	END
	agent acme
	for i in "${names[@]}"; do
		tells ".event == \"cert.proven\" and .name == \"$i\""
	done
	end_server step-ca
	before=$(ordered)
	# both are due within five seconds; the one that finds the CA away
	# speaks for the other
	wait_for 15 said '.event == "ca.not_ready"'
	sleep 1
	for i in "${names[@]}"; do
		whole "$i"
	done
	run_step_ca
	renewed() {
		[ "$(count cert.proven web1)" -ge 2 ] &&
		    [ "$(count cert.proven web2)" -ge 2 ]
	}
	wait_for 20 renewed
	stop_bg
	# none has expired: the next one was ordered while it was valid
	run -1 said '.event == "cert.ordered" and .reason == "expired"'
	for i in "${names[@]}"; do
		[ "$(count ca.not_ready "$i")" -le 3 ]
		whole "$i"
	done
	# the CA has issued what was proven, and no more
	[ "$(($(ordered) - before + 2))" -eq \
	    "$(($(count cert.proven web1) + $(count cert.proven web2)))" ]
	tidy "${names[@]}"
}

@test "agents: a CA that does not answer any more holds nobody up for ever" {
	life 1500
	conf web acme ORDER_TIMEOUT_SECONDS=3
	pass acme
	kill -STOP "$(<"$EST_DIR/step-ca.pid")"
	SECONDS=0
	run -75 pass acme -y web
	[ "$SECONDS" -lt 40 ]
	whole web
	kill -CONT "$(<"$EST_DIR/step-ca.pid")"
	state web '.failures == 1'
	waited web
	pass acme
	pass acme -y web
	tidy web
}
