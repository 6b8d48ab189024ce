#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# crl-fetch against a real nginx with canned files; with step-ca and lighttpd:
# e2e-crl.bats.

load helper
load servers

setup_file() {
	export WWW=$BATS_FILE_TMPDIR/www PORT TLS_PORT BASE
	PORT=$(free_port)
	TLS_PORT=$(free_port)
	BASE=http://127.0.0.1:$PORT
	mkdir "$WWW" && cd "$BATS_FILE_TMPDIR" || return
	nginx_conf <<-END
	server {
		listen 127.0.0.1:$PORT;
		listen 127.0.0.1:$TLS_PORT ssl;
		ssl_certificate $CA/a.example.chain.pem;
		ssl_certificate_key $CA/a.example.key;
		root $WWW;
		location /moved { return 302 http://127.0.0.1:$PORT/ca.crl; }
		location /https { return 301 https://127.0.0.1:$TLS_PORT/ca.crl; }
		location /status/403 { return 403; }
		location /status/429 {
			add_header Retry-After 120 always;
			return 429;
		}
		location /status/500 { return 500; }
		location /status/503 { return 503; }
		location /status/204 { return 204; }
		location /slow { limit_rate 100; alias $WWW; }
	}
	END
	server nginx nginx -e nginx.log -p . -c nginx.conf
	wait_port "$PORT"
	wait_port "$TLS_PORT"
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	rm -f "$WWW"/*
	mkdir cache
	fetch=(crl-fetch -B "$CA/int.pem" -u "$BASE/ca.crl")
	keep=("${fetch[@]}" -C cache/ca.crl)
}

# publish [make_crl words]: a CRL of the intermediate, as PEM and DER.
publish() {
	make_crl "$CA" int new.crl "$@"
	mv new.crl "$WWW/ca.crl"
	mv new.crl.der "$WWW/ca.der"
}

# kept_is FILE: the cache has these bytes and nothing is beside it.
kept_is() {
	cmp "$1" cache/ca.crl
	[ "$(ls -A cache)" = ca.crl ]
}

# refuses CODE WORDS: the cache, if any, stays, and one line tells why.
refuses() {
	local before=none
	[ ! -e cache/ca.crl ] || before=$(stat -c '%i %Y' cache/ca.crl)
	run -"$1" --separate-stderr "${keep[@]}" "${@:3}"
	echo "$stderr"
	[ -z "$output" ]
	[[ $stderr == "crl-fetch: "*"$2"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	if [ "$before" = none ]; then
		[ -z "$(ls -A cache)" ]
	else
		[ "$(stat -c '%i %Y' cache/ca.crl)" = "$before" ]
		[ "$(ls -A cache)" = ca.crl ]
	fi
}

@test "crl-fetch keeps the contract of all commands" {
	run -0 contract crl-fetch
}

@test "crl-fetch prints PEM or DER, whatever the server has" {
	publish
	for file in ca.crl ca.der; do
		"${fetch[@]}" -u "$BASE/$file" >out
		cmp out "$WWW/ca.crl"
		"${fetch[@]}" -u "$BASE/$file" -f der >out
		cmp out "$WWW/ca.der"
	done
}

@test "crl-fetch -C says what it has got in one line of JSON" {
	publish number=FFFFFFFFFFFFFFFFFFFF revoke="$CA/a.example.pem"
	run -0 --separate-stderr "${keep[@]}"
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 1 ]
	kept_is "$WWW/ca.crl"
	[ "$(stat -c %a cache/ca.crl)" = 644 ]
	for way in this:last next:next; do
		when=$(openssl crl -in "$WWW/ca.crl" -noout "-${way#*:}update")
		[ "$(jq -r ".${way%:*}_update" <<<"$output")" = \
		    "$(date -u -d "${when#*=}" +%FT%TZ)" ]
	done
	run -0 jq -c '[.issuer, .number, .entries, .changed]' <<<"$output"
	[ "$output" = \
	    '["CN=Test Intermediate","1208925819614629174706175",1,true]' ]
}

@test "crl-fetch -C leaves the file alone when it has it already" {
	publish
	"${keep[@]}" >out
	before=$(stat -c '%i %y' cache/ca.crl)
	run -0 "${keep[@]}" -u "$BASE/ca.der"
	[ "$(jq .changed <<<"$output")" = false ]
	[ "$(stat -c '%i %y' cache/ca.crl)" = "$before" ]
	# the other form of the same is a change
	run -0 "${keep[@]}" -f der
	[ "$(jq .changed <<<"$output")" = true ]
	kept_is "$WWW/ca.der"
}

@test "crl-fetch -C takes a newer one" {
	publish number=09
	"${keep[@]}" >out
	publish number=0A from='30 minutes ago'
	"${keep[@]}" >out
	kept_is "$WWW/ca.crl"
	# number 0x80 would be negative in one byte
	publish number=80 from='30 minutes ago'
	"${keep[@]}" >out
	publish number=0100 from='30 minutes ago'
	run -0 "${keep[@]}"
	[ "$(jq -r .number <<<"$output")" = 256 ]
	kept_is "$WWW/ca.crl"
}

@test "crl-fetch -C: R10 never goes back, by number or by time" {
	publish number=10 from='2 hours ago'
	"${keep[@]}" >out
	publish number=0F from='1 hour ago'
	refuses 2 'cache/ca.crl: number 16 of 20'
	[[ $stderr == *'Z is newer than number 15 of 20'*Z ]]
	publish number=11 from='3 hours ago'
	refuses 2 'cache/ca.crl: number '
	# nor to none
	publish number=11 from='1 hour ago' ext=2.5.29.99=DER:0500
	"${keep[@]}" >out
	publish number=10 from='2 hours ago'
	refuses 2 'cache/ca.crl: number '
	# but without a cache anything good is taken
	rm cache/ca.crl
	"${keep[@]}" >out
	kept_is "$WWW/ca.crl"
}

@test "crl-fetch -C does not go back when the cache is stale" {
	publish number=10 to='10 minutes'
	"${keep[@]}" >out
	publish number=0F to='3 hours'
	refuses 2 ' is newer than number ' -T "$(date -d '1 hour' +%s)"
}

@test "crl-fetch -C takes the newer of two of the same number" {
	publish number=07 from='2 hours ago'
	"${keep[@]}" >out
	publish number=07 from='1 hour ago' revoke="$CA/a.example.pem"
	run -0 "${keep[@]}"
	[ "$(jq .entries <<<"$output")" -eq 1 ]
	kept_is "$WWW/ca.crl"
	publish number=07 from='2 hours ago'
	refuses 2 ' is newer than number '
}

@test "crl-fetch -C keeps the first of two of the same number and time" {
	at=$(date -u -d '1 hour ago' +%FT%TZ)
	publish number=07 from="$at" revoke="$CA/a.example.pem"
	"${keep[@]}" >out
	publish number=07 from="$at"
	refuses 2 'cache/ca.crl: another CRL of the same number and time'
}

@test "crl-fetch -C keeps the CRL of one issuer" {
	cat "$CA/int.pem" "$CA/root.pem" >cas.pem
	publish
	"${keep[@]}" -B cas.pem >out
	make_crl "$CA" root new.crl number=99
	mv new.crl "$WWW/ca.crl"
	refuses 2 'cache/ca.crl: holds the CRL of another issuer' -B cas.pem
}

@test "crl-fetch refuses a CRL of another issuer" {
	make_crl "$CA" root new.crl
	mv new.crl "$WWW/ca.crl"
	refuses 2 "$BASE/ca.crl: CRL refused: no_signer ("
	"${keep[@]}" -B "$CA/root.pem" >out
	# the name is right, the key is not
	make_ca other
	make_crl other int new.crl
	mv new.crl "$WWW/ca.crl"
	rm cache/ca.crl
	refuses 2 'CRL refused: '
}

@test "crl-fetch refuses a bad signature, and changes anywhere else" {
	publish revoke="$CA/a.example.pem"
	len=$(wc -c <"$WWW/ca.der")
	cp "$WWW/ca.der" good
	for ((at = 4; at < len; at += 7)); do
		{
			head -c "$at" good
			tail -c "+$((at + 1))" good | head -c 1 | tr '\0-\377' '\1-\377\0'
			tail -c "+$((at + 2))" good
		} >"$WWW/ca.crl"
		refuses 2 "$BASE/ca.crl: "
	done
	head -c $((len - 1)) good >"$WWW/ca.crl"
	printf '\0' >>"$WWW/ca.crl"
	refuses 2 'CRL refused: bad_signature'
}

@test "crl-fetch refuses a stale CRL with 75, and one to come" {
	publish from='2 days ago' to='1 hour ago'
	refuses 75 'CRL refused: stale ('
	publish from='1 hour' to='2 hours'
	refuses 75 'CRL refused: not_yet_valid ('
	"${keep[@]}" -T "$(date -d '90 minutes' +%s)" >out
	kept_is "$WWW/ca.crl"
}

@test "crl-fetch -R takes a list from a file or stdin and judges it alike" {
	publish number=07
	run -0 --separate-stderr crl-fetch -B "$CA/int.pem" -R "$WWW/ca.der"
	cmp <(echo "$output") "$WWW/ca.crl"
	[ -z "$stderr" ]
	keep=(crl-fetch -B "$CA/int.pem" -C cache/ca.crl -R -)
	run -0 --separate-stderr "${keep[@]}" <"$WWW/ca.der"
	[ "$(jq -c '[.number, .changed]' <<<"$output")" = '["7",true]' ]
	kept_is "$WWW/ca.crl"
	run -0 --separate-stderr "${keep[@]}" <cache/ca.crl
	[ "$(jq .changed <<<"$output")" = false ]
	publish number=06
	refuses 2 'is newer than number 6 of ' <"$WWW/ca.crl"
	publish number=09 to='1 minute ago' from='2 hours ago'
	refuses 75 'stdin: CRL refused: stale' <"$WWW/ca.crl"
	make_crl "$CA" root root.crl
	refuses 2 'stdin: CRL refused: no_signer' <root.crl
	cat "$WWW/ca.crl" root.crl >both
	refuses 2 'stdin: more than one PEM block' <both
	refuses 2 'stdin: ' </dev/null
	head -c 64M /dev/zero >large
	echo >>large
	refuses 2 'stdin: ' <large
}

@test "crl-fetch -M limits the age" {
	publish from='3 hours ago'
	refuses 75 'CRL refused: stale (' -M 2.5
	"${keep[@]}" -M 3.5 >out
	kept_is "$WWW/ca.crl"
	run -2 --separate-stderr "${keep[@]}" -M 169
	[ "$stderr" = \
	    'crl-fetch: -M 169: not a number of hours from 0.1 to 168' ]
}

@test "crl-fetch refuses a delta, an indirect one, an unknown extension" {
	publish ext='2.5.29.27=critical,DER:020101'
	refuses 2 'CRL refused: delta ('
	publish ext='2.5.29.28=critical,DER:30038401ff'
	refuses 2 'CRL refused: indirect ('
	publish ext='1.2.3.4=critical,DER:0500'
	refuses 2 'CRL refused: unknown_critical_extension ('
}

@test "crl-fetch refuses what is no CRL" {
	publish
	cp "$WWW/ca.der" good
	for part in 0 1 2 100 $(($(wc -c <good) - 1)); do
		head -c "$part" good >"$WWW/ca.crl"
		refuses 2 "$BASE/ca.crl: not a CRL in DER or PEM"
	done
	cat good good >"$WWW/ca.crl"
	refuses 2 "$BASE/ca.crl: bytes after the end of the CRL"
	echo '<html>Log in</html>' >"$WWW/ca.crl"
	refuses 2 "$BASE/ca.crl: not a CRL in DER or PEM"
	cp "$CA/int.pem" "$WWW/ca.crl"
	refuses 2 "$BASE/ca.crl: not a CRL in DER or PEM"
}

@test "crl-fetch refuses more than 64 MiB" {
	truncate -s 67108865 "$WWW/ca.crl"
	refuses 2 'answer larger than the limit of 67108864 bytes'
	truncate -s 67108864 "$WWW/ca.crl"
	refuses 2 'not a CRL in DER or PEM'
}

@test "crl-fetch follows no redirect" {
	publish
	refuses 2 "$BASE/moved: HTTP status 302, a redirect to $BASE/ca.crl:\
 not followed" -u "$BASE/moved"
	refuses 2 'a redirect to https://' -u "$BASE/https"
}

@test "crl-fetch tells what heals by waiting from what does not" {
	for status in 403 204; do
		refuses 2 "HTTP status $status" -u "$BASE/status/$status"
	done
	for status in 500 503; do
		refuses 75 "HTTP status $status" -u "$BASE/status/$status"
	done
	refuses 75 'HTTP status 404' -u "$BASE/none"
	refuses 75 "http://127.0.0.1:9/: " -u http://127.0.0.1:9/
	run -75 --separate-stderr "${keep[@]}" -u "$BASE/status/429"
	[[ ${stderr_lines[0]} == *'HTTP status 429' ]]
	[[ ${stderr_lines[-1]} == 'retry-at: '*Z ]]
}

@test "crl-fetch -m ends what takes too long" {
	publish
	refuses 75 'deadline reached' -m 1 -u "$BASE/slow/ca.crl"
}

@test "crl-fetch takes absolute http and https URLs and no others" {
	publish
	before=$(wc -l <"$BATS_FILE_TMPDIR/requests.log")
	for url in "file://$WWW/ca.crl" "ftp://127.0.0.1/ca.crl" ca.crl /ca.crl \
	    "127.0.0.1:$PORT/ca.crl" "//127.0.0.1:$PORT/ca.crl" '' http: http:// \
	    "http://user@127.0.0.1:$PORT/ca.crl" "gopher://127.0.0.1/" \
	    "http://user:secret@127.0.0.1:$PORT/ca.crl" "http://127.0.0.1:0/" \
	    "http://127.0.0.1:65536/" "http://a b/" $'http://a\r\nb/'; do
		refuses 2 ': not an http or https URL' -u "$url"
	done
	"${fetch[@]}" >out
	[ "$(wc -l <"$BATS_FILE_TMPDIR/requests.log")" -eq $((before + 1)) ]
}

@test "crl-fetch over https trusts -A and nothing else" {
	publish
	url=https://127.0.0.1:$TLS_PORT/ca.crl
	refuses 2 "$url: an https URL wants -A" -u "$url"
	make_ca other
	refuses 2 "$url: SSL" -u "$url" -A other/root.pem
	"${keep[@]}" -u "$url" -A "$CA/root.pem" >out
	kept_is "$WWW/ca.crl"
}

@test "crl-fetch -C replaces a file that is no CRL or of nobody trusted" {
	publish
	cp "$WWW/ca.crl" good
	: >empty
	head -c 200 good >part
	make_crl "$CA" root root.crl number=99
	for file in empty part root.crl; do
		cp "$file" cache/ca.crl
		run -0 --separate-stderr "${keep[@]}"
		[[ ${stderr_lines[-1]} == "crl-fetch: cache/ca.crl: of no use ("*\
"), to be replaced" ]]
		[ "$(jq .changed <<<"$output")" = true ]
		kept_is good
	done
}

@test "crl-fetch -C stays away from what is no file of its own" {
	publish
	mkdir cache/ca.crl
	run -2 --separate-stderr "${keep[@]}"
	[ "$stderr" = 'crl-fetch: cache/ca.crl: Is a directory' ]
	rmdir cache/ca.crl
	ln -s ../target cache/ca.crl
	run -2 --separate-stderr "${keep[@]}"
	[[ $stderr == 'crl-fetch: cache/ca.crl: not a regular file'* ]]
	[ ! -e target ]
	rm cache/ca.crl
	run -2 --separate-stderr "${keep[@]}" -C nowhere/ca.crl
	[ "$stderr" = 'crl-fetch: nowhere: No such file or directory' ]
}

@test "crl-fetch -C that cannot write there says so" {
	publish
	run -2 --separate-stderr "${keep[@]}" -C /proc/ca.crl
	[[ $stderr == 'crl-fetch: /proc/ca.crl: '* ]]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "crl-fetch -C twenty times at once ends with the newest" {
	for n in {10..29}; do
		publish "number=$n" "from=$((100 - n)) minutes ago"
		mv "$WWW/ca.crl" "$WWW/$n"
	done
	for n in {10..29}; do
		{
			"${keep[@]}" -u "$BASE/$n" >"out.$n" 2>"err.$n" 3>&- && rc=0 ||
			    rc=$?
			echo "$rc" >"rc.$n"
		} &
	done
	wait
	kept_is "$WWW/29"
	[ "$(cat rc.29)" -eq 0 ]
	run -1 grep -hvx '[02]' rc.*
}

@test "crl-fetch waits for a lock no longer than -m" {
	publish
	exec 9<cache
	flock 9
	refuses 75 'cache: locked by somebody else' -m 1
	exec 9<&-
}

@test "crl-fetch whose stdout is full fails" {
	publish
	run -2 sh -c '"$@" >/dev/full' sh "${fetch[@]}"
	[ "$output" = 'crl-fetch: stdout: No space left on device' ]
}

@test "crl-fetch -v says what it does" {
	publish
	run -0 --separate-stderr "${keep[@]}" -v
	[[ ${stderr_lines[0]} == "crl-fetch: $BASE/ca.crl: HTTP status 200, "* ]]
	[ "${stderr_lines[1]}" = 'crl-fetch: cache/ca.crl: replaced' ]
	run -0 --separate-stderr "${keep[@]}" -v
	[ "${stderr_lines[1]}" = 'crl-fetch: cache/ca.crl: unchanged' ]
}
