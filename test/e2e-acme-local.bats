#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-order with an honest server on a machine that means no good: signals,
# streams that are closed, limits, files in its way.

load helper
load servers
load double

# start_order [options]: in the background as $pid.
start_order() {
	: >events.json
	env --default-signal=INT,QUIT acme-order -u "$base/dir" \
	    -A "$CA/root.pem" -a acc/account.pem -e events.json "$@" req.pem \
	    >out 2>err 3>&- 4>&- &
	pid=$!
	bg_pids+=("$pid")
}

# held [options]: an order that stays pending, in the background as $pid, until
# the challenge is in place.
held() {
	bend challenge '"valid"' '"processing"'
	start_order "$@"
	wait_line events.json '"name":"a.example","status":"processing"'
	read_children
}

# The processes of $pid as children, oldest first; the file has no newline.
read_children() {
	read -ra children <"/proc/$pid/task/$pid/children" ||
	    [ "${#children[@]}" -gt 0 ]
}

gone() {
	local p
	for p; do
		[ ! -e "/proc/$p" ] || grep -q '^State:.Z' "/proc/$p/status" ||
		    return 1
	done
}

@test "acme-order: 8.3 signals leave no file and no process, with -w" {
	local sig
	for sig in TERM INT HUP QUIT ALRM; do
		held -w web
		[ -f "$challenges/$token" ]
		kill -s "$sig" "$pid"
		wait "$pid" && return 1
		[ -z "$(find web -type f)" ]
		wait_for 5 gone "${children[@]}"
		[ ! -s out ]
		honest
	done
}

@test "acme-order: signals leave no process, with -l" {
	local sig
	for sig in TERM INT HUP KILL; do
		held -l 127.0.0.1:0
		[ "${#children[@]}" -eq 2 ]
		kill -s "$sig" "$pid"
		wait "$pid" && return 1
		wait_for 5 gone "${children[@]}"
		honest
	done
}

@test "acme-order: a signer or a responder that is killed is an error" {
	held -w web
	kill -KILL "${children[@]}"
	wait "$pid" && return 1
	grep -qxF 'acme-order: signer: no signature' err
	[ -z "$(find web -type f)" ]
	honest
	with new '!drip 200'
	start_order -l 127.0.0.1:0
	wait_line events.json /dir
	read_children
	kill -KILL "${children[0]}"	# it is made first
	wait "$pid" && return 1
	grep -qxF 'acme-order: responder: does not take the answer' err
}

@test "acme-order: closed standard streams do not get what is not theirs" {
	local how
	for how in '2>&-' '<&-' '<&- 2>&-'; do
		run -0 sh -c 'url=$1; shift; exec acme-order -u "$url" "$@" '"$how" \
		    sh "$base/dir" -A "$CA/root.pem" -a acc/account.pem -w web \
		    -e events.json -v req.pem
		[[ $output == *"$(<"$PKI/leaf.chain.pem")" ]]
		run -2 sh -c 'url=$1; shift; exec acme-order -u "$url" "$@" >&- '"$how" \
		    sh "$base/dir" -A "$CA/root.pem" -a acc/account.pem \
		    -l 127.0.0.1:0 -e events.json req.pem
	done
	run -1 grep -v '^{' events.json
}

@test "acme-order: the umask decides nothing" {
	local mask
	for mask in 077 0 0777; do
		rm -rf web/.well-known acc/account.pem.accounts
		run -0 --separate-stderr sh -c 'umask "$1"; shift; exec acme-order "$@"' \
		    sh "$mask" -u "$base/dir" -A "$CA/root.pem" \
		    -a acc/account.pem -w web req.pem
		[ "$(stat -c %a web/.well-known "$challenges")" = $'755\n755' ]
		[ "$(stat -c %a acc/account.pem.accounts)" = 600 ]
	done
}

