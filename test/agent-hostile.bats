#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The agents, whose CA means no good: whatever it answers, the certificate that
# is there stays, the reason is told in the CA's words, and it is not asked
# again before its time.

# shellcheck disable=SC2034,SC2154	# for agent.bash; of double.bash
load helper
load servers
load double
load est
load agent
load agentdouble

setup_file() {
	est_files
	acme_files
	agent_files
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	HTTP_PORT=$(free_port)
}

teardown() {
	stop_bg
}

# An ACME server, and web that is due.
acme() {
	proto=acme
	acme_double
	good
	ACME=$base/dir
	has_old
	conf web acme DOMAIN_NAME=a.example CA_ROOT="$CA/root.pem" \
	    CERT_ROOT="$PKI/root.pem" ARI=false ORDER_TIMEOUT_SECONDS=2 "$@"
}

# The same with EST.
est_web() {
	proto=est
	est_double
	EST=$base/.well-known/est
	good
	has_old
	conf web est CA_ROOT="$CA/root.pem" CERT_ROOT="$PKI/root.pem" \
	    DOMAIN_NAME=a.example SUBJECT_DN=CN=dev1 ORDER_TIMEOUT_SECONDS=2 \
	    "$@"
}

# What is bent is straight again.
good() {
	case $proto in
	acme)
		honest
		clock_agrees dir ;;
	est)
		say .well-known_est 200 ''
		clock_agrees .well-known_est
		p7 "$PKI/root.pem" "$PKI/int.pem" | reply cacerts 200 ;;
	esac
}

# bad CODE EVENT TEXT: meets, and after that the CA is good again.  After a
# delay the request is kept, after a refusal it is not.
bad() {
	meets "$@"
	good
	case $2 in
	cert.delayed) [ -s agent/state/web/pending/key.pem ] ;;
	ca.not_ready) ;;
	*) [ ! -e agent/state/web/pending ] ;;
	esac
}

problem='"type":"urn:ietf:params:acme:error'

@test "acme-agent: a CA that is busy is left alone, and the request kept" {
	acme
	say new 429 "{$problem:rateLimited\",\"detail\":\"too many\"}" \
	    'Retry-After: 7200'
	bad 75 cert.delayed '429 rateLimited: too many'
	shown '429 rateLimited: too many'
	under_way
	state web '(.retry_at | fromdate) - (.last_attempt | fromdate) |
	    . >= 7195 and . <= 7205'
	said '.event == "cert.delayed" and (.retry_at | fromdate) > now'
	# not a minute later, not before the CA wants, and then
	jq -r '.retry_at | fromdate' agent/state/web/state.json >again
	run -0 cert-plan -c certs.d -f json -T "$(($(<again) - 1))" acme
	[ "$(jq -r '.next | fromdate' <<<"$output")" -eq "$(<again)" ]
	run -1 cert-plan -c certs.d -f lines -T "$(<again)" acme
	[ "${lines[0]}" = $'web\trenew\tdue' ]
	# the second time it does not say when
	say new 429 '{}'
	bad 75 cert.delayed '429 problem: no detail given'
	state web '.failures == 2 and .retry_at == null'
	say new 503 'busy' 'Retry-After: 1'
	bad 75 cert.delayed '503 without a problem document: busy'
	state web '.failures == 3'
	# it is still the first request, and its certificate comes
	cmp saved/key.pem agent/state/web/pending/key.pem
	issued fresh
	say cert 200 "$(<"$PKI/fresh.chain.pem")"
	run -0 pass acme -y web
	cmp saved/key.pem store/web/current/key.pem
	cmp "$PKI/fresh.chain.pem" store/web/current/fullchain.pem
	state web '.result == "ok" and .failures == 0 and .reason == null'
	tidy web
}

@test "acme-agent: a CA that talks nonsense is left alone" {
	acme
	say new 500 '<html><h1>Oops</h1></html>' 'Content-Type: text/html'
	bad 75 cert.delayed '500 without a problem document: <html><h1>Oops'
	with new '!cut -5'
	bad 75 cert.delayed 'transfer closed with 5 bytes remaining'
	with new '!drip 0'
	bad 75 cert.delayed 'newOrder: '
	say dir 502 '<html>Bad gateway</html>'
	bad 75 ca.not_ready 'HTTP status 502'
	rm says/dir
	bad 2 ca.not_ready 'HTTP status 404'
	say new 200 '<html>log in</html>' 'Content-Type: text/html'
	bad 2 cert.refused 'newOrder: no order URL in the answer'
	say new 201 ''
	bad 2 cert.refused 'newOrder: no order URL in the answer'
	say new 201 'garbage' "Location: $base/order"
	say order 200 'garbage'
	bad 2 cert.refused 'order: '
	with new '!repeat 3000000000'
	bad 2 cert.refused 'answer larger than the limit'
	say dir 200 'hello'
	clock_agrees dir
	bad 2 cert.refused 'not an ACME directory but: hello'
	say new 403 "{$problem:rejectedIdentifier\",\"detail\":\"not yours\"}"
	bad 2 cert.refused 'newOrder: 403 rejectedIdentifier: not yours'
	bend challenge '"valid"' "\"invalid\",\"error\":{$problem:dns\",
	    \"detail\":\"NXDOMAIN\"}"
	bad 2 cert.refused 'a.example: http-01 invalid: dns: NXDOMAIN'
	shown 'a.example: http-01 invalid: dns: NXDOMAIN'
	state web '.failures == 12'
}

