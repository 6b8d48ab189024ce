#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-order on a line that breaks, drips and never ends, and with answers that
# RFC 8555 allows but real servers seldom give.  What a server can say wrong in
# well-formed answers is in e2e-acme-hostile.bats.

load helper
load double

# What an order asks when the server is slow in everything: a nonce, and the
# order while it is pending and while it is processed.
steps=(dir nonce account new authz challenge order.2 finalize order.4 cert)
slow() {
	bend dir ' abc' ' '
	bend challenge '"valid"' '"processing"'
	say order.2 200 '{"status":"ready"}'
	bend finalize '"valid"' '"processing"'
	say order.4 200 "{\"status\":\"valid\",\"certificate\":\"$base/cert\"}"
}

# lost STEP TRICK: the first answer there goes wrong.
lost() {
	local first=$1.1
	[[ $1 != *.* ]] || first=${1%.*}.$((${1#*.} - 1))
	cp "says/$1" "says/$first"
	with "$first" "$2"
}

# How often a path was asked so far.
asked() {
	grep -c "^[A-Z]* /$1 " requests
}

@test "acme-order: 7.1 every step is taken once, in order" {
	slow
	issues
	[ "$(cut -d ' ' -f 1,2 requests | tr -d /)" = "GET dir
HEAD nonce
POST account
POST new
POST authz
POST challenge
POST order
POST finalize
POST order
POST cert" ]
}

@test "acme-order: 6.1 a connection dropped once, at any step, is made up for" {
	local step cut
	for step in "${steps[@]}"; do
		for cut in 0 20 -10; do
			[ "$step,$cut" != nonce,-10 ] || continue
			slow
			lost "$step" "!cut $cut"
			echo "$step, cut $cut"
			issues
		done
	done
}

@test "acme-order: 6.1 a connection dropped for ever, at any step, is 75" {
	local step cut
	for step in dir nonce account new authz finalize cert; do
		for cut in 0 20 -10; do
			[ "$step,$cut" != nonce,-10 ] || continue
			bend dir ' abc' ' '
			[ "$step" != finalize ] ||
			    say order 200 '{"status":"ready"}'
			with "$step" "!cut $cut"
			fails 75 '' -m 1
		done
	done
	# a server that listens and does not talk
	kill -STOP "$httpsd"
	fails 75 "$base/dir: deadline reached" -m 1
	kill -CONT "$httpsd"
}

@test "acme-order: 6.1 a connection that ends before TLS is made up for once" {
	: >says/connect.1
	issues
	[ ! -e says/connect.1 ]
}

@test "acme-order: 7.4 a finalize without answer is not sent again unasked" {
	local path
	for path in 20 -10; do
		say order.1 200 \
		    "{\"status\":\"valid\",\"certificate\":\"$base/cert\"}"
		once finalize "!cut $path"
		: >requests
		issues
		[ "$(asked finalize)" -eq 1 ]
		[ "$(asked order)" -eq 1 ]
	done
	# it did not arrive
	say order.1 200 '{"status":"ready"}'
	once finalize '!cut 20'
	: >requests
	issues
	[ "$(asked finalize)" -eq 2 ]
}

@test "acme-order: 7.4 an order without answer is made twice at most" {
	with new '!cut 20'
	fails 75 "newOrder: $base/new: "
	[ "$(asked new)" -eq 2 ]
}

@test "acme-order: 6.6 a server that is down for a moment is asked again" {
	local step
	for step in authz order.2 order.4 cert; do
		slow
		lost "$step" 'Retry-After: 0'
		sed -i '1s/.*/503/' says/*.[13]
		issues
	done
}

@test "acme-order: 6.1 a body that is not whole is refused" {
	local step
	for step in dir new authz challenge order.2 finalize order.4 cert; do
		slow
		head -c -10 "says/$step" >part
		mv part "says/$step"
		echo "$step"
		fails 2 "$(said "$step")"
	done
	# the end of the connection is not the end of the chain
	say cert 'HTTP/1.0 200' "$(<"$PKI/leaf.pem")" '!bare'
	fails 2 "certificate: $base/cert: an answer that does not tell its length"
}

said() {
	case $1 in
	dir) echo 'not an ACME directory but: {"newNonce"' ;;
	new) echo 'order: no authorizations' ;;
	authz) echo "$base/authz: authorization without status" ;;
	challenge) echo 'a.example: http-01 without status' ;;
	cert) echo 'certificate: ' ;;
	*) echo 'order: the answer has no status' ;;
	esac
}

@test "acme-order: 7.1 an answer of 1 GB is not read" {
	local step more
	for step in dir account new authz challenge finalize cert; do
		for more in '!repeat 1000000000' $'!repeat 1000000000\n!chunk 9999'; do
			with "$step" "$more"
			fails 2 'answer larger than the limit of 1048576 bytes'
		done
	done
	say new '403 Forbidden' '{"detail":"no' '!repeat 1000000000'
	fails 2 'answer larger than the limit of 1048576 bytes'
	say nonce 200 x '!repeat 1000000000'	# HEAD: there is no body
	bend dir ' abc' ' '
	issues
}

# many NAME STATUS FROM TEXT TO: the body there is FROM, 1 MB of TEXT, and TO.
many() {
	say "$1" "$2" "$3"
	yes "$4" | head -n $((1040000 / ${#4})) | tr -d '\n' >>"says/$1"
	printf '%s' "$5" >>"says/$1"
}

@test "acme-order: 7.1 a million bytes do not become many more" {
	local from text to
	while IFS='|' read -r from text to; do
		echo "$text"
		many dir 200 "$from" "$text" "$to"
		fails 2 "$base/dir: not an ACME directory"
		many new 403 "$from" "$text" "$to"
		fails 2 'newOrder: 403 '
		[ "${#stderr}" -lt 9000 ]
	done <<-'END'
	{"a":[|[],|0]}
	{"a":[|{},|0]}
	{"a":[|0,|0]}
	{"a":[|"",|0]}
	{"a":|[|
	|{"a":|
	{"detail":"|a|"}
	{"detail":"|\u001b|"}
	{|"a":0,|"b":0}
	END
	# a head without end
	say dir 100 $'HTTP/1.1 103 x\nX: x\n\n' '!bare' '!repeat 100000000'
	fails 2 'the server answers without end'
}

@test "acme-order: 7.1 an answer that drips, or never comes, ends with the deadline" {
	local step drip=0
	for step in dir account new authz finalize cert; do
		with "$step" "!drip $(((drip++ % 2) * 9))"
		fails 75 'deadline reached' -m 1
		[ "$SECONDS" -le 3 ]
	done
}

@test "acme-order: 6.1 redirects to http and to files are not followed" {
	local step to
	for step in dir account new authz challenge finalize cert; do
		for to in http://127.0.0.1/ file:///etc/passwd https://127.0.0.1:1/ \
		    "$base/$step"; do
			say "$step" 302 '' "Location: $to"
			fails 2 ": 302: redirected to $to, which is not followed"
		done
	done
	# nor is what the answers name
	for to in http://127.0.0.1/ file:///etc/passwd; do
		bend new "$base/finalize" "$to"
		fails 2 'finalize: not an https URL'
		bend finalize "$base/cert" "$to"
		fails 2 "certificate: $to: not an https URL"
		bend authz "$base/challenge" "$to"
		fails 2 'challenge: not an https URL'
	done
}

@test "acme-order: 6.5.1 a nonce that is none is ignored, a fresh one fetched" {
	local bad
	for bad in abc= a/b+c 'a b' "$(printf 'k%.0s' {1..9000})"; do
		once dir "Replay-Nonce: $bad"
		sed -i '/^Replay-Nonce: abc$/d' says/dir.1
		: >requests
		issues
		[ "$(asked nonce)" -eq 1 ]
	done
}

@test "acme-order: 8 a token with slashes or dots is no file" {
	local bad
	for bad in ../../../token-ABCDEFGHIJKLMNOPQRSTUV \
	    token-ABCDEFGHIJ.KLMNOPQRSTUV /token-ABCDEFGHIJKLMNOPQRSTUV \
	    'token-ABCDEFGHIJ\nKLMNOPQRSTUV' token-ABCDEFGHIJKLMNOPQRSTUV%2f; do
		bend authz "$token" "$bad"
		fails 2 'a.example: a challenge without URL or with a token'
		[ -z "$(find . -name '*token*')" ]
	done
	bend authz "$token" 'token-ABCDEFGHIJ\u0000KLMNOPQRSTUV'
	fails 2 'authz: authorization without status'
}

# strange N: an authorization for a name nobody asked for, which fails.
strange() {
	sed "s/a\.example/n$1.example/" says/authz >"says/authz_$1.1"
	say "authz_$1" 200 "{\"status\":\"invalid\",\"challenges\":[
		{\"type\":\"http-01\",\"url\":\"$base/challenge\",
		\"status\":\"invalid\",\"error\":{\"detail\":\"no\"}}]}"
}

@test "acme-order: 7.1.3 names without end are no orders without end" {
	local i
	bend authz ']}' ",{\"type\":\"tls-alpn-01\",\"status\":\"pending\",
		\"url\":\"$base/challenge\",\"token\":\"$token\"}]}"
	say order 200 '{"status":"invalid"}'
	say challenge 200 '{"type":"http-01","status":"pending"}'
	for i in 1 2 3 4 5 6 7 8 9 0; do
		strange "$i"
		[ "$i" -eq 0 ] || sed "s|/authz|&/$i|" says/new >"says/new.$i"
	done
	bend new /authz /authz/0
	: >requests
	fails 2 'n1.example: http-01 invalid: problem: no' -l 127.0.0.1:0/tls
	[ "$(asked new)" -eq 8 ]
}

@test "acme-order: 7.1.6 a name that fails a moment later is not tried the same way again" {
	local both late
	both="{\"type\":\"tls-alpn-01\",\"url\":\"$base/tls\",
		\"status\":\"pending\",\"token\":\"$token\"}]}"
	bend authz ']}' ",$both"
	bend new "\"$base/authz\"" "\"$base/authz\",\"$base/late\""
	sed 's/a\.example/b.example/; s|/challenge"|/last"|' says/authz \
	    >says/late
	for late in authz late; do
		cp "says/$late" "says/$late.1"
		say "$late.3" 200 "$(sed '1,/^$/d; s/:"pending"/:"invalid"/
		    s/"token"/"error":{"detail":"no"},&/' "says/$late")"
	done
	mv says/authz.3 says/authz.2
	cp says/late says/late.2
	say challenge 200 '{"type":"http-01","status":"pending"}'
	cp says/challenge says/last
	say order.1 200 '{"status":"invalid"}'
	say tls 200 '{"type":"tls-alpn-01","status":"valid"}'
	: >requests
	run -0 --separate-stderr measured -l 127.0.0.1:0/tls -m 5
	assert_stderr_line 'acme-order: b.example: http-01 invalid: problem: no'
	[ "$(asked new),$(asked last),$(asked tls)" = 2,1,2 ]
}

@test "acme-order: 7.4.2 alternate chains by relative URLs, two in one line" {
	make_ca other
	local other='Link: </no>;rel="up", </a/2>; rel="alternate",</a/3>;rel=alternate'
	local leaf=$BATS_FILE_TMPDIR/key.pem field
	make_cert other leaf san=DNS:a.example key="$leaf"
	for field in "$other" "${other/Link/link}" "${other/Link/LINK}"; do
		with cert "$field"
		say a_2 200 "$(<"$PKI/leaf.chain.pem")"
		say a_3 200 "$(<other/leaf.pem)"
		: >requests
		run -0 --separate-stderr ask -w web -L 'Test Intermediate'
		[ "$output" = "$(<other/leaf.pem)" ]
		[ "$(asked a/2),$(asked a/3)" = 1,1 ]
	done
	# none is wanted: none is asked
	with cert "$other"
	: >requests
	issues
	[ "$(asked a/2)" -eq 0 ]
}

@test "acme-order: 6.1 lower-case fields, HTTP/1.0, chunks and closed connections do" {
	local step
	sed -i 's/^\(Replay-Nonce\|Location\):/\L&/' says/*
	issues
	sed -i 's/^\(Replay-Nonce\|Location\):/\U&/' says/*
	issues
	for step in says/*; do
		sed -i '1s|^|HTTP/1.0 |' "$step"
	done
	issues
	for step in dir account new authz challenge finalize cert; do
		with "$step" '!chunk 7'
	done
	issues
	for step in dir account new authz challenge finalize cert; do
		with "$step" 'Connection: close'
	done
	issues
	# closed without a word between two requests
	for step in dir account new authz challenge finalize cert; do
		with "$step" '!cut 99999'
	done
	issues
	# fields and members that nobody knows
	for step in dir account new authz challenge finalize; do
		with "$step" 'X-Unknown: yes'
		bend "$step" '{"' '{"unknown":[{"a":null}],"'
	done
	issues
}

@test "acme-order: 6.7 what a problem says does not move the terminal" {
	local esc=$'\033' text
	for text in '\u001b[2J' '\u009b2J' '\r\n' '\u0007' '\u007f' \
	    '\u202egpj'; do
		say new 403 "{\"type\":\"T$text\",\"detail\":\"D$text\",
			\"instance\":\"I$text\",\"subproblems\":[
			{\"type\":\"S$text\",\"detail\":\"s$text\",
			\"identifier\":{\"value\":\"v$text\"}}]}"
		fails 2 'newOrder: 403 T\x'
		[ "${#stderr_lines[@]}" -eq 1 ]
		[ "$(LC_ALL=C tr -d '\n -~' <<<"$stderr")" = '' ]
	done
	say new 403 "<html>${esc}[2J"$'\302\233''</html>'
	fails 2 'newOrder: 403 without a problem document: <html>\x1b[2J'
	[ "$(LC_ALL=C tr -d '\n -~' <<<"$stderr")" = '' ]
	say new 302 '' "Location: ${esc}]0;title"
	fails 2 'newOrder: 302: redirected to \x1b]0;title'
	bend finalize '"valid"' '"\u001b[2J"'
	fails 2 'order: unknown status \x1b[2J'
}

# account COMMAND: of acme-account, there.
account() {
	acme-account -u "$base/dir" -A "$CA/root.pem" -a acc/account.pem "$@"
}

@test "acme-account: 7.3.6 an account that stays valid was not deactivated" {
	say account_1 200 '{"status":"valid"}'
	run -2 --separate-stderr account deactivate
	[ -z "$output" ]
	[ "$stderr" = "acme-account: $base/account/1: status valid" ]
	bend account_1 valid deactivated
	run -0 --separate-stderr account deactivate
	say account_1 200 '[]'
	run -2 --separate-stderr account show
	[ -z "$output" ]
	[ "$stderr" = "acme-account: $base/account/1: status (none)" ]
}

@test "acme-account: 7.1.2.1 pages of orders without end are no list" {
	say account_1 200 "{\"status\":\"valid\",\"orders\":\"$base/orders\"}"
	say orders 200 '{"orders":["https://a.example/1"]}'
	once orders 'Link: <orders>;rel="next"'
	run -0 --separate-stderr account orders
	[ "${#lines[@]}" -eq 2 ]
	with orders 'Link: <orders>;rel="next"'
	run -2 --separate-stderr account orders
	[ -z "$output" ]
	[ "$stderr" = 'acme-account: orders: more than 1000 pages, or too long' ]
}
