#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper

setup() {
	require curl
	mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" || return
	dir=webroot/.well-known/acme-challenge
	mkdir -p "$dir"
	printf tok.thumb >"$dir"/tok
}

teardown() {
	stop_bg
}

# serve: http01-serve -v -l 127.0.0.1:0 -w webroot, its address in $address,
# all it says in the file $log.
serve() { serve_as; }

# serve_as COMMAND...: through a command that runs it.
serve_as() {
	start_bg "$@" http01-serve -v -l 127.0.0.1:0 -w webroot
	log=$BATS_TEST_TMPDIR/bg.$((${#bg_pids[@]} - 1)).log
	wait_file "$log"
	read -r address <"$log"
}

# ask URL-PATH CURL-ARGS...: headers in the file answer, the body in
# body, the status in $code.
ask() {
	curl -gsS -m 5 -o body -D headers -w '%{http_code}' --path-as-is "${@:2}" \
	    "http://$address$1" >code
	code=$(cat code)
	tr -d '\r' <headers >answer
}

# say TEXT: sent as it is on one connection; what comes back in the file
# answer, its status in $code.
say() {
	exec 9<>"/dev/tcp/${address%:*}/${address##*:}"
	printf %b "$1" >&9
	timeout 15 cat <&9 >answer
	exec 9>&-
	read -r _ code _ <answer || true
}

challenge=/.well-known/acme-challenge

@test "http01-serve keeps the contract of all commands" {
	run -0 contract http01-serve
}

@test "http01-serve serves the key authorization and nothing more" {
	serve
	ask $challenge/tok
	[ "$code" = 200 ]
	[ "$(cat body)" = tok.thumb ]
	[ "$(wc -c <body)" -eq 9 ]
	grep -qxF 'Content-Type: application/octet-stream' answer
	grep -qxF 'Content-Length: 9' answer
	grep -qxF 'Connection: close' answer
	grep -qE '^Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} ' answer
}

@test "http01-serve answers HEAD without a body" {
	serve
	say "HEAD $challenge/tok HTTP/1.1\r\nHost: a\r\n\r\n"
	[ "$code" = 200 ]
	tr -d '\r' <answer >plain
	grep -qxF 'Content-Length: 9' plain
	[ "$(tail -n 1 plain)" = '' ]
	run -1 grep -q thumb answer
	say "HEAD $challenge/none HTTP/1.1\r\nHost: a\r\n\r\n"
	[ "$code" = 404 ]
	run -1 grep -q '^404' answer
}

@test "http01-serve answers a token only, and only as a strict token" {
	serve
	mkdir -p webroot/other "$dir/sub"
	echo secret | tee webroot/secret webroot/other/tok "$dir/sub/tok" \
	    "$dir/to.k" "$dir/a b" >secret
	long=$(printf '%0128d' 0)
	printf long >"$dir/$long"
	printf long >"$dir/${long}0"
	ask "$challenge/$long"
	[ "$code" = 200 ]
	for path in / /secret /other/tok "$challenge" "$challenge/" \
	    "$challenge/none" "$challenge/to.k" "$challenge/sub" \
	    "$challenge/sub/tok" "$challenge/../../secret" "$challenge/." \
	    "$challenge/.." "$challenge//tok" "$challenge/tok/" \
	    "$challenge/tok?x=1" "$challenge/%74ok" "$challenge/a%20b" \
	    "$challenge/a+b" "//.well-known/acme-challenge/tok" \
	    "/./.well-known/acme-challenge/tok" "$challenge/${long}0" \
	    "/.well-known/ACME-challenge/tok"; do
		ask "$path"
		echo "$path: $code"
		[ "$code" = 404 ]
		[ "$(cat body)" = '404 Not Found' ]
	done
}

@test "http01-serve refuses other methods with 405" {
	serve
	for method in POST PUT DELETE OPTIONS BREW get; do
		ask $challenge/tok -X "$method"
		[ "$code" = 405 ]
		grep -qxF 'Allow: GET, HEAD' answer
	done
	ask $challenge/tok -d body
	[ "$code" = 405 ]
}

@test "http01-serve refuses what is no HTTP request with 400" {
	serve
	for text in '\r\n\r\n' 'GET\r\n\r\n' "GET $challenge/tok\r\n\r\n" \
	    "GET $challenge/tok HTTP/2.0\r\n\r\n" \
	    "GET $challenge/tok HTTP/1.x\r\n\r\n" \
	    "GET $challenge/tok HTTP/1.10\r\n\r\n" \
	    "GET $challenge/tok x HTTP/1.1\r\n\r\n" \
	    "GET  $challenge/tok HTTP/1.1\r\n\r\n" \
	    " GET $challenge/tok HTTP/1.1\r\n\r\n" \
	    'GET tok HTTP/1.1\r\n\r\n' 'GET HTTP/1.1\r\n\r\n' \
	    "GET $challenge/tok\000 HTTP/1.1\r\n\r\n" '\026\003\001\n\n'; do
		say "$text"
		echo "$text: $code"
		[ "$code" = 400 ]
	done
}

@test "http01-serve takes HTTP/1.0 and lines that end in LF alone" {
	serve
	for text in "GET $challenge/tok HTTP/1.0\r\n\r\n" \
	    "GET $challenge/tok HTTP/1.1\nHost: a\n\n"; do
		say "$text"
		[ "$code" = 200 ]
		grep -qxF tok.thumb answer
	done
}

@test "http01-serve takes a request that comes in pieces" {
	serve
	exec 9<>"/dev/tcp/${address%:*}/${address##*:}"
	for piece in 'G' "ET $challenge/t" 'ok HTTP/1.1\r' '\nHost: a\r\n' \
	    '\r' '\n'; do
		printf %b "$piece" >&9
		sleep 0.05
	done
	timeout 15 cat <&9 >answer
	exec 9>&-
	grep -qxF tok.thumb answer
}

@test "http01-serve answers one request and closes" {
	serve
	say "GET $challenge/tok HTTP/1.1\r\n\r\nGET $challenge/tok HTTP/1.1\r\n\r\n"
	run -0 grep -c '^HTTP/1.1 200' answer
	[ "$output" = 1 ]
}

@test "http01-serve takes requests up to 4096 bytes and no more" {
	serve
	start="GET $challenge/tok HTTP/1.1\r\nX: "
	room=$((4096 - $(printf %b "$start\r\n\r\n" | wc -c)))
	say "$start$(printf '%0*d' "$room" 0)\r\n\r\n"
	[ "$code" = 200 ]
	for fill in $((room + 1)) 9000; do
		say "$start$(printf '%0*d' "$fill" 0)\r\n\r\n"
		[ "$code" = 431 ]
	done
	say "GET /$(printf '%05000d' 0) HTTP/1.1\r\n\r\n"
	[ "$code" = 431 ]
}

@test "http01-serve serves no link, directory, fifo, empty or large file" {
	serve
	echo secret >secret
	ln -s "$PWD/secret" "$dir"/out
	ln -s tok "$dir"/link
	mkdir "$dir"/dir
	mkfifo "$dir"/fifo
	: >"$dir"/empty
	head -c 1024 /dev/zero >"$dir"/full
	head -c 1025 /dev/zero >"$dir"/large
	for token in out link dir fifo empty large; do
		ask "$challenge/$token"
		[ "$code" = 404 ]
	done
	ask $challenge/full
	[ "$code" = 200 ]
	[ "$(wc -c <body)" -eq 1024 ]
	grep -qxF 'http01-serve: link: Too many levels of symbolic links' "$log"
	grep -qxF 'http01-serve: fifo: not a regular file' "$log"
	grep -qxF 'http01-serve: large: larger than the limit of 1024 bytes' \
	    "$log"
}

@test "http01-serve follows no link to another .well-known" {
	mkdir other
	mv webroot/.well-known other/
	ln -s ../other/.well-known webroot/.well-known
	serve
	ask $challenge/tok
	[ "$code" = 404 ]
}

@test "http01-serve sees what comes into being, changes and goes" {
	rm -r webroot/.well-known
	serve
	ask $challenge/tok
	[ "$code" = 404 ]
	mkdir -p "$dir"
	printf tok.one >"$dir"/tok
	ask $challenge/tok
	[ "$(cat body)" = tok.one ]
	printf tok.two >"$dir"/tok
	ask $challenge/tok
	[ "$(cat body)" = tok.two ]
	rm -r webroot/.well-known
	ask $challenge/tok
	[ "$code" = 404 ]
}

@test "http01-serve -l takes IPv4, IPv6, names and all addresses at once" {
	grep -q . /proc/net/if_inet6 || skip 'no IPv6 here'
	start_bg http01-serve -l 127.0.0.1:0 -l '[::1]:0' -l :0 -l '*:0' \
	    -l localhost:0 -w webroot
	log=$BATS_TEST_TMPDIR/bg.0.log
	wait_line "$log" 127.0.0.1
	run -0 sed 's/[0-9]*$//' "$log"
	[ "${lines[*]:0:6}" = '127.0.0.1: [::1]: 0.0.0.0: [::]: 0.0.0.0: [::]:' ]
	[[ " ${lines[*]:6} " == *' 127.0.0.1: '* ]]
	while read -r address; do
		address=${address/0.0.0.0/127.0.0.1}
		ask $challenge/tok
		[ "$code" = 200 ]
	done < <(sed 's/\[::\]/[::1]/' "$log")
}

@test "http01-serve -l on every address keeps IPv4 and IPv6 apart" {
	grep -q . /proc/net/if_inet6 || skip 'no IPv6 here'
	port=$(free_port)
	start_bg http01-serve -l ":$port" -w webroot
	wait_line "$BATS_TEST_TMPDIR/bg.0.log" '[::]'
	run -0 cat "$BATS_TEST_TMPDIR/bg.0.log"
	[ "$output" = "0.0.0.0:$port"$'\n'"[::]:$port" ]
	for address in "127.0.0.1:$port" "[::1]:$port"; do
		ask $challenge/tok
		[ "$code" = 200 ]
	done
}

@test "http01-serve -l on a port in use is one clear line" {
	serve
	run -2 --separate-stderr http01-serve -l 127.0.0.1:0 -l "$address" \
	    -w webroot
	[ -z "$output" ]
	[ "$stderr" = "http01-serve: $address: Address already in use" ]
}

@test "http01-serve -l refuses what is no address and port" {
	for addr in 127.0.0.1 4212 '' ::1:0 '[::1]' fe80::1:0; do
		run -2 --separate-stderr http01-serve -l "$addr" -w webroot
		[ -z "$output" ]
		[ "$stderr" = "http01-serve: $addr: not addr:port; an IPv6\
 address is written [addr]:port" ]
	done
	for addr in 127.0.0.1: 127.0.0.1:x 127.0.0.1:65536 127.0.0.1:-1 \
	    127.0.0.1:http ':1 '; do
		run -2 --separate-stderr http01-serve -l "$addr" -w webroot
		[ "$stderr" = "http01-serve: $addr: the port is no number\
 between 0 and 65535" ]
	done
	for addr in 256.0.0.1:0 '[127.0.0.1]:0' '[::1' '[]:0' '[::g]:0' \
	    192.0.2.1:0; do
		run -2 --separate-stderr http01-serve -l "$addr" -w webroot
		[[ $stderr == "http01-serve: $addr: "* ]]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
	run -2 --separate-stderr http01-serve -l $'\033:x' -w webroot
	[[ $stderr == 'http01-serve: \x1b:x: the port'* ]]
}

@test "http01-serve -l may be given 32 times, sockets counted" {
	args=()
	for ((i = 0; i < 32; i++)); do
		args+=(-l 127.0.0.1:0)
	done
	start_bg http01-serve "${args[@]}" -w webroot
	wait_file "$BATS_TEST_TMPDIR/bg.0.log"
	run -0 sort -u "$BATS_TEST_TMPDIR/bg.0.log"
	[ "${#lines[@]}" -eq 32 ]
	run -2 --separate-stderr http01-serve "${args[@]}" -l :0 -w webroot
	[ "$stderr" = 'http01-serve: -l :0: too many' ]
	args[0]=-l args[1]=:0
	run -2 --separate-stderr http01-serve "${args[@]}" -w webroot
	[ "$stderr" = \
	    'http01-serve: 127.0.0.1:0: too many addresses to listen on' ]
}

@test "http01-serve -w needs a directory" {
	: >plain
	run -2 --separate-stderr http01-serve -l 127.0.0.1:0 -w plain
	[ "$stderr" = 'http01-serve: plain: Not a directory' ]
	run -2 --separate-stderr http01-serve -l 127.0.0.1:0 -w ''
	[ "$stderr" = 'http01-serve: : No such file or directory' ]
	[ -z "$output" ]
}

@test "http01-serve ends when nobody can learn where it listens" {
	run -2 --separate-stderr sh -c \
	    'http01-serve -l 127.0.0.1:0 -w webroot >/dev/full'
	[ "$stderr" = 'http01-serve: stdout: No space left on device' ]
	run -2 --separate-stderr sh -c \
	    'http01-serve -l 127.0.0.1:0 -w webroot >&-'
	[[ $stderr == 'http01-serve: stdout: '* ]]
}

@test "http01-serve ends with 0 on TERM, INT and HUP, clients or not" {
	for sig in TERM INT HUP; do
		serve_as env --default-signal
		exec 9<>"/dev/tcp/${address%:*}/${address##*:}"
		printf 'GET /' >&9
		kill -s "$sig" "$bg"
		rc=0
		wait "$bg" || rc=$?
		exec 9>&-
		[ "$rc" -eq 0 ]
	done
}

@test "http01-serve goes on after a HUP when nohup runs it" {
	serve_as env --ignore-signal=HUP
	kill -HUP "$bg"
	ask $challenge/tok
	[ "$code" = 200 ]
}

@test "http01-serve -v says who asked for what, control characters masked" {
	serve
	ask $challenge/tok
	say 'GET /\001\0302\0233x HTTP/1.1\r\n\r\n'
	grep -qxE "http01-serve: 127\.0\.0\.1:[0-9]+: GET $challenge/tok\
 HTTP/1\.1: 200" "$log"
	grep -qE ': GET /\\x01\\xc2\\x9bx HTTP/1\.1: 404$' "$log"
}

@test "http01-serve without -v says nothing about requests" {
	start_bg http01-serve -l 127.0.0.1:0 -w webroot
	wait_file "$BATS_TEST_TMPDIR/bg.0.log"
	read -r address <"$BATS_TEST_TMPDIR/bg.0.log"
	ask $challenge/tok
	ask /
	run -0 cat "$BATS_TEST_TMPDIR/bg.0.log"
	[ "$output" = "$address" ]
}

@test "http01-serve answers while 100 silent clients hang on" {
	serve
	fds=()
	for ((i = 0; i < 100; i++)); do
		exec {fd}<>"/dev/tcp/${address%:*}/${address##*:}"
		fds+=("$fd")
	done
	ask $challenge/tok
	[ "$code" = 200 ]
	# The first was closed for the last, the last is still there.
	run -0 timeout 2 cat <&"${fds[0]}"
	[ -z "$output" ]
	printf 'GET %s/tok HTTP/1.1\r\n\r\n' $challenge >&"${fds[99]}"
	run -0 timeout 2 cat <&"${fds[99]}"
	[[ $output == *tok.thumb ]]
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
}

@test "http01-serve closes a connection that is silent for ten seconds" {
	serve
	start=$(date +%s)
	exec 9<>"/dev/tcp/${address%:*}/${address##*:}"
	printf 'GET /' >&9
	run -0 timeout 15 cat <&9
	[ -z "$output" ]
	took=$(($(date +%s) - start))
	exec 9>&-
	[ "$took" -ge 9 ]
	[ "$took" -le 13 ]
}

@test "http01-serve serves many clients at once" {
	serve
	for ((i = 0; i < 40; i++)); do
		printf 'url = "http://%s%s/tok"\noutput = "got.%d"\n' \
		    "$address" $challenge "$i"
	done >urls
	run -0 curl -sS -m 10 -Z --parallel-max 40 -K urls
	run -0 cat got.*
	[ "${#output}" -eq $((40 * 9)) ]
}

@test "http01-serve does not mind clients that leave early" {
	serve
	for ((i = 0; i < 20; i++)); do
		exec 9<>"/dev/tcp/${address%:*}/${address##*:}"
		printf 'GET %s/tok HTTP/1.1\r\n\r\n' $challenge >&9
		exec 9>&-
	done
	ask $challenge/tok
	[ "$code" = 200 ]
	kill -0 "$bg"
}

@test "http01-serve survives the end of who reads its stderr" {
	mkfifo err
	cat err >/dev/null 3>&- &
	reader=$!
	http01-serve -v -l 127.0.0.1:0 -w webroot >ready 2>err 3>&- &
	bg_pids+=("$!")
	wait_file ready
	read -r address <ready
	kill "$reader"
	wait "$reader" || true
	ask $challenge/tok
	ask $challenge/tok
	[ "$code" = 200 ]
}
