#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# cert-plan: what it reads, and how it says what it decides.  The rules
# themselves are in unit/plan-test.c, many certificates over the years in
# unit/herd-test.c.

load helper

# The certificates of these tests are valid from START to START + 100 days.
START=1800000000
DAY=86400

setup_file() {
	export CERTS=$BATS_FILE_TMPDIR
	local from=$START
	pair one from="@$from"
	pair two from="@$((START + 50 * DAY))"
}

# pair NAME WORD...: make_cert, self-signed, for 100 days.
pair() {
	local from=${2#*@}
	make_cert "$CERTS" "$1" issuer=self san='DNS:a.example,IP:2001:db8::1' \
	    from="@$from" to="@$((from + 100 * DAY))"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir certs.d
	cat >certs.d/defaults <<-END
	STATE_DIR=$PWD/agent
	CA_ROOT=$CA/root.pem
	CA_URL=https://ca.example/
	ARI=false
	END
	conf web 'DOMAIN_NAME=a.example 2001:db8:0::1'
}

conf() { # NAME LINE...
	printf '%s\n' PROTOCOL=acme "${@:2}" >"certs.d/$1.conf"
}

# deploy NAME PAIR SECONDS: after START.
deploy() {
	mkdir -p agent/store
	cert-deploy -k "$CERTS/$2.key" -T $((START + $3)) "agent/store/$1" \
	    "$CERTS/$2.pem" >/dev/null
}

# proven NAME: what is current is.
proven() { cert-commit "agent/store/$1"; }

serial() { openssl x509 -in "$CERTS/$1.pem" -noout -serial | cut -d= -f2; }

state() { # FILE TEXT, of web
	mkdir -p agent/state/web
	printf '%s\n' "$2" >"agent/state/web/$1"
}

utc() { date -u -d "@$((START + $1))" +%Y-%m-%dT%H:%M:%SZ; }

# at SECONDS ARGS...: so many after START.
at() {
	local t=$((START + $1))
	cert-plan -c certs.d -T "$t" "${@:2}" acme
}

says() { # SECONDS EXPECTED: the first line, blanks for tabs
	local rc=0
	at "$1" -f lines >out 2>err || rc=$?
	[ "$(head -n 1 out | tr '\t' ' ')" = "$2" ] || { cat out err; return 1; }
	case $2 in
	-*) [ "$rc" -eq 0 ] ;;
	*) [ "$rc" -eq 1 ] ;;
	esac
}

@test "cert-plan: keeps the contract of all commands" {
	contract cert-plan
}

@test "cert-plan: a life: missing, unproven, good, due, expired" {
	says 0 'web enroll missing'
	deploy web one 1
	says 2 'web prove unproven'
	proven web
	says 2 "- next $((START + 2 + 21600))"
	local due
	due=$(date -d "$(at 2 | jq -r .renew_at)" +%s)
	[ "$due" -gt $((START + 57 * DAY)) ]
	[ "$due" -le $((START + 67 * DAY)) ]
	says $((due - START - 1)) "- next $due"
	says $((due - START)) 'web renew due'
	says $((100 * DAY)) 'web enroll expired'
	says -1000 'web clock early'
	[ "$(tail -n 1 out | cut -f 3)" -eq $((START - 1000 + 600)) ]
	rm agent/store/web/current/cert.pem
	says 2 'web enroll broken'
}

@test "cert-plan: -f json tells all there is to tell" {
	require jq
	run -1 --separate-stderr at 5
	[ -z "$stderr" ]
	[ "$(jq -c 'del(.store, .next)' <<<"$output")" = '{"name":"web","protocol":"acme","action":"enroll","reason":"missing","serial":null,"subject":null,"issuer":null,"not_before":null,"not_after":null,"seconds_left":null,"percent_left":null,"names":null,"renew_at":null,"proven":false,"revoked":false,"result":null,"failures":0,"last_attempt":null,"last_success":null,"error":null,"cert_file":null}' ]
	deploy web one 1
	proven web
	state state.json "{\"result\":\"failed\",\"reason\":\"no \\\"route\\\"\",\"failures\":2,\"last_attempt\":\"$(utc 3)\",\"last_success\":null,\"retry_at\":null}"
	run -0 --separate-stderr at 5
	[ -z "$stderr" ]
	[ "$(jq -c '[.action, .reason, .proven, .revoked, .result, .failures, .last_attempt, .last_success, .error, .names]' <<<"$output")" = "[\"none\",null,true,false,\"failed\",2,\"$(utc 3)\",null,\"no \\\"route\\\"\",[\"a.example\",\"2001:db8::1\"]]" ]
	# What both know cert-expiry says too.
	at 5 >plan
	cert-expiry -T $((START + 5)) "$CERTS/one.pem" |
	    jq -S . >expiry
	jq -S '{subject, issuer, serial, not_before, not_after, seconds_left, percent_left, names}' plan | diff - expiry
	[ -f "$(jq -r .cert_file plan)" ]
	[ -d "$(jq -r .store plan)/gen" ]
	at 5 -f json | cmp - plan
}