@test "acme-agent: a certificate that is not what was asked for is not taken" {
	local name
	acme
	say new 429 '{}'
	bad 75 cert.delayed 429
	under_way
	make_ca foreign
	make_cert foreign alien subject=/CN=dev1 san=DNS:a.example \
	    key=saved/key.pem
	issued expired from='3 days ago' to='1 day ago'
	issued future from='1 day' to='3 days'
	issued named san=DNS:b.example
	openssl x509 -req -in saved/csr.pem -copy_extensions copyall -CA \
	    "$PKI/int.pem" -CAkey "$PKI/int.key" -days 2 \
	    -set_serial "0x$(serial web)" -out same.pem
	cat same.pem "$PKI/int.pem" >"$PKI/same.chain.pem"
	cp foreign/alien.chain.pem "$PKI/"
	make_cert "$PKI" other san=DNS:a.example
	openssl req -new -x509 -config /dev/null -subj / -key saved/key.pem \
	    -addext subjectAltName=DNS:a.example -out "$PKI/self.chain.pem"
	for name in other:key_mismatch old:key_mismatch alien:untrusted \
	    self:untrusted expired:expired future:not_yet_valid \
	    named:names_differ; do
		begun
		say cert 200 "$(<"$PKI/${name%:*}.chain.pem")"
		bad 2 cert.refused "${name#*:}"
	done
	begun
	say cert 200 "$(<"$PKI/same.chain.pem")"
	bad 2 cert.unacceptable 'it has the serial of the present one'
	begun
	issued fresh
	say cert 200 "$(<"$PKI/fresh.pem")"
	bad 2 cert.refused 'what the CA issued is not accepted: untrusted'
	# the refusals left nothing that would be in the way
	begun
	say cert 200 "$(<"$PKI/fresh.chain.pem")"
	run -0 pass acme -y web
	cmp "$PKI/fresh.chain.pem" store/web/current/fullchain.pem
	tidy web
}

@test "acme-agent: what the CA says breaks no line, no file and no table" {
	local form text
	acme
	text='\u001b[2J\n{\"level\":\"info\"}\r\t\u2028\"|\\\\ $(touch x) `touch y` %s'
	say new 403 "{$problem:unauthorized\",\"detail\":\"A $text Z\"}"
	bad 2 cert.refused 'unauthorized: A '
	[ ! -e x ]
	[ ! -e y ]
	run -1 grep -avE '^\{.*\}$' log.json
	jq -e . log.json >lines
	run -1 grep -aP '[\x00-\x09\x0b-\x1f\x7f]' log.json \
	    agent/state/web/state.json
	said '.event == "cert.refused" and (.reason | test("A .* Z")) and
	    (.reason | test("[\u0000-\u001f]") | not)'
	for form in table json nagios prometheus; do
		run -1 eca-status -c certs.d -f "$form"
		run -1 grep -aP '[\x00-\x09\x0b-\x1f\x7f]' <<<"$output"
	done
	run -1 eca-status -c certs.d
	[ "${#lines[@]}" -eq 2 ]
	run -1 eca-status -c certs.d -f nagios
	[ "${#lines[@]}" -eq 1 ]
	[ "$(tr -dc '|' <<<"$output")" = '|' ]
	run -1 eca-status -c certs.d -f json
	jq -e '.error | test("A .* Z")' <<<"$output"
	# much of it
	say new 403 "{$problem:unauthorized\",\"detail\":\"$(
	    printf 'x\\u0001%.0s' {1..9000})\"}"
	bad 2 cert.refused 'unauthorized: x'
	[ "$(wc -L <log.json)" -lt 8192 ]
}

