#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# clock-check against servers that answer what no CA does; with real ones, and
# with a clock that is wrong: e2e-clock.bats.

load helper
load servers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir says
}

teardown() { stop_bg; }

# answers LINE...: httpsd, whose answer to /time has this head.
answers() {
	printf '%s\n' "$@" '' >says/time
	[ -z "${base-}" ] || return 0
	port=$(free_port)
	base=https://127.0.0.1:$port
	start_bg sh -c 'exec "$@" >requests' sh \
	    "$ECA_ROOT/build/doubles/httpsd" "$port" \
	    "${server:-$CA/a.example}.chain.pem" \
	    "${server:-$CA/a.example}.key" says
	wait_port "$port"
}

# date_of TIME: as HTTP has it.
date_of() { date -u -d "$1" '+%a, %d %b %Y %H:%M:%S GMT'; }

clock() { clock-check -A "$CA/root.pem" -u "$base/time" "$@"; }

# skew CODE SECONDS OPTION...: exit CODE, and that is how far we are ahead.
skew() {
	run "-$1" --separate-stderr clock "${@:3}"
	[ -z "$stderr" ]
	[[ $output == *",\"skew_seconds\":$2}" ]] || {
		printf 'wanted: %s\ngot: %s\n' "$2" "$output" >&2
		return 1
	}
}

# says CODE TEXT OPTION...: exit CODE with that one line, nothing on stdout.
says() {
	run "-$1" --separate-stderr clock "${@:3}"
	[ -z "$output" ]
	[ "$stderr" = "clock-check: $base/time: $2" ] || {
		printf 'wanted: %s\ngot: %s\n' "$2" "$stderr" >&2
		return 1
	}
}

# 2026-11-22T12:00:00Z
noon='Sun, 22 Nov 2026 12:00:00 GMT'
epoch=1795348800

@test "clock-check: keeps the contract of all commands" {
	contract clock-check
}

@test "clock-check: one HEAD, one line of JSON" {
	answers '200 OK' "Date: $noon"
	run -0 --separate-stderr clock -T "$epoch"
	[ "$output" = '{"server_time":"2026-11-22T12:00:00Z","local_time":"2026-11-22T12:00:00Z","skew_seconds":0}' ]
	[ -z "$stderr" ]
	[ "$(cat requests)" = 'HEAD /time ' ]
}

@test "clock-check: the same clock agrees to the second, many times" {
	local i
	answers '200 OK' ''
	for i in {1..20}; do
		answers '200 OK' "Date: $(date_of now)"
		skew 0 0 -s 0
		sleep 0.0$((i * 4 % 10))
	done
}

@test "clock-check: ahead is positive, behind negative; a second is forgiven" {
	answers '200 OK' "Date: $noon"
	skew 0 0 -s 0 -T $((epoch + 1))
	skew 0 0 -s 0 -T $((epoch - 1))
	skew 1 1 -s 0 -T $((epoch + 2))
	skew 1 -1 -s 0 -T $((epoch - 2))
	skew 0 9 -s 9 -T $((epoch + 10))
	skew 1 9 -s 8 -T $((epoch + 10))
	skew 0 -9 -s 9 -T $((epoch - 10))
	skew 1 -9 -s 8 -T $((epoch - 10))
}

@test "clock-check: five minutes are allowed when nothing is said" {
	answers '200 OK' "Date: $noon"
	skew 0 300 -T $((epoch + 301))
	skew 1 301 -T $((epoch + 302))
	skew 0 -300 -T $((epoch - 301))
	skew 1 -301 -T $((epoch - 302))
}

@test "clock-check: what the exchange took is no skew" {
	# 33 bytes a second: the answer is there after more than two
	answers '200 OK' '!drip 33' "Date: $noon"
	run -0 --separate-stderr clock -s 0 -T $((epoch - 3))
	[[ $output == *'"skew_seconds":0}' ]]
	run -1 clock -s 0 -T $((epoch + 2))
	[[ $output == *'"skew_seconds":1}' ]]
}

