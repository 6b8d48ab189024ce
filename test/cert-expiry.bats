#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# cert-expiry against openssl.  What a certificate may look like inside is in
# unit/der-test.c.

load helper

# The certificates of these tests are valid from START to START + 1000.
START=1800000000

setup_file() {
	export CERTS=$BATS_FILE_TMPDIR
	mkdir "$CERTS/db"
	life thousand "san=DNS:a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1,URI:urn:x:1,email:u@a.example"
}

# life NAME [WORD...]: make_cert, self-signed, valid for these 1000 seconds.
life() {
	make_cert "$CERTS" "$1" issuer=self from="@$START" \
	    to="@$((START + 1000))" "${@:2}"
}

setup() { cd "$BATS_TEST_TMPDIR" || return; }

# at SECONDS ARGS...: so many seconds after START.
at() {
	local t=$((START + $1))
	cert-expiry -T "$t" "${@:2}"
}

# field NAME: of the only line of $output.
field() {
	[ "$(wc -l <<<"$output")" -eq 1 ] || return
	jq -c ".$1" <<<"$output"
}

refused() { # MESSAGE ARGS...: exit 2, one line, nothing on stdout
	run -2 --separate-stderr cert-expiry "${@:2}"
	[ -z "$output" ]
	[ "$stderr" = "cert-expiry: $1" ] || { echo "$stderr"; return 1; }
}

@test "cert-expiry: keeps the contract of all commands" {
	contract cert-expiry
}

@test "cert-expiry: says what openssl says" {
	require jq
	run -0 --separate-stderr at 1 "$CERTS/thousand.pem"
	[ -z "$stderr" ]
	[ "$(field serial)" = "\"$(openssl x509 -in "$CERTS/thousand.pem" \
	    -noout -serial | cut -d= -f2)\"" ]
	[ "$(field 'subject,.issuer' | uniq)" = '"CN=thousand"' ]
	[ "$(field not_before)" = '"2027-01-15T08:00:00Z"' ]
	[ "$(field not_after)" = '"2027-01-15T08:16:40Z"' ]
	[ "$(field names)" = '["a.example","*.b.example","192.0.2.1","2001:db8::1","URI:urn:x:1","email:u@a.example"]' ]
	[ "$(field 'seconds_left,.percent_left')" = $'999\n99.9' ]
	[ "$(jq -r 'keys_unsorted | join(" ")' <<<"$output")" = "subject issuer serial not_before not_after seconds_left percent_left names" ]
}

@test "cert-expiry: without a threshold only the end counts" {
	run -0 at 0 "$CERTS/thousand.pem"
	[[ $output == *,'"seconds_left":1000,"percent_left":100.0,'* ]]
	run -0 at 999 "$CERTS/thousand.pem"
	[[ $output == *,'"seconds_left":1,"percent_left":0.1,'* ]]
	run -1 at 1000 "$CERTS/thousand.pem"
	[[ $output == *,'"seconds_left":0,"percent_left":0.0,'* ]]
	run -1 at 1007 "$CERTS/thousand.pem"
	[[ $output == *,'"seconds_left":-7,"percent_left":0.0,'* ]]
}

@test "cert-expiry: one that is not yet valid is not good" {
	run -1 at -1 "$CERTS/thousand.pem"
	[[ $output == *,'"seconds_left":1001,"percent_left":100.0,'* ]]
}

@test "cert-expiry: -t is a part of the lifetime, in seconds" {
	run -0 at 669 -t 33 "$CERTS/thousand.pem"
	run -1 at 670 -t 33 "$CERTS/thousand.pem"
	run -0 at 999 -t 0 "$CERTS/thousand.pem"
	run -1 at 1000 -t 0 "$CERTS/thousand.pem"
	run -1 at 0 -t 100 "$CERTS/thousand.pem"
}

@test "cert-expiry: -s is seconds" {
	run -0 at 899 -s 100 "$CERTS/thousand.pem"
	run -1 at 900 -s 100 "$CERTS/thousand.pem"
	run -0 at 999 -s 0 "$CERTS/thousand.pem"
	run -1 at 0 -s 1000 "$CERTS/thousand.pem"
}