@test "cert-plan: one line a certificate, sorted, and the earliest next" {
	conf aaa DOMAIN_NAME=a.example CHECK_INTERVAL_SECONDS=100
	deploy web one 1
	proven web
	printf 'PROTOCOL=est\nDOMAIN_NAME=x.example\n' >certs.d/other.conf
	deploy aaa two $((50 * DAY + 1))
	proven aaa
	conf aaa 'DOMAIN_NAME=a.example 2001:db8::1' CHECK_INTERVAL_SECONDS=100
	says $((51 * DAY)) "- next $((START + 51 * DAY + 100))"
	[ "$(at $((51 * DAY)) | jq -r .name | tr '\n' ' ')" = 'aaa web ' ]
	run -1 cert-plan -c certs.d -f lines -T $((START + 5)) est
	[ "${lines[0]}" = $'other\tenroll\tmissing' ]
	[ "${lines[1]}" = $'-\tnext\t'$((START + 5)) ]
}

@test "cert-plan: names that are no longer wanted are a change, whatever their order" {
	deploy web one 1
	proven web
	conf web 'DOMAIN_NAME=2001:DB8::1, A.example'
	says 2 "- next $((START + 2 + 21600))"
	conf web DOMAIN_NAME=a.example
	says 2 'web renew changed'
	conf web 'DOMAIN_NAME=a.example 2001:db8::1 b.example'
	says 2 'web renew changed'
}

@test "cert-plan: -y asks for one now, FORCE_RENEWAL at each check" {
	deploy web one 1
	proven web
	run -1 at 5 -f lines -y web
	[ "${lines[0]}" = $'web\trenew\tforced' ]
	run -2 --separate-stderr at 5 -y wep
	[ -z "$output" ]
	[ "$stderr" = 'cert-plan: -y wep: no certificate of that name' ]
	echo FORCE_RENEWAL=true >>certs.d/web.conf
	says 5 'web renew forced'
	state state.json "{\"result\":\"ok\",\"reason\":null,\"failures\":0,\"last_attempt\":\"$(utc 3)\",\"last_success\":\"$(utc 3)\",\"retry_at\":null}"
	says 5 "- next $((START + 3 + 21600))"
	says 21603 'web renew forced'
}

@test "cert-plan: after failures it waits, as long as the CA says" {
	deploy web one 1
	proven web
	local t=$((70 * DAY)) next
	state state.json "{\"result\":\"failed\",\"reason\":\"down\",\"failures\":1,\"last_attempt\":\"$(utc $t)\",\"last_success\":null,\"retry_at\":null}"
	at $((t + 1)) -f lines >out
	[ "$(head -n 1 out)" = $'web\twait\tdue' ]
	next=$(sed -n '$s/.*\t//p' out)
	[ "$next" -ge $((START + t + 60)) ]
	[ "$next" -le $((START + t + 90)) ]
	[ "$(at $((t + 1)) | jq -r '.action, .reason' | tr '\n' ' ')" = 'wait due ' ]
	says $((t + 90)) 'web renew due'
	state state.json "{\"result\":\"failed\",\"reason\":\"429\",\"failures\":1,\"last_attempt\":\"$(utc $t)\",\"last_success\":null,\"retry_at\":\"$(utc $((t + 5000)))\"}"
	run -0 at $((t + 90)) -f lines
	[ "$output" = $'web\twait\tdue\n-\tnext\t'$((START + t + 5000)) ]
	run -1 at $((t + 90)) -f lines -y web
	[ "${lines[0]}" = $'web\trenew\tforced' ]
}

@test "cert-plan: a certificate that was found revoked is replaced" {
	deploy web one 1
	proven web
	state revoked "$(serial two)"
	says 5 "- next $((START + 5 + 21600))"
	state revoked "$(serial one)"
	says 5 'web renew revoked'
	[ "$(at 5 | jq .revoked)" = true ]
}