@test "acme-order: a limit on the size of files is an error and leaves nothing" {
	# the files of run are not meant
	run -0 sh -c '{ (ulimit -f 0; exec acme-order "$@"); echo "exit $?"; } \
	    2>&1 | cat' sh -u "$base/dir" -A "$CA/root.pem" -a acc/account.pem \
	    -w web req.pem
	[ "${lines[-2]}" = \
	    "acme-order: web/.well-known/acme-challenge/$token: File too large" ]
	[ "${lines[-1]}" = 'exit 2' ]
	[ -z "$(find web -type f)" ]
}

@test "acme-order: an account key that is no file is refused, not waited for" {
	mkfifo -m 600 acc/fifo
	local name
	for name in acc/fifo /dev/null acc; do
		run -2 --separate-stderr acme-order -u "$base/dir" \
		    -A "$CA/root.pem" -a "$name" -w web req.pem
		[ "$stderr" = "acme-order: $name: not a regular file" ]
	done
	ln -s nowhere acc/dangling
	run -2 --separate-stderr acme-order -u "$base/dir" \
	    -A "$CA/root.pem" -a acc/dangling -w web req.pem
	[[ $stderr == "acme-order: acc/dangling: not a regular file"* ]]
}

@test "acme-order: what stands in the way of the accounts costs a request only" {
	mkfifo acc/account.pem.accounts
	run -0 --separate-stderr ask -w web
	[[ $stderr == "acme-order: acc/account.pem.accounts: not a regular file"* ]]
	rm acc/account.pem.accounts
	ln -s "$PWD/victim" acc/account.pem.accounts
	echo victim >victim
	run -0 --separate-stderr ask -w web
	[ "$(<victim)" = victim ]
	rm acc/account.pem.accounts
	run -0 --separate-stderr unshare -rm sh -c '
		mount --bind acc acc && mount -o remount,ro,bind acc && exec "$@"' sh \
	    acme-order -u "$base/dir" -A "$CA/root.pem" -a acc/account.pem \
	    -w web req.pem
	[ "$stderr" = 'acme-order: acc/account.pem.accounts: Read-only file system' ]
	[[ $output == *"END CERTIFICATE"* ]]
}

@test "acme-order: names that a killed run left are taken away" {
	mkdir -p "$challenges"
	echo stale >acc/.account.pem.accounts.new
	echo stale >"$challenges/.$token.new"
	echo stale >"$challenges/$token"
	run -0 --separate-stderr ask -w web
	[ -z "$stderr" ]
	[ -z "$(find web -type f)" ]
	[ "$(ls -A acc)" = $'account.pem\naccount.pem.accounts' ]
}

@test "acme-order: a challenge file is not written through what has its name" {
	mkdir -p "$challenges"
	echo victim >victim
	ln -s "$PWD/victim" "$challenges/$token"
	run -2 --separate-stderr ask -w web
	[[ $stderr == *"$token: not a regular file"* ]]
	[ "$(<victim)" = victim ]
}

@test "acme-order: two that make the same account key agree" {
	rm acc/account.pem
	local i pids=()
	for i in 1 2 3 4 5 6; do
		mkdir "web/$i"
		acme-order -u "$base/dir" -A "$CA/root.pem" -a acc/account.pem \
		    -w "web/$i" -e events.json req.pem >"out.$i" 2>"err.$i" \
		    3>&- 4>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	for i in 1 2 3 4 5 6; do
		cmp "out.$i" "$PKI/leaf.chain.pem"
	done
	[ "$(cat err.* | grep -c 'made a new account key')" -eq 1 ]
	[ "$(wc -l <acc/account.pem.accounts)" -eq 1 ]
	# events of all, line by line
	run -1 grep -vE '^\{"time":.*\}$' events.json
}

@test "acme-order: events that are lost are told, the chain is not lost" {
	run -0 --separate-stderr ask -w web -e /dev/full
	[ "$output" = "$(<"$PKI/leaf.chain.pem")" ]
	[ "$stderr" = 'acme-order: /dev/full: some events could not be written' ]
}