@test "cert-expiry: with -s and -t either is enough" {
	run -0 at 399 -s 100 -t 60 "$CERTS/thousand.pem"
	run -1 at 400 -s 100 -t 60 "$CERTS/thousand.pem"
	run -1 at 400 -s 600 -t 10 "$CERTS/thousand.pem"
}

@test "cert-expiry: percent_left and -t agree at every second" {
	require jq
	local t due
	for t in 0 1 329 330 331 499 500 501 665 669 670 671 999; do
		due=0
		at "$t" -t 67 "$CERTS/thousand.pem" >out || due=$?
		[ "$due" -eq "$(jq 'if .percent_left <= 67 then 1 else 0 end' out)" ]
	done
}

@test "cert-expiry: the clock is the default of -T" {
	make_cert "$BATS_TEST_TMPDIR" now issuer=self from='1 minute ago' \
	    to='1 hour'
	run -0 cert-expiry -s 3000 now.pem
	run -1 cert-expiry -s 3600 now.pem
}

@test "cert-expiry: lifetimes of two minutes and of thousands of years" {
	require jq
	make_cert . short issuer=self from="@$START" to="@$((START + 120))"
	run -0 at 79 -t 33 short.pem
	run -1 at 81 -t 33 short.pem
	make_cert . ever issuer=self from=1951-01-01 to='9999-12-31 23:59:59'
	run -0 cert-expiry -t 33 -T 0 ever.pem
	[ "$(field not_before)" = '"1951-01-01T00:00:00Z"' ]
	[ "$(field not_after)" = '"9999-12-31T23:59:59Z"' ]
	[ "$(field seconds_left)" = 253402300799 ]
	run -1 cert-expiry -T 253402300799 ever.pem
}

@test "cert-expiry: a bundle gives a line each and the worst decides" {
	require jq
	cat "$CA/a.example.chain.pem" "$CERTS/thousand.pem" "$CA/root.pem" >all
	now=$(date +%s)
	run -1 cert-expiry -T "$now" all
	[ "${#lines[@]}" -eq 4 ]
	[ "$(jq -r .subject <<<"$output" | tr '\n' ' ')" = "CN=a.example CN=Test Intermediate CN=thousand CN=Test Root " ]
	run -0 cert-expiry -T "$now" - <"$CA/a.example.chain.pem"
	[ "${#lines[@]}" -eq 2 ]
}

@test "cert-expiry: reads stdin, - and a file alike" {
	at 5 <"$CERTS/thousand.pem" >one
	at 5 - <"$CERTS/thousand.pem" >two
	at 5 "$CERTS/thousand.pem" >three
	cmp one two
	cmp one three
}

@test "cert-expiry: other blocks and text are passed over" {
	{
		cat "$CERTS/thousand.key"
		echo 'subject=CN = a'
		openssl x509 -in "$CERTS/thousand.pem" -text
		openssl req -new -key "$CERTS/thousand.key" -subj / -config /dev/null
		echo 'no newline at the end' | tr -d '\n'
	} >mixed
	at 5 mixed >out
	at 5 "$CERTS/thousand.pem" >expected
	cmp out expected
	sed 's/$/\r/' "$CERTS/thousand.pem" >crlf
	at 5 crlf >out
	cmp out expected
}

@test "cert-expiry: keys of every kind, which it does not read" {
	require jq
	local kind
	for kind in rsa2048 p384 ed25519; do
		make_key "$kind.key" "$kind"
		make_cert . "$kind" issuer=self key="$kind.key" \
		    from="@$START" to="@$((START + 1000))"
		run -0 at 0 "$kind.pem"
		[ "$(field subject)" = "\"CN=$kind\"" ]
	done
}

@test "cert-expiry: the same input gives the same bytes, ten thousand times" {
	for _ in {1..100}; do cat "$CERTS/thousand.pem"; done >hundred
	for _ in {1..100}; do cat hundred; done >many
	at 5 many | sort -u >out
	at 5 "$CERTS/thousand.pem" >expected
	cmp out expected
	[ "$(at 5 many | wc -l)" -eq 10000 ]
}