@test "cert-plan: the CA is asked, and its answer taken, for this certificate only" {
	sed -i /ARI/d certs.d/defaults
	deploy web one 1
	proven web
	says 5 'web ask missing'
	ari() { # SERIAL RENEW-AT SOURCE
		state ari.json "{\"serial\":\"$1\",\"asked_at\":\"$(utc 4)\",\"ask_again_seconds\":3600,\"source\":\"$3\",\"renew_at\":\"$(utc "$2")\"}"
	}
	ari "$(serial two)" 50 server
	says 5 'web ask missing'
	ari "$(serial one)" 500 server
	says 5 "- next $((START + 500))"
	[ "$(at 5 | jq -r .renew_at)" = "$(utc 500)" ]
	says 500 'web renew ari'
	ari "$(serial one)" 500 lifetime
	[ "$(at 5 | jq -r .renew_at)" != "$(utc 500)" ]
	says 4600 'web ask old'
	state ari.json "{\"serial\":\"$(serial one)\",\"asked_at\":\"$(utc 4)\"}"
	run -0 at 4600 -f lines
	[ "${#lines[@]}" -eq 1 ]
}

@test "cert-plan: what was rolled back is tried again, before another is ordered" {
	deploy web one 1
	proven web
	deploy web two $((70 * DAY))
	says $((70 * DAY)) 'web prove unproven'
	cert-rollback -T $((START + 70 * DAY)) agent/store/web >/dev/null
	says $((70 * DAY)) 'web retry unproven'
	[ "$(at $((70 * DAY)) | jq -r .serial)" = "$(serial one)" ]
	state revoked "$(serial two)"
	says $((70 * DAY)) 'web renew due'
	rm agent/state/web/revoked
	# Once that is due as well there is no point.
	says $((118 * DAY)) 'web enroll expired'
}

@test "cert-plan: what was rolled back is known by a clock that went back, too" {
	deploy web one $((55 * DAY))
	proven web
	deploy web two $((51 * DAY))
	cert-rollback -T $((START + 55 * DAY)) agent/store/web >/dev/null
	says $((55 * DAY)) 'web retry unproven'
}

@test "cert-plan: stable names that lead elsewhere are made" {
	echo "CERT_PATH=$PWD/server.crt" >>certs.d/web.conf
	deploy web one 1
	proven web
	says 5 'web link path'
	ln -s agent/store/web/current/fullchain.pem server.crt
	says 5 "- next $((START + 5 + 21600))"
	ln -sf agent/store/web/current/cert.pem server.crt
	says 5 'web link path'
}

@test "cert-plan: what a killed run left is tidied up" {
	deploy web one 1
	proven web
	mkdir -p agent/state/web/pending
	says 5 'web tidy left'
	says $((118 * DAY)) 'web enroll expired'
	# not what the CA has yet to decide
	state state.json '{"result":"failed","failures":1,"retry_at":"2027-01-15T09:00:00Z"}'
	says 5 "- next $((START + 5 + 21600))"
	rm agent/state/web/state.json
	rmdir agent/state/web/pending
	says 5 "- next $((START + 5 + 21600))"
	# a commit that was cut short
	deploy web two $((50 * DAY + 1))
	cp -a agent/store/web/previous agent/store/web/gen .
	proven web
	cp -a previous agent/store/web/
	cp -a gen/. agent/store/web/gen/
	says $((50 * DAY + 5)) 'web tidy left'
	: >"agent/store/web/$(cat previous)/key.pem"
	says $((50 * DAY + 5)) 'web tidy left'
	proven web
	says $((50 * DAY + 5)) "- next $((START + 50 * DAY + 5 + 21600))"
	echo gen/gone >agent/store/web/previous
	says $((50 * DAY + 5)) 'web tidy left'
	rm agent/store/web/previous
	# not a matter of one certificate
	mkdir agent/tmp.acme
	run -0 at $((50 * DAY + 5)) -f lines
	[ "${lines[0]}" = $'-\tleft' ]
	[ "${lines[1]}" = \
	    $'-\tnext\t'$((START + 50 * DAY + 5 + 21600)) ]
}

