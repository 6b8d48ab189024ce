#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper

setup() {
	require jq
}

# log ARGS...: the line of log-json -T 1800000000 INFO svc ev ARGS in $output.
log() {
	run -0 --separate-stderr log-json -T 1800000000 INFO svc ev "$@"
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 1 ]
	jq -e . <<<"$output" >/dev/null
}

# facts: the members of the line in $output after the first four, compact.
facts() {
	jq -c 'del(.time, .level, .service, .event)' <<<"$output"
}

# refuses MESSAGE ARGS...: exit 2, one line, nothing on stdout.
refuses() {
	run -2 --separate-stderr log-json INFO svc ev "${@:2}"
	[ -z "$output" ]
	[ "$stderr" = "log-json: $1" ]
}

# refuses_input MESSAGE: the same for the file input as stdin.
refuses_input() {
	run -2 --separate-stderr log-json INFO svc ev - <"$input"
	[ -z "$output" ]
	[ "$stderr" = "log-json: $1" ]
}

@test "log-json keeps the contract of all commands" {
	run -0 contract log-json
}

@test "log-json writes time, level, service, event and facts in order" {
	log zulu=1 alpha=two mike:=3
	[ "$output" = '{"time":"2027-01-15T08:00:00.000Z","level":"info",'\
'"service":"svc","event":"ev","zulu":"1","alpha":"two","mike":3}' ]
}

@test "log-json without facts writes the four members" {
	log
	[ "$(facts)" = '{}' ]
	log - </dev/null
	[ "$(facts)" = '{}' ]
}

@test "log-json takes the clock, with milliseconds, when there is no -T" {
	before=$(date +%s)
	run -0 log-json INFO svc ev
	after=$(date +%s)
	time=$(jq -r .time <<<"$output")
	[[ $time =~ ^20[0-9]{2}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}\.[0-9]{3}Z$ ]]
	[ "$(date -d "$time" +%s)" -ge "$before" ]
	[ "$(date -d "$time" +%s)" -le "$after" ]
	# Three lines do not all fall on .000.
	for _ in 1 2 3; do
		log-json INFO svc ev >>"$BATS_TEST_TMPDIR/lines"
		sleep 0.003
	done
	run -0 grep -cv '\.000Z' "$BATS_TEST_TMPDIR/lines"
}

@test "log-json -T takes seconds since 1970 up to the year 9999" {
	for pair in 0=1970-01-01T00:00:00.000Z \
	    951782400=2000-02-29T00:00:00.000Z \
	    253402300799=9999-12-31T23:59:59.000Z; do
		run -0 log-json -T "${pair%%=*}" INFO svc ev
		[ "$(jq -r .time <<<"$output")" = "${pair#*=}" ]
	done
	for epoch in -1 253402300800 x '' 1.5 99999999999999999999; do
		run -2 --separate-stderr log-json -T "$epoch" INFO svc ev
		[ -z "$output" ]
		[ "$stderr" = "log-json: -T $epoch: not a whole number between\
 0 and 253402300799" ]
	done
}

@test "log-json knows seven levels in any case and writes them lower" {
	for level in TRACE DEBUG INFO WARN ERROR CRITICAL FATAL Info fatal; do
		run -0 log-json "$level" svc ev
		[ "$(jq -r .level <<<"$output")" = "${level,,}" ]
	done
	for level in NOTICE WARNING INF INFOS ERR '' ' INFO'; do
		run -2 --separate-stderr log-json "$level" svc ev
		[ -z "$output" ]
		[ "$stderr" = "log-json: $level: not a level; one of TRACE,\
 DEBUG, INFO, WARN, ERROR, CRITICAL, FATAL" ]
	done
}

@test "log-json wants level, service and event" {
	for n in 0 1 2; do
		args=(INFO svc ev)
		run -2 --separate-stderr log-json "${args[@]:0:n}"
		[ "$stderr" = 'usage: log-json [-V] [-T epoch] level service'\
' event [key=value ...] [-]' ]
	done
	run -2 --separate-stderr log-json INFO '' ev
	[ "$stderr" = 'log-json: service: empty' ]
	run -2 --separate-stderr log-json INFO svc ''
	[ "$stderr" = 'log-json: event: empty' ]
}

@test "log-json escapes what JSON needs and repairs what is no UTF-8" {
	log 'a=say "hi" \ there' $'b=one\ntwo\ttab\001\033\177' c=é€𝄞 \
	    $'d=\377x\300\200\355\240\200' e==x= f=
	[ "$(jq -r .a <<<"$output")" = 'say "hi" \ there' ]
	[ "$(jq -r .b <<<"$output")" = $'one\ntwo\ttab\001\033\177' ]
	[ "$(jq -r .c <<<"$output")" = é€𝄞 ]
	[ "$(jq -r .d <<<"$output")" = '�x�����' ]
	[ "$(jq -r .e <<<"$output")" = =x= ]
	[ "$(jq -r .f <<<"$output")" = '' ]
	[[ $output != *[$'\001\033\177\377']* ]]
}