@test "acme-agent: renewal information that is none does not hurry it" {
	local id body
	acme ARI=true RENEWAL_THRESHOLD_PERCENT=1 RENEWAL_SPREAD_PERCENT=0
	bend dir '{' "{\"renewalInfo\":\"$base/ari\","
	id=$(acme-renewal-info -u "$base/dir" -A "$CA/root.pem" \
	    "$PKI/old.pem" 2>/dev/null | jq -r .cert_id)
	for body in 'garbage' '' '<html>' '{"suggestedWindow":7}' '{"suggestedWindow":
	    {"start":"2000-01-02T04:00:00Z","end":"1999-01-01T00:00:00Z"}}'; do
		rm -rf agent
		say "ari_$id" 200 "$body"
		: >log.json
		: >requests
		run -0 pass acme
		[ -z "$(jq 'select(.level == "error")' log.json)" ]
		jq -e '.asked_at != null' agent/state/web/ari.json
		run -1 grep -q 'POST ' requests
		: >requests
		run -0 pass acme
		[ ! -s requests ]
	done
}

@test "est-agent: a CA that is busy is left alone, and the request kept" {
	est_web
	echo busy | reply simplereenroll 503 'Retry-After: 7200'
	bad 75 cert.delayed '503: busy'
	shown '503: busy'
	under_way
	state web '(.retry_at | fromdate) - (.last_attempt | fromdate) |
	    . >= 7195 and . <= 7205'
	: | reply simplereenroll 202
	bad 75 cert.delayed 'has not decided yet'
	: | reply simplereenroll 429
	bad 75 cert.delayed 'simplereenroll: 429'
	state web '.failures == 3 and .retry_at == null'
	cmp saved/key.pem agent/state/web/pending/key.pem
	issued fresh
	p7 "$PKI/fresh.pem" "$PKI/int.pem" | reply simplereenroll 200
	run -0 pass est -y web
	cmp saved/key.pem store/web/current/key.pem
	state web '.result == "ok" and .failures == 0'
	tidy web
}

@test "est-agent: a CA that talks nonsense is left alone" {
	local op
	est_web
	for op in simplereenroll cacerts; do
		echo '<html>Oops' | reply "$op" 500
		bad 75 cert.delayed "$op: 500: <html>Oops"
		echo long | reply "$op" 200 '!cut -3'
		bad 75 cert.delayed 'transfer closed with 3 bytes remaining'
		echo long | reply "$op" 200 '!repeat 3000000000'
		bad 2 cert.refused 'answer larger than the limit'
		: | reply "$op" 200
		bad 2 cert.refused "$op: 200, but the answer is not what it"
		rm "says/.well-known_est_$op"
	done
	good
	echo garbage | reply simplereenroll 200
	bad 2 cert.refused 'base64 that is cut off'
	echo '<html>' | reply simplereenroll 200 'Content-Type: text/html'
	bad 2 cert.refused 'a page of HTML'
	echo later | reply simplereenroll 200 '!drip 0'
	bad 75 cert.delayed 'simplereenroll: deadline reached'
	printf 'not \033[2J{"you"}\r\n|\n' | reply simplereenroll 403
	bad 2 cert.refused 'simplereenroll: 403, not allowed: not '
	run -1 grep -aP '[\x00-\x09\x0b-\x1f\x7f]' log.json \
	    agent/state/web/state.json
}

@test "est-agent: a certificate that is not what was asked for is not taken" {
	local name
	est_web
	: | reply simplereenroll 429
	bad 75 cert.delayed 429
	under_way
	issued expired from='3 days ago' to='1 day ago'
	issued future from='1 day' to='3 days'
	issued named san=DNS:b.example
	make_ca foreign
	make_cert foreign alien subject=/CN=dev1 san=DNS:a.example \
	    key=saved/key.pem
	cp foreign/alien.pem "$PKI/"
	for name in old:key_mismatch alien:untrusted expired:expired \
	    future:not_yet_valid named:names_differ; do
		begun
		p7 "$PKI/${name%:*}.pem" | reply simplereenroll 200
		bad 2 cert.refused "${name#*:}"
	done
	# nor is one that a server with other anchors is proud of
	begun
	p7 foreign/root.pem foreign/int.pem | reply cacerts 200
	p7 "$PKI/alien.pem" | reply simplereenroll 200
	bad 2 cert.unacceptable untrusted
}

@test "est-agent: a token outlives a CA that cannot use it" {
	est_web BOOTSTRAP_TOKEN_FILE="$PWD/token"
	(umask 077; echo 0p3n-s3sam3 >token)
	: | reply simplereenroll 429
	bad 75 cert.delayed 'simplereenroll: 429'
	run -1 grep -q ' /.well-known/est/simpleenroll ' asked
	echo 'not you' | reply simplereenroll 403
	echo 'not you either' | reply simpleenroll 403
	bad 2 cert.refused 'simpleenroll: 403, not allowed: not you either'
	said '.event == "est.refused" and (.reason | test("not you"))'
	[ "$(<token)" = 0p3n-s3sam3 ]
	run -1 grep -r 0p3n agent store log.json
}
