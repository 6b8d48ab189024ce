#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The demo, played: real step-ca and nginx on the ports of the demo.

load helper

teardown() {
	stop_bg
}

# Nobody listens on the ports of the demo.
all_quiet() {
	local port
	for port in 4210 4211 4212 4213 4222; do
		if listening "$port"; then
			echo "somebody listens on port $port" >&2
			return 1
		fi
	done
}

@test "demo: issues, serves and renews; no request fails" {
	all_quiet
	run -0 --separate-stderr demo server
	[[ $output == *"requests "*", failed: 0"* ]]
	local before after
	before=$(sed -n 's/^serial before *//p' <<<"$output")
	after=$(sed -n 's/^serial after *//p' <<<"$output")
	[ -n "$before" ]
	[ -n "$after" ]
	[ "$before" != "$after" ]
	[ "$(sed -n 's/^requests *\([0-9]*\),.*/\1/p' <<<"$output")" -gt 10 ]
	# the commands it showed are there to be pasted
	[[ $output == *'$ mkkey -o key.pem'* ]]
	[[ $output == *'$ cert-deploy -k key.pem store/localhost <chain.pem'* ]]
	all_quiet
}

@test "demo: est enrolls, renews and refuses" {
	all_quiet
	run -0 --separate-stderr demo est
	[[ $output == *$'\nrefused         bad_token no_token revoked\n'* ]]
	local before after
	before=$(sed -n 's/^serial first *//p' <<<"$output")
	after=$(sed -n 's/^serial renewed *//p' <<<"$output")
	[ -n "$before" ]
	[ -n "$after" ]
	[ "$before" != "$after" ]
	[ "$(grep -c '^# exit [12], as it should be' <<<"$output")" -eq 4 ]
	[[ $output == *'$ est-token -d tokens add -1 '* ]]
	# no token is in what the server said
	run -1 grep -F "$(<"$ECA_ROOT/build/demo/token.txt")" \
	    "$ECA_ROOT/build/demo/est-ra.json" "$ECA_ROOT/build/demo/est.log"
	all_quiet
}

@test "demo: agent renews a server and its client; no request fails" {
	case $ECA_BIN in
	*/san/bin) return ;;	# two minutes of the same scripts
	esac
	all_quiet
	run -0 --separate-stderr demo agent
	[ "$(sed -n 's/^requests *\([0-9]*\),.*/\1/p' <<<"$output")" -gt 10 ]
	[[ $output == *"requests "*", failed: 0"* ]]
	[ "$(grep -c $'\tcert.proven\t' <<<"$output")" -ge 3 ]
	[[ $output == *$'\nNAME '*$'\nlocalhost '*' ok '*$'\ndevice '*' ok '* ]]
	all_quiet
}

@test "demo: a port in use is one clear line and 75" {
	mkdir "$BATS_TEST_TMPDIR/web"
	start_bg http01-serve -l 127.0.0.1:4212 -w "$BATS_TEST_TMPDIR/web"
	wait_port 4212
	run -75 --separate-stderr demo
	[ "$stderr" = \
	    'demo: port 4212: in use; the ACME challenge needs it' ]
}

@test "demo: Ctrl-C stops everything it started" {
	local sig pid
	for sig in INT TERM; do
		start_bg demo -k
		pid=$bg
		wait_port 4213
		kill -s "$sig" "$pid"
		wait_for 10 all_quiet
		wait_for 10 gone "$pid"
	done
}

gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

@test "demo: -k keeps the servers and says what to try" {
	start_bg demo -k
	wait_for 60 grep -qs 'To try, in another terminal' \
	    "$BATS_TEST_TMPDIR/bg.0.log"
	run -0 --separate-stderr tls-peek \
	    -A "$ECA_ROOT/build/demo/ca/certs/root_ca.crt" localhost:4213
	stop_bg
	wait_for 10 all_quiet
}