@test "cert-expiry: no certificate is an error" {
	: >empty
	refused "empty: no certificate in PEM form found" empty
	refused "$CERTS/thousand.key: no certificate in PEM form found" \
	    "$CERTS/thousand.key"
	openssl x509 -in "$CERTS/thousand.pem" -outform DER -out der
	refused "der: no certificate in PEM form found" der
	echo '-----BEGIN CERTIFICATE' >begin
	refused "begin: broken PEM: a block without its first or last line" begin
}

@test "cert-expiry: a broken block anywhere means no output at all" {
	local good=$CERTS/thousand.pem
	head -n 5 "$good" >half
	cat "$good" "$good" half >bad
	refused "bad: bad end line" bad
	{ cat "$good"; sed '3s/./!/' "$good"; cat "$good"; } >bad
	refused "bad: bad base64 decode" bad
	{ cat "$good"; sed 's/END CERTIFICATE/END CERT/' "$good"; } >bad
	refused "bad: bad end line" bad
	local lost='broken PEM: a block without its first or last line'
	{ sed '$d' "$good"; cat "$good"; } >bad
	refused "bad: $lost" bad
	{ cat half "$good"; } >bad
	refused "bad: $lost" bad
	{ cat "$good"; sed '1s/-$//' "$good"; cat "$good"; } >bad
	refused "bad: $lost" bad
	{ cat "$good"; sed '1s/-$//' "$good"; } >bad
	refused "bad: $lost" bad
	{
		cat "$good"
		printf -- '-----BEGIN CERTIFICATE-----\nMAMCAQU=\n'
		printf -- '-----END CERTIFICATE-----\n'
	} >bad
	refused "bad: certificate 2: not a certificate in DER" bad
}

@test "cert-expiry: one byte too few or too many is an error" {
	openssl x509 -in "$CERTS/thousand.pem" -outform DER -out der
	wrap() {
		echo '-----BEGIN CERTIFICATE-----'
		base64
		echo '-----END CERTIFICATE-----'
	}
	head -c -1 der | wrap >bad
	refused "bad: certificate 1: not a certificate in DER" bad
	{ cat der; echo; } | wrap >bad
	refused "bad: certificate 1: bytes after the end of the certificate" bad
}

@test "cert-expiry: a trusted certificate is no plain one" {
	openssl x509 -in "$CERTS/thousand.pem" -trustout -setalias x -out trusted
	grep -q 'BEGIN TRUSTED CERTIFICATE' trusted
	refused "trusted: certificate 1: bytes after the end of the certificate" \
	    trusted
}

@test "cert-expiry: a block of more than 1 MiB is an error" {
	{
		echo '-----BEGIN CERTIFICATE-----'
		head -c 1048577 /dev/zero | base64
		echo '-----END CERTIFICATE-----'
	} >big
	refused "big: PEM block larger than the limit of 1048576 bytes" big
}

@test "cert-expiry: a directory and a missing file" {
	refused ".: Is a directory" .
	refused "missing: No such file or directory" missing
}