@test "clock-check: any status counts, with a Date" {
	local status
	for status in '204 No Content' '301 Moved' '403 Forbidden' \
	    '404 Not Found' '405 Method Not Allowed' '500 Oops' '503 Busy'; do
		answers "$status" "Date: $noon" 'Location: https://127.0.0.1:9/'
		skew 0 0 -T "$epoch"
		skew 1 3599 -T $((epoch + 3600))
	done
}

@test "clock-check: no Date is an error, of a server at fault temporary" {
	answers '200 OK' 'X-Date: now'
	says 2 'HTTP status 200, no Date'
	answers '404 Not Found'
	says 2 'HTTP status 404, no Date'
	answers '503 Busy'
	says 75 'HTTP status 503, no Date'
}

@test "clock-check: two Dates are an error, the same time or not" {
	answers '200 OK' "Date: $noon" "date: $noon"
	says 2 'HTTP status 200, more than one Date'
	answers '502 Bad Gateway' "Date: $noon" "DATE: $(date_of now)"
	says 75 'HTTP status 502, more than one Date'
}

@test "clock-check: a Date that is none is an error" {
	local text
	for text in yesterday 12:00:00 1795348800 \
	    'Sun, 22 Foo 2026 12:00:00 GMT' 'Sun, 22 Nov 2026 25:00:00 GMT' \
	    '31 Dec 1960 23:00:00 GMT' 'Sat, 01 Jan 99999 00:00:00 GMT' \
	    "$(printf '%0500d' 0)"; do
		answers '200 OK' "Date: $text"
		run -2 --separate-stderr clock
		[ -z "$output" ]
		[[ $stderr == "clock-check: $base/time: Date: "*": not a time" ]]
	done
	answers '200 OK' 'Date:'
	says 2 'Date: : not a time'
	answers '200 OK' "$(printf 'Date: \033[2J')"
	says 2 'Date: \x1b[2J: not a time'
	answers '500 Oops' 'Date: yesterday'
	says 75 'Date: yesterday: not a time'
}

@test "clock-check: the other two forms of a Date are read (RFC 9110 5.6.7)" {
	answers '200 OK' 'Date: Sunday, 22-Nov-26 12:00:00 GMT'
	skew 0 0 -T "$epoch"
	answers '200 OK' 'Date: Sun Nov 22 12:00:00 2026'
	skew 0 0 -T "$epoch"
}

@test "clock-check: 1970, 2038 and 9999 are times" {
	answers '200 OK' 'Date: Thu, 01 Jan 1970 00:00:00 GMT'
	skew 0 0 -T 0
	skew 1 1795348799 -T "$epoch"
	answers '200 OK' 'Date: Tue, 19 Jan 2038 03:14:08 GMT'
	skew 0 0 -T 2147483648
	skew 1 -352134847 -T "$epoch"
	[[ $output == *'"server_time":"2038-01-19T03:14:08Z"'* ]]
	answers '200 OK' 'Date: Fri, 31 Dec 9999 23:59:59 GMT'
	skew 0 0 -T 253402300799
	skew 1 -253402300798 -T 0
}

@test "clock-check: what a cache says of its Age is added to the Date" {
	answers '200 OK' "Date: $noon" 'Age: 3600'
	skew 0 0 -T $((epoch + 3600))
	skew 1 -3599 -T "$epoch"
	answers '200 OK' "Date: $noon" 'Age: old'
	skew 0 0 -T "$epoch"
	answers '200 OK' 'Date: Fri, 31 Dec 9999 23:59:59 GMT' 'Age: 1'
	skew 0 0 -T 253402300799
}