@test "log-json writes := values as they stand" {
	log a:=0 b:=-1 c:=1.50 d:=1e9 e:=-0.1E-7 f:=1e+05 g:=true h:=false \
	    i:=null j:=12345678901234567890123 k=true
	[[ $output == *',"a":0,"b":-1,"c":1.50,"d":1e9,"e":-0.1E-7,"f":1e+05,'* ]]
	[[ $output == *'"g":true,"h":false,"i":null,'* ]]
	[[ $output == *'"j":12345678901234567890123,"k":"true"}' ]]
}

@test "log-json refuses := values that are no JSON scalars" {
	for value in '' 01 -01 00 1. .5 1.e5 1e 1e+ + +1 - -- 1x 0x10 1,2 ' 1' \
	    '1 ' True nul nulll NaN Infinity '"x"' '[]' '{}' '1}' $'1\n' \
	    1e5.5 1.2.3 --1; do
		refuses 'operand 4: after := comes a number, true, false or'\
' null' "a:=$value"
	done
}

@test "log-json refuses keys that are not [a-z][a-z0-9_]*" {
	for key in '' A aB 1a _a a-b a.b 'a b' ' a' é : a:: '"'; do
		refuses 'operand 5: the key is not [a-z][a-z0-9_]*' ok=1 \
		    "$key=hidden"
	done
	refuses 'operand 4: the key is not [a-z][a-z0-9_]*' :=1
	log a=1 z_9=2 a__=3
}

@test "log-json refuses an operand that is no fact, without showing it" {
	refuses 'operand 4: not key=value' hunter2
	refuses 'operand 5: not key=value' a=1 ''
}

@test "log-json refuses a key twice and the four of its own" {
	refuses 'operand 5: a is in the line already' a=1 a=2
	refuses 'operand 6: a is in the line already' a=1 b=1 a:=2
	for key in time level service event; do
		refuses "operand 4: $key is in the line already" "$key=x"
	done
	log a=1 aa=1 timer=1 time_=1
	input=$BATS_TEST_TMPDIR/input
	printf 'b=1\na=2\n' >"$input"
	run -2 --separate-stderr log-json INFO svc ev a=1 - <"$input"
	[ "$stderr" = 'log-json: stdin: line 2: a is in the line already' ]
}

@test "log-json - reads facts from stdin where it stands" {
	input=$BATS_TEST_TMPDIR/input
	printf 'b=two words = 2\nc:=3\nd=\r\ne=last' >"$input"
	log a=1 - z=26 <"$input"
	[ "$(facts)" = '{"a":"1","b":"two words = 2","c":3,"d":"\r",'\
'"e":"last","z":"26"}' ]
}

@test "log-json - refuses bad lines, by their number" {
	input=$BATS_TEST_TMPDIR/input
	printf 'a=1\nhunter2\n' >"$input"
	refuses_input 'stdin: line 2: not key=value'
	printf 'a=1\n\nb=2\n' >"$input"
	refuses_input 'stdin: line 2: not key=value'
	printf 'a=1\nB=2\n' >"$input"
	refuses_input 'stdin: line 2: the key is not [a-z][a-z0-9_]*'
	printf 'a\0=1\n' >"$input"
	refuses_input 'stdin: line 1: the key is not [a-z][a-z0-9_]*'
	printf 'a:=1\0\n' >"$input"
	refuses_input \
	    'stdin: line 1: after := comes a number, true, false or null'
	head -c 65537 /dev/zero >"$input"
	refuses_input 'stdin: larger than the limit of 65536 bytes'
	run -2 --separate-stderr log-json INFO svc ev - <.
	[ "$stderr" = 'log-json: stdin: Is a directory' ]
}

@test "log-json - keeps a NUL in a value as an escape" {
	printf 'a=x\0y\n' >"$BATS_TEST_TMPDIR/input"
	run -0 log-json INFO svc ev - <"$BATS_TEST_TMPDIR/input"
	[[ $output == *'"a":"x\u0000y"}' ]]
}

@test "log-json - twice is a usage error" {
	run -2 --separate-stderr log-json INFO svc ev - a=1 - </dev/null
	[ -z "$output" ]
	[ "$stderr" = 'usage: log-json [-V] [-T epoch] level service event'\
' [key=value ...] [-]' ]
}