@test "cert-expiry: options out of range are refused" {
	refused "-t 101: not a whole number between 0 and 100" -t 101
	refused "-t -1: not a whole number between 0 and 100" -t -1
	refused "-t 3.5: not a whole number between 0 and 100" -t 3.5
	refused "-s -1: not a whole number between 0 and 253402300799" -s -1
	refused "-T : not a whole number between 0 and 253402300799" -T ''
	run -2 --separate-stderr cert-expiry -f xml
	[[ $stderr == "usage: cert-expiry "* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "cert-expiry: needs libcrypto and nothing else" {
	run -0 ldd "$(command -v cert-expiry)"
	[[ $output == *libcrypto* ]]
	[[ $output != *libssl* && $output != *libcurl* && $output != *jansson* ]]
}

@test "cert-expiry: -f json is the default" {
	at 5 "$CERTS/thousand.pem" >one
	at 5 -f json "$CERTS/thousand.pem" >two
	cmp one two
}

@test "cert-expiry: -f nagios OK, WARNING, CRITICAL" {
	run -0 --separate-stderr at 10 -f nagios "$CERTS/thousand.pem"
	[ "$output" = "CERT OK - thousand expires 2027-01-15T08:16:40Z, 990 s (99.0 %) left; 1 certificate | cert1=990s;0:;0:" ]
	[ -z "$stderr" ]
	run -1 at 700 -f nagios -t 33 "$CERTS/thousand.pem"
	[ "$output" = "CERT WARNING - thousand expires 2027-01-15T08:16:40Z, 300 s (30.0 %) left; 1 certificate | cert1=300s;330:;0:" ]
	run -2 at 1001 -f nagios -t 33 "$CERTS/thousand.pem"
	[ "$output" = "CERT CRITICAL - thousand expired 2027-01-15T08:16:40Z, -1 s (0.0 %) left; 1 certificate | cert1=-1s;330:;0:" ]
	run -2 at -1 -f nagios "$CERTS/thousand.pem"
	[ "$output" = "CERT CRITICAL - thousand is not valid before 2027-01-15T08:00:00Z, 1001 s (100.0 %) left; 1 certificate | cert1=1001s;0:;0:" ]
}

@test "cert-expiry: -f nagios shows the worst of many" {
	cat "$CA/root.pem" "$CERTS/thousand.pem" "$CA/int.pem" >all
	run -1 at 700 -f nagios -s 300 all
	[[ $output == "CERT WARNING - thousand expires "*"; 3 certificates | cert1="*" cert2=300s;300:;0: cert3="* ]]
	[ "${#lines[@]}" -eq 1 ]
	run -2 at 1000 -f nagios -s 300 all
	[[ $output == "CERT CRITICAL - thousand expired "* ]]
}

@test "cert-expiry: -f nagios keeps the bar and the newline for itself" {
	life odd $'subject=/CN=a|b=1\nc'
	life plain subject=/ san=DNS:x.example
	life bare subject=/
	run -0 at 10 -f nagios "$CERTS/odd.pem"
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == 'CERT OK - a/b=1\x0ac expires '* ]]
	[ "$(tr -cd '|' <<<"$output")" = '|' ]
	run -0 at 10 -f nagios "$CERTS/plain.pem"
	[[ $output == "CERT OK - x.example expires "* ]]
	run -0 at 10 -f nagios "$CERTS/bare.pem"
	[[ $output == "CERT OK - $(openssl x509 -in "$CERTS/bare.pem" -noout \
	    -serial | cut -d= -f2) expires "* ]]
}

@test "cert-expiry: -f nagios answers every error with UNKNOWN" {
	run -3 --separate-stderr cert-expiry -f nagios missing
	[ "$output" = "CERT UNKNOWN - cert-expiry: missing: No such file or directory" ]
	[ -z "$stderr" ]
	: >empty
	run -3 cert-expiry -f nagios empty
	[ "$output" = "CERT UNKNOWN - cert-expiry: empty: no certificate in PEM form found" ]
	run -3 cert-expiry -f nagios -t 101
	[ "$output" = "CERT UNKNOWN - cert-expiry: -t 101: not a whole number between 0 and 100" ]
	run -3 cert-expiry -f nagios -9
	[[ $output == "CERT UNKNOWN - usage: cert-expiry "* ]]
	run -3 cert-expiry -f nagios one two
	[[ $output == "CERT UNKNOWN - usage: cert-expiry "* ]]
	run -2 cert-expiry -t 101 -f nagios
}

@test "cert-expiry: -f nagios into a full or closed stdout is UNKNOWN" {
	run -3 sh -c 'cert-expiry -T "$1" -f nagios "$2" >/dev/full' sh \
	    "$START" "$CERTS/thousand.pem"
	run -3 sh -c 'cert-expiry -T "$1" -f nagios "$2" >&-' sh \
	    "$START" "$CERTS/thousand.pem"
}

@test "cert-expiry: -f prometheus gives the four metrics" {
	serial=$(openssl x509 -in "$CERTS/thousand.pem" -noout -serial | cut -d= -f2)
	decimal=$(echo "ibase=16; $serial" | BC_LINE_LENGTH=0 bc)
	labels="serial_number=\"$decimal\",subject_CN=\"thousand\",issuer_CN=\"thousand\""
	cat >expected <<-END
	# HELP x509_cert_not_before Start of validity, seconds since 1970.
	# TYPE x509_cert_not_before gauge
	x509_cert_not_before{$labels} 1800000000
	# HELP x509_cert_not_after End of validity, seconds since 1970.
	# TYPE x509_cert_not_after gauge
	x509_cert_not_after{$labels} 1800001000
	# HELP x509_cert_expired 1 when the end of validity has come.
	# TYPE x509_cert_expired gauge
	x509_cert_expired{$labels} 0
	# HELP x509_cert_expires_in_seconds Seconds until the end of validity.
	# TYPE x509_cert_expires_in_seconds gauge
	x509_cert_expires_in_seconds{$labels} 990
	END
	at 10 -f prometheus <"$CERTS/thousand.pem" >out
	diff -u expected out
	run -1 at 1000 -f prometheus "$CERTS/thousand.pem"
	grep -q '^x509_cert_expired{.*} 1$' <<<"$output"
	grep -q '^x509_cert_expires_in_seconds{.*} 0$' <<<"$output"
}

@test "cert-expiry: -f prometheus names the file and escapes labels" {
	life quote 'subject=/CN=a\\b"c{d}' # openssl eats one backslash
	mkdir 'dir"1'
	cp "$CERTS/quote.pem" 'dir"1/x.pem'
	at 10 -f prometheus 'dir"1/x.pem' >out
	grep -qF ',filename="x.pem",filepath="dir\"1/x.pem"}' out
	grep -qF 'subject_CN="a\\b\"c{d}",' out
	life control $'subject=/CN=a\nb\001c'
	at 10 -f prometheus "$CERTS/control.pem" >out
	grep -qF $'subject_CN="a\\nb\xef\xbf\xbdc",' out || { cat out; false; }
	life bare subject=/
	at 10 -f prometheus <"$CERTS/bare.pem" >out
	grep -q '^x509_cert_not_after{serial_number="[0-9]*"} 1800001000$' out
}

@test "cert-expiry: -f prometheus groups by metric and repeats no series" {
	cat "$CERTS/thousand.pem" "$CA/root.pem" "$CERTS/thousand.pem" >all
	at 10 -f prometheus all >out
	[ "$(grep -c '^# TYPE' out)" -eq 4 ]
	[ "$(grep -vc '^#' out)" -eq 8 ]
	[ -z "$(grep -v '^#' out | sed 's/ [0-9]*$//' | sort | uniq -d)" ]
	[ "$(grep -v '^#' out | sed 's/{.*//' | uniq | wc -l)" -eq 4 ]
	[ "$(tail -c 1 out | od -An -tx1)" = ' 0a' ]
}

@test "cert-expiry: every certificate of the replay corpus is taken or refused" {
	local f rc
	for f in "$ECA_ROOT"/test/fuzz/corpus/fuzz-pem/*; do
		rc=0
		at 0 "$f" >out 2>err || rc=$?
		case ${f##*/},$rc in
		bad-*,2 | begin-only,2 | der-*,2 | empty-*,2 | cert-garbage,2)
			[ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] ;;
		bad-*) false ;;
		*,[01]) [ -s out ] && [ ! -s err ] ;;
		*) false ;;
		esac || { echo "$f: $rc"; cat err; return 1; }
	done
}

@test "cert-expiry: reads the dates of the system's roots as openssl does" {
	require jq
	local roots=/etc/ssl/certs/ca-certificates.crt
	require update-ca-certificates
	cert-expiry "$roots" >out || [ $? -eq 1 ]
	openssl storeutl -noout -text -certs "$roots" >text
	jq -r .not_after out >got
	sed -n 's/^ *Not After : \([^,]*\)$/\1/p' text | date -u -f - +%FT%TZ >want
	cmp got want
	jq -r .not_before out >got
	sed -n 's/^ *Not Before: \([^,]*\)$/\1/p' text | date -u -f - +%FT%TZ >want
	cmp got want
	[ "$(wc -l <want)" -eq "$(grep -c BEGIN "$roots")" ]
}
