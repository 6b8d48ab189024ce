#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What is est-agent's own and needs no CA; the rest is in acme-agent.bats and,
# with a CA, e2e-agent-est.bats.

load helper
load agent

setup_file() {
	own_pki
}

setup() {
	no_ca
	cat >hook <<-'END'
	#!/bin/sh
	cat /proc/self/environ >env.hook
	for pid in /proc/[0-9]*; do
		[ "$(cat "$pid/cwd/mark" 2>/dev/null)" = "$PWD" ] || continue
		# what was started with it
		tr '\0' '\n' <"$pid/cmdline" |
		    grep -Eq '^timeout$|/est-agent$' ||
			cat "$pid/environ" >>env.others
	done
	END
	chmod +x hook
}

teardown() {
	agent_teardown
}

@test "est-agent keeps the contract of all commands" {
	run -0 contract est-agent
}

@test "est-agent -t checks its own certificates and makes nothing" {
	conf device est
	export BOOTSTRAP_TOKEN=0p3n-s3sam3
	run -0 --separate-stderr est-agent -t -c certs.d
	[ -z "$output$stderr" ]
	[ ! -e agent ]
	conf device est EST_IDENTITY=roughly CHALLENGE_LISTEN=:4212
	run -2 --separate-stderr est-agent -t -c certs.d
	[ "$(grep -c 'certs.d/device.conf:[0-9]*: ' <<<"$stderr")" -eq 2 ]
}

@test "est-agent refuses a token in the configuration" {
	conf device est BOOTSTRAP_TOKEN=0p3n-s3sam3
	run -2 --separate-stderr est-agent -t -c certs.d
	[[ $stderr == *'BOOTSTRAP_TOKEN: '*BOOTSTRAP_TOKEN_FILE* ]]
	[[ $stderr != *0p3n-s3sam3* ]]
}

@test "est-agent -1 notes that the CA cannot be reached, and waits" {
	conf device est
	run -75 pass est
	said '.event == "ca.not_ready" and .service == "est-agent"'
	state device '.failures == 1'
	: >log.json
	run -0 pass est
	[ "$(jq -r .event log.json)" = cert.waiting ]
	tidy
}

@test "est-agent has a token of the environment in a file, and no child has it" {
	conf device est RELOAD_HOOK="$PWD/hook"
	given device
	pwd >mark
	BOOTSTRAP_TOKEN=0p3n-s3sam3 run -0 pass est
	[ -s env.hook ]
	[ -s env.others ]
	run -1 grep -al 0p3n-s3sam3 env.hook env.others log.json
	grep -q '^est-agent: BOOTSTRAP_TOKEN: .*BOOTSTRAP_TOKEN_FILE' log.json
	[ "$(stat -c %a agent/bootstrap-token)" = 600 ]
	[ "$(<agent/bootstrap-token)" = 0p3n-s3sam3 ]
	tr '\0' '\n' <env.hook |
	    grep -qx "BOOTSTRAP_TOKEN_FILE=$PWD/agent/bootstrap-token"
}

@test "est-agent: one a state directory, beside an acme-agent" {
	conf device est
	conf web acme ARI=false
	given device
	given web
	agent acme
	agent est
	tells '.event == "cert.proven" and .name == "web" and
	    .service == "acme-agent"'
	tells '.event == "cert.proven" and .name == "device" and
	    .service == "est-agent"'
	run -75 --separate-stderr est-agent -c certs.d
	[ "$stderr" = "est-agent: $PWD/agent: another est-agent is at work" ]
	stop_bg
	[ "$(jq -nR '[inputs | fromjson? | select(.event == "agent.stopped")] |
	    length' log.json)" -eq 2 ]
	tidy web device
}