@test "log-json redacts the values of keys that name a secret" {
	for key in password passwd passphrase token secret pin credential \
	    credentials authorization cookie psk mac hmac key keys apikey \
	    tokens token2 tokens2 user_password token_value my_pin_x \
	    private_key key_pem key_ id_token file_key a__secret sha256_key; do
		log "$key=hunter2" after=1
		[ "$(facts)" = "{\"$key\":\"[redacted]\",\"after\":\"1\"}" ]
	done
	log pin:=1234 key:=null token:=true
	[ "$(facts)" = '{"pin":"[redacted]","key":"[redacted]",'\
'"token":"[redacted]"}' ]
	printf 'token=hunter2\n' >"$BATS_TEST_TMPDIR/input"
	log - <"$BATS_TEST_TMPDIR/input"
	[ "$(facts)" = '{"token":"[redacted]"}' ]
}

@test "log-json does not redact keys that only look like it" {
	for key in key_file token_path secret_dir key_type mac_alg key_bits \
	    key_size token_id token_count key_sha256 token_url token_uri \
	    token_expires tokenizer monkey keyboard macro pinned pinning spin \
	    machine passed cookies_id s 256 file; do
		[ "$key" != 256 ] || key=a256
		log "$key=shown"
		[ "$(facts)" = "{\"$key\":\"shown\"}" ]
	done
}

@test "log-json redacts values that look like keys and credentials" {
	for value in 'Bearer abc' 'bearer abc' 'Basic YTpi' 'BASIC x' \
	    '-----BEGIN PRIVATE KEY-----' \
	    $'x\n-----BEGIN EC PRIVATE KEY-----\nMHc' \
	    '-----BEGIN ENCRYPTED PRIVATE KEY-----x'; do
		log "note=$value" after=1
		[ "$(facts)" = '{"note":"[redacted]","after":"1"}' ]
		run -0 log-json -- INFO "$value" "$value"
		[[ $output == \
		    *'"service":"[redacted]","event":"[redacted]"}' ]]
	done
	for value in Bearer Basics 'a Bearer x' '-----BEGIN PUBLIC KEY-----' \
	    'PRIVATE KEY----'; do
		log "note=$value"
		[ "$(jq -r .note <<<"$output")" = "$value" ]
	done
}

@test "log-json writes lines up to 8191 bytes" {
	log a=
	room=$((8191 - ${#output} - 1))
	fill=$(printf '%0*d' "$room" 0)
	log "a=$fill"
	[ "${#output}" -eq 8190 ]
	run -2 --separate-stderr log-json -T 1800000000 INFO svc ev "a=${fill}0"
	[ -z "$output" ]
	[ "$stderr" = 'log-json: the line is longer than 8191 bytes' ]
}

@test "log-json writes a line with one write" {
	fill=$(printf '%08000d' 0)
	for _ in 1 2 3 4 5; do
		{
			sleep 0.05	# until dd waits for its only read
			log-json -T 1800000000 INFO svc ev "a=$fill"
		} | dd bs=16384 count=1 of="$BATS_TEST_TMPDIR/out" 2>&1
		[ "$(wc -c <"$BATS_TEST_TMPDIR/out")" -gt 8000 ]
		jq -e . "$BATS_TEST_TMPDIR/out"
	done
}

@test "log-json refuses lines over the limit, however they come about" {
	long=$(printf '%09000d' 0)
	refuses 'the line is longer than 8191 bytes' "a=$long"
	refuses 'the line is longer than 8191 bytes' "a:=1$long"
	run -2 --separate-stderr log-json INFO "$long" ev
	[ "$stderr" = 'log-json: the line is longer than 8191 bytes' ]
	# Escaping counts: 1500 bytes become 9000.
	refuses 'the line is longer than 8191 bytes' \
	    "a=$(printf '%01500d' 0 | tr 0 '\001')"
	input=$BATS_TEST_TMPDIR/input
	for ((i = 0; i < 4000; i++)); do
		echo "k$i:=1"
	done >"$input"
	refuses_input 'the line is longer than 8191 bytes'
}

@test "log-json takes as many facts as the line has room for" {
	input=$BATS_TEST_TMPDIR/input
	for ((i = 0; i < 700; i++)); do
		printf 'k%x:=1\n' "$i"
	done >"$input"
	log - <"$input"
	[ "$(facts | jq length)" -eq 700 ]
}

@test "log-json lines of many writers do not mix" {
	file=$BATS_TEST_TMPDIR/log
	fill=$(printf '%06000d' 0)
	pids=()
	for n in 1 2 3 4; do
		for _ in 1 2 3 4 5 6 7 8; do
			log-json INFO svc ev "n=$n" "fill=$fill" >>"$file"
		done 3>&- &
		pids+=("$!")
	done
	wait "${pids[@]}"
	[ "$(jq -c '.fill | length' "$file" | sort | uniq -c | tr -s ' ')" = \
	    ' 32 6000' ]
}