@test "clock-check: nobody there, no answer and half a one are temporary" {
	answers '200 OK' '!drip 0' "Date: $noon"
	SECONDS=0
	says 75 'deadline reached' -m 1
	[ "$SECONDS" -le 3 ]
	answers '200 OK' '!cut 30' "Date: $noon"
	run -75 --separate-stderr clock
	: >says/connect.1
	run -75 --separate-stderr clock
	[ -z "$output" ]
	stop_bg
	run -75 --separate-stderr clock
	[ -z "$output" ]
	[[ $stderr == "clock-check: $base/time: "* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "clock-check: a server that is not trusted, or another one, is an error" {
	answers '200 OK' "Date: $(date_of now)"
	make_cert . other issuer=self
	run -2 --separate-stderr clock -A other.pem
	[[ $stderr == *"unable to get local issuer certificate"* ]]
	run -2 --separate-stderr clock -u "https://localhost:$port/time"
	[[ $stderr == *"localhost"* ]]
	[ ! -s requests ]
	SSL_CERT_FILE=$CA/root.pem CURL_CA_BUNDLE=$CA/root.pem run -2 \
	    clock -A other.pem
}

@test "clock-check: the times in certificates do not count, all else does" {
	make_ca pki
	make_cert pki old san=IP:127.0.0.1 from=2020-01-02 to=2020-02-01
	make_cert pki new san=IP:127.0.0.1 from=2045-01-02 to=2045-02-01
	make_cert pki oldroot issuer=self from=2020-01-02 to=2020-02-01 \
	    ext='basicConstraints = critical,CA:TRUE'
	make_cert pki under issuer=oldroot san=IP:127.0.0.1
	make_cert pki client san=IP:127.0.0.1 \
	    ext='extendedKeyUsage = clientAuth'
	make_cert pki named san=DNS:a.example from=2020-01-02 to=2020-02-01
	local name root
	for name in old:root new:root under:oldroot; do
		root=${name#*:}
		server=pki/${name%:*}
		base=''
		answers '200 OK' "Date: $(date_of now)"
		skew 0 0 -A "pki/$root.pem"
		stop_bg
	done
	for name in client named; do
		server=pki/$name
		base=''
		answers '200 OK' "Date: $(date_of now)"
		run -2 --separate-stderr clock -A pki/root.pem
		[ -z "$output" ]
		stop_bg
	done
}

@test "clock-check: by HTTP/2 as well" {
	DOUBLE_LISTEN=http2 double 'location / { return 418; }'
	base=https://127.0.0.1:$port
	run -0 --separate-stderr clock -v
	[[ $output == *'"skew_seconds":0}' ]]
	[[ $stderr == *": HTTP status 418, "* ]]
	grep -q '"HEAD /time HTTP/2.0"' requests.log
}

@test "clock-check: -v says what was answered" {
	answers '404 Not Found' "Date: $noon"
	run -0 --separate-stderr clock -v -T "$epoch"
	[[ $stderr =~ ^"clock-check: $base/time: HTTP status 404, "[0-9]+" ms"$ ]]
}

@test "clock-check: a URL that is not https is refused" {
	local u
	for u in http://127.0.0.1:9/ 127.0.0.1 ftp://a.example/ \
	    https://u:p@a.example/ ''; do
		run -2 --separate-stderr clock-check -A "$CA/root.pem" -u "$u"
		[ "$stderr" = "clock-check: $u: not an https URL" ]
	done
}

@test "clock-check: -A - is standard input; anchors that are none are refused" {
	answers '200 OK' "Date: $noon"
	clock -T "$epoch" -A - <"$CA/root.pem"
	: >empty
	run -2 --separate-stderr clock -A empty
	[ "$stderr" = 'clock-check: empty: no certificate in PEM form found' ]
}

@test "clock-check: -m, -s and -T take numbers in range only" {
	base=https://127.0.0.1:9
	run -2 --separate-stderr clock -m 0
	[ "$stderr" = \
	    'clock-check: -m 0: not a whole number between 1 and 3600' ]
	run -2 --separate-stderr clock -s -1
	[ "$stderr" = \
	    'clock-check: -s -1: not a whole number between 0 and 86400' ]
	run -2 --separate-stderr clock -T 1.5
	[[ $stderr == 'clock-check: -T 1.5: not a whole number between 0 and '* ]]
}

@test "clock-check: a lost stdout is an error" {
	answers '200 OK' "Date: $noon"
	run -2 sh -c 'exec "$@" >/dev/full' sh clock-check \
	    -A "$CA/root.pem" -u "$base/time" -T "$epoch"
	[[ $output == 'clock-check: stdout: '* ]]
	run -2 sh -c 'exec "$@" >&-' sh clock-check \
	    -A "$CA/root.pem" -u "$base/time" -T "$epoch"
}