@test "cert-plan: CRL lines say which list, how old, for which certificate" {
	printf '%s\n' CRL_ENABLED=true CRL_URL=http://ca.example/ca.crl \
	    CRL_CACHE_PATH="$PWD/ca.crl" >>certs.d/web.conf
	says 5 'web enroll missing'
	deploy web one 1
	proven web
	line=$'web\tcrl\t'$PWD/ca.crl$'\told\t'$CA/root.pem$'\t'$PWD/agent/store/web/$(readlink agent/store/web/current)$'\t'$(serial one)
	run -0 at 5 -f lines
	[ "${lines[0]}" = "$line" ]
	[ "${lines[1]}" = $'-\tnext\t'$((START + 5 + 7200)) ]
	run -1 at $((100 - START)) -f lines	# a clock that begins in 1970
	[ "${lines[1]}" = "$line" ]
	: >ca.crl
	touch -d "@$START" ca.crl.stamp
	run -0 at 7000 -f lines
	[ "${lines[0]}" = "${line/old/fresh}" ]
	[ "${lines[1]}" = $'-\tnext\t'$((START + 7200)) ]
	run -0 at 7200 -f lines
	[ "${lines[0]}" = "$line" ]
}

@test "cert-plan: what is broken counts as empty, with a warning" {
	require jq
	sed -i /ARI/d certs.d/defaults
	deploy web one 1
	proven web
	local text
	for text in '{' '' '[]' '{"result":"ok"}' '{"result":"odd","failures":0}' \
	    '{"result":"ok","failures":-1}' '{"result":"ok","failures":"1"}' \
	    '{"result":"ok","failures":7,"last_attempt":"yesterday"}'; do
		state state.json "$text"
		run -1 --separate-stderr at 5
		[ "$(jq -c '[.action, .result, .failures]' <<<"$output")" = '["ask",null,0]' ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr == "cert-plan: "*"/agent/state/web/state.json: "* ]]
	done
	rm agent/state/web/state.json
	state ari.json "{\"serial\":\"$(serial one)\",\"asked_at\":\"now\"}"
	run -1 --separate-stderr at 5
	[[ $stderr == "cert-plan: "*"/ari.json: "* ]]
	rm agent/state/web/ari.json
	local again
	for again in -1 9223372036854775807; do
		state ari.json "{\"serial\":\"$(serial one)\",\"asked_at\":\"$(utc 4)\",\"ask_again_seconds\":$again}"
		run -1 --separate-stderr at 5
		[ "$(jq -r .reason <<<"$output")" = missing ]
		[[ $stderr == "cert-plan: "*"/ari.json: "* ]]
	done
	rm agent/state/web/ari.json
	echo noise >agent/store/web/current/cert.pem
	run -1 --separate-stderr at 5
	[ "$(jq -r .reason <<<"$output")" = broken ]
	[[ $stderr == *"/cert.pem: no certificate in PEM form found" ]]
}

@test "cert-plan: without its key a certificate is broken, and worth no retry" {
	deploy web one 1
	proven web
	local dir=agent/store/web/current file
	for file in key fullchain keychain chain; do
		mv "$dir/$file.pem" saved
		says 5 'web enroll broken'
		grep -q "/$file.pem: missing or empty\$" err
		: >"$dir/$file.pem"
		[ "$file" = chain ] || says 5 'web enroll broken'
		mv saved "$dir/$file.pem"
	done
	says 5 "- next $((START + 5 + 21600))"
	deploy web two $((70 * DAY))
	cert-rollback -T $((START + 70 * DAY)) agent/store/web >/dev/null
	says $((70 * DAY)) 'web retry unproven'
	rm "agent/store/web/$(<agent/store/web/previous)/key.pem"
	says $((70 * DAY)) 'web renew due'
}

@test "cert-plan: a bad configuration is exit 2 and nothing on stdout" {
	echo 'RENEWAL_THRESHOLD_PERCENT=0' >>certs.d/web.conf
	run -2 --separate-stderr at 5
	[ -z "$output" ]
	[[ $stderr == *certs.d/web.conf*RENEWAL_THRESHOLD_PERCENT* ]]
}

@test "cert-plan: changes nothing, reads what it may only read" {
	deploy web one 1
	proven web
	find . -printf '%p %m %T@ %l\n' | sort >before
	at 5 >/dev/null
	at $((70 * DAY)) >/dev/null || [ $? -eq 1 ]
	find . -printf '%p %m %T@ %l\n' | grep -v '/before ' | sort >after
	grep -v '/before \|^\. ' before | diff - <(grep -v '/after \|^\. ' after)
}

@test "cert-plan: a pass over many certificates is one process" {
	local i
	deploy web one 1
	proven web
	for i in {1..100}; do
		cp certs.d/web.conf "certs.d/c$i.conf"
		cp -a agent/store/web "agent/store/c$i"
	done
	run -0 timeout 2 cert-plan -c certs.d -f lines -T $((START + 5)) acme
	[ "$output" = $'-\tnext\t'$((START + 5 + 21600)) ]
	[ "$(at 5 | wc -l)" -eq 101 ]
}
