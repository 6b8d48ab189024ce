#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# est-enroll against a server that lies, or answers as few do; real servers are
# in e2e-est-client.bats.  C and S are the requirements of RFC 7030 section by
# section, as test/unit has them too.

load helper
load est

setup_file() {
	est_files
	make_cert "$PKI" expired subject=/CN=dev1 san=DNS:a.example \
	    key="$PKI/key.pem" from='2 days ago' to='1 day ago'
	make_cert "$PKI" subject subject=/CN=dev2 san=DNS:a.example \
	    key="$PKI/key.pem"
	make_cert "$PKI" names subject=/CN=dev1 san=DNS:b.example \
	    key="$PKI/key.pem"
	make_cert "$PKI" other subject=/CN=dev1 san=DNS:a.example
	make_ca "$PKI/elsewhere"
	make_cert "$PKI/elsewhere" leaf subject=/CN=dev1 san=DNS:a.example \
	    key="$PKI/key.pem"
	cp "$PKI/elsewhere/leaf.pem" "$PKI/alien.pem"
	cp "$PKI/elsewhere/int.pem" "$PKI/alien-int.pem"
	make_cert "$PKI" oldca issuer=root subject='/CN=Old CA' \
	    from=2020-01-01 to=2021-01-01 \
	    ext='basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign'
	make_cert "$PKI" bad issuer=oldca subject=/CN=dev1 san=DNS:a.example \
	    key="$PKI/key.pem"
	echo token >"$PKI/token.pem"
	chmod 600 "$PKI/token.pem"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	est_double
	p7 leaf.pem int.pem | reply simpleenroll 200
}

teardown() {
	stop_bg
}

# enroll [OPTION]...: gets the chain of the leaf.
enroll() {
	run -0 --separate-stderr est est-enroll -B root.pem "$@" req.pem
	[ -z "$stderr" ]
	[ "$output" = "$(cat leaf.pem int.pem)" ]
}

# refused TEXT [OPTION]...: the certificate that came is not taken.
refused() {
	ends 2 "certificate: what the server issued is not accepted: $1" \
	    est-enroll -B root.pem "${@:2}" req.pem
}

# How often it was asked.
asked() {
	grep -c '^[A-Z]* /' requests || true
}

@test "est-enroll keeps the contract of all commands" {
	run -0 contract est-enroll
}

@test "est-enroll: C9 sends base64 that every server reads" {
	enroll
	read -r method path body <requests
	[ "$method $path" = 'POST /.well-known/est/simpleenroll' ]
	openssl req -in req.pem -outform DER | base64 -w 0 >want
	[ "${body//\\n/}" = "$(<want)" ]
}

@test "est-enroll: C13 takes every form of body (section 7 of the research)" {
	local width end
	for width in 0 4 64 76; do
		for end in '\n' '\r\n' ' \t\r\n'; do
			p7 leaf.pem int.pem | tr -d '\n' |
			    sed "s/.\{$((width > 0 ? width : 9999))\}/&$end/g" |
			    reply simpleenroll 200
			enroll
		done
	done
	p7 leaf.pem int.pem >body
	reply simpleenroll 200 '!chunk 7' <body
	enroll
	reply simpleenroll 200 'Content-Transfer-Encoding: base64' \
	    'Content-Type: application/pkcs7-mime; smime-type=certs-only' <body
	enroll
	reply simpleenroll 200 'Content-Transfer-Encoding: 8bit' \
	    'content-type: APPLICATION/PKCS7-MIME' <body
	enroll
	reply simpleenroll 201 'Content-Type: text/plain' <body
	enroll
}

@test "est-enroll: C14 picks its certificate by the key, in any order" {
	p7 root.pem int.pem other.pem leaf.pem | reply simpleenroll 200
	enroll
	p7 leaf.pem | reply simpleenroll 200
	run -0 --separate-stderr est est-enroll -B <(cat int.pem root.pem) \
	    req.pem
	[ "$output" = "$(cat leaf.pem int.pem)" ]
	run -0 --separate-stderr est est-enroll req.pem
	[ "$output" = "$(<leaf.pem)" ]
	refused untrusted
	p7 other.pem int.pem | reply simpleenroll 200
	refused key_mismatch
}

@test "est-enroll: signers of the answer are tolerated and not trusted" {
	openssl cms -sign -binary -nodetach -in /dev/null -signer leaf.pem \
	    -inkey key.pem -certfile int.pem -outform DER | base64 |
	    reply simpleenroll 200
	enroll
}

@test "est-enroll -I says how much of the identity must be there" {
	p7 subject.pem int.pem | reply simpleenroll 200
	refused 'the subject is "CN=dev2", not "CN=dev1"'
	run -0 est est-enroll -I san -B root.pem req.pem
	run -0 est est-enroll -I any -B root.pem req.pem
	p7 names.pem int.pem | reply simpleenroll 200
	refused names_differ
	refused names_differ -I san
	run -0 est est-enroll -I any -B root.pem req.pem
	ends 2 '-I none: not exact, san or any' est-enroll -I none req.pem
	# no subject asked is any subject
	openssl req -new -config /dev/null -subj / -key key.pem -out req.pem \
	    -addext subjectAltName=DNS:a.example
	p7 subject.pem int.pem | reply simpleenroll 200
	run -0 est est-enroll -B root.pem req.pem
}

@test "est-enroll refuses what is expired or leads elsewhere" {
	p7 expired.pem int.pem | reply simpleenroll 200
	refused expired
	run -0 est est-enroll -T "$(date -d '36 hours ago' +%s)" -B root.pem \
	    req.pem
	p7 bad.pem oldca.pem | reply simpleenroll 200
	refused expired
	p7 alien.pem alien-int.pem | reply simpleenroll 200
	refused untrusted
	# the name of the issuer is right, its key is not
	p7 alien.pem int.pem | reply simpleenroll 200
	refused untrusted
}

@test "est-enroll refuses bodies that are no certificates" {
	local text='200, but the answer is not what it should be'
	reply simpleenroll 200 'Content-Type: text/html' \
	    <<<'<!DOCTYPE html><title>Welcome</title>'
	ends 2 "$text: a page of HTML or XML" est-enroll req.pem
	reply simpleenroll 200 <leaf.pem
	ends 2 "$text: PEM: the body must be bare base64" est-enroll req.pem
	reply simpleenroll 200 </dev/null
	ends 2 "$text: empty" est-enroll req.pem
	p7 leaf.pem | tr -d '\n' | head -c 400 | reply simpleenroll 200
	ends 2 "$text: not PKCS#7" est-enroll req.pem
	p7 leaf.pem | tr -d '\n' | head -c 401 | reply simpleenroll 200
	ends 2 "$text: base64 that is cut off" est-enroll req.pem
	{
		p7 leaf.pem | base64 -d
		printf '\0'
	} | base64 | reply simpleenroll 200
	ends 2 "$text: bytes behind the PKCS#7" est-enroll req.pem
	openssl x509 -in leaf.pem -outform DER | base64 |
	    reply simpleenroll 200
	ends 2 "$text: not PKCS#7" est-enroll req.pem
	openssl x509 -in leaf.pem -outform DER | reply simpleenroll 200
	ends 2 "$text: binary, no base64" est-enroll req.pem
	echo MCMGCSqGSIb3DQEHAqAWMBQCAQExADALBgkqhkiG9w0BBwGgADEA |
	    reply simpleenroll 200
	ends 2 "$text: " est-enroll req.pem
	reply simpleenroll 200 '!repeat 300000' <<<AAAA
	ends 2 'larger than the limit' est-enroll req.pem
	p7 leaf.pem | reply simpleenroll 200 '!cut -10'
	ends 75 '' est-enroll req.pem
	p7 leaf.pem | reply simpleenroll 200 '!drip 0'
	ends 75 'deadline reached' est-enroll -m 1 req.pem
}

@test "est-enroll: C12 202 is 75 with the time to come back" {
	local at
	reply simpleenroll 202 'Retry-After: 300' <<<$'Request\npending \e[1m'
	ends 75 'again in 300 s: Request pending \x1b[1m' est-enroll req.pem
	at=$(sed -n 's/^retry-at: //p' <<<"$stderr")
	at=$(($(date -d "$at" +%s) - $(date +%s)))
	[ "$at" -gt 280 ]
	[ "$at" -le 300 ]
	reply simpleenroll 202 "Retry-After: $(date -u -d '1 hour' \
	    '+%a, %d %b %Y %T GMT')" </dev/null
	ends 75 'again in 3' est-enroll req.pem
	# absurd, missing, broken
	reply simpleenroll 202 'Retry-After: 1000000000' </dev/null
	ends 75 'again in 604800 s' est-enroll req.pem
	reply simpleenroll 202 </dev/null
	ends 75 'again in 60 s' est-enroll req.pem
	[[ $stderr == *'without a time to come back'*retry-at:* ]]
	reply simpleenroll 202 'Retry-After: soon' </dev/null
	ends 75 'again in 60 s' est-enroll req.pem
}

@test "est-enroll: C12 -W waits and asks the same again" {
	reply simpleenroll 202 'Retry-After: 1' <<<pending
	mv says/.well-known_est_simpleenroll{,.1}
	p7 leaf.pem int.pem | reply simpleenroll 200
	run -0 --separate-stderr est est-enroll -W -m 20 -B root.pem req.pem
	[ "$output" = "$(cat leaf.pem int.pem)" ]
	[ "$stderr" = "est-enroll: simpleenroll: 202, the server has not\
 decided yet; again in 1 s: pending" ]
	[ "$(grep POST requests | sort -u | wc -l)" -eq 1 ]
	[ "$(asked)" -eq 2 ]
}

@test "est-enroll: C12 -W ends when it is 202 for ever" {
	reply simpleenroll 202 'Retry-After: 0' </dev/null
	ends 75 'beyond the deadline' est-enroll -W -m 3 req.pem
	[[ $stderr == *$'\n'retry-at:* ]]
	[ "$(asked)" -ge 2 ]
	[ "$(asked)" -le 4 ]
	reply simpleenroll 202 'Retry-After: 1000000000' </dev/null
	ends 75 'beyond the deadline' est-enroll -W -m 3 req.pem
	[ "$SECONDS" -le 2 ]
}

@test "est-enroll: C3 401 is answered once, then it ends" {
	local realm='WWW-Authenticate: Basic realm="x"'
	reply simpleenroll 401 "$realm" </dev/null
	ends 2 '401, it wants a password or token (-U), or a certificate' \
	    est-enroll req.pem
	[ "$(asked)" -eq 1 ]
	ends 2 '401, it does not take the password or token' est-enroll \
	    -U token.pem req.pem
	[ "$(asked)" -eq 3 ]
	reply simpleenroll 401 'WWW-Authenticate: Bearer' </dev/null
	ends 2 '401, it asks neither for Basic nor for Digest' est-enroll \
	    -U token.pem req.pem
	[ "$(asked)" -eq 4 ]
}

@test "est-enroll: C3 Digest loops end, stale nonces too" {
	local digest='WWW-Authenticate: Digest realm="x", nonce="y", qop="auth"'
	reply simpleenroll 401 "$digest" </dev/null
	ends 2 '401, it does not take the password or token' est-enroll \
	    -U token.pem req.pem
	[ "$(asked)" -le 4 ]
	reply simpleenroll 401 "$digest, stale=true" </dev/null
	ends 2 'the server answers without end' est-enroll -U token.pem \
	    req.pem
	[ "$(asked)" -le 20 ]
}

@test "est-enroll: C2 redirects on the same server keep the request" {
	mv says/.well-known_est_simpleenroll says/new
	local status
	for status in 301 302 303 307 308; do
		reply simpleenroll $status 'Location: /new' </dev/null
		: >requests
		enroll
		[ "$(grep POST requests | cut -d ' ' -f 1,2)" = \
		    'POST /.well-known/est/simpleenroll
POST /new' ]
		[ "$(grep POST requests | cut -d ' ' -f 3- | sort -u |
		    wc -l)" -eq 1 ]
	done
	reply simpleenroll 307 "Location: $base/new" </dev/null
	enroll
}

@test "est-enroll: C2 redirects elsewhere, nowhere and for ever end" {
	local to
	for to in "https://localhost:$port/x" "https://127.0.0.1:9/x" \
	    "http://127.0.0.1:$port/x" "//evil.example/x" 'ftp://a/'; do
		reply simpleenroll 307 "Location: $to" </dev/null
		ends 2 'a redirect to another server is not followed: ' \
		    est-enroll req.pem
	done
	reply simpleenroll 307 </dev/null
	ends 2 'a redirect that says not where to' est-enroll req.pem
	reply simpleenroll 307 'Location: simpleenroll' </dev/null
	ends 2 'more than 5 redirects' est-enroll req.pem
}

@test "est-enroll: C19 refusals are shown, bounded and escaped" {
	printf 'no\t such \033[31m device\n\n' | reply simpleenroll 403
	ends 2 'simpleenroll: 403, not allowed: no such \x1b[31m device' \
	    est-enroll req.pem
	[ "${#stderr_lines[@]}" -eq 1 ]
	head -c 100000 /dev/zero | tr '\0' x | reply simpleenroll 400
	ends 2 'simpleenroll: 400: xxx' est-enroll req.pem
	[ "${#stderr}" -lt 400 ]
	reply simpleenroll 404 </dev/null
	ends 2 'simpleenroll: 404, not offered there' est-enroll req.pem
	reply simpleenroll 501 </dev/null
	ends 2 'simpleenroll: 501, not offered there' est-enroll req.pem
	reply simpleenroll 503 'Retry-After: 10' <<<busy
	ends 75 'simpleenroll: 503: busy' est-enroll req.pem
	[[ ${stderr_lines[1]} == retry-at:* ]]
	reply simpleenroll 429 </dev/null
	ends 75 'simpleenroll: 429' est-enroll req.pem
	reply simpleenroll 204 </dev/null
	ends 2 'simpleenroll: 204' est-enroll req.pem
}

@test "est-enroll -r: C10 wants subject and names of the certificate" {
	openssl req -new -config /dev/null -subj /CN=dev2 -key key.pem \
	    -addext subjectAltName=DNS:a.example -out subject-req.pem
	openssl req -new -config /dev/null -subj /CN=dev1 -key key.pem \
	    -addext subjectAltName=DNS:a.example,DNS:b.example -out names-req.pem
	ends 2 'the subject is "CN=dev2", not "CN=dev1"' est-enroll -r \
	    -c leaf.pem -k key.pem subject-req.pem
	ends 2 'has not the names of the certificate' est-enroll -r \
	    -c leaf.pem -k key.pem names-req.pem
	[ ! -s requests ]
}

@test "est-enroll: C11 a certificate no server would take is not shown" {
	local only='basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth'
	ends 2 'expired.pem: the certificate has expired' est-enroll -r \
	    -c expired.pem -k key.pem req.pem
	make_cert "$PKI" server subject=/CN=dev1 san=DNS:a.example \
	    key="$PKI/key.pem" ext="$only"
	ends 2 'not a certificate for TLS clients (clientAuth)' est-enroll \
	    -c "$PKI/server.pem" -k key.pem req.pem
	ends 2 'key.pem: not the key of other.pem' est-enroll \
	    -c other.pem -k key.pem req.pem
	[ ! -s requests ]
}

@test "est-enroll: the certificate that is there already is not a new one" {
	local op
	for op in '' -r; do
		p7 leaf.pem int.pem | reply simpleenroll 200
		p7 leaf.pem int.pem | reply simplereenroll 200
		ends 2 'certificate: not renewed' est-enroll $op \
		    -B root.pem -c leaf.pem -k key.pem req.pem
	done
	# with a new one beside it, that is the one
	make_cert "$PKI" next subject=/CN=dev1 san=DNS:a.example \
	    key="$PKI/key.pem"
	p7 leaf.pem "$PKI/next.pem" int.pem | reply simplereenroll 200
	run -0 --separate-stderr est est-enroll -r -B root.pem -c leaf.pem \
	    -k key.pem req.pem
	[ "$output" = "$(cat "$PKI/next.pem" int.pem)" ]
}

@test "est-enroll -u knows the path and the label" {
	local url
	p7 leaf.pem int.pem >body
	reply factory_simpleenroll 200 <body
	for url in "$base/" "$base/.well-known/est" "$base/.well-known/est/"; do
		run -0 est-enroll -u "$url" -A "$CA/root.pem" req.pem
	done
	for url in factory factory/ .well-known/est/factory; do
		: >requests
		run -0 est-enroll -u "$base/$url" -A "$CA/root.pem" req.pem
		[[ $(<requests) == \
		    'POST /.well-known/est/factory/simpleenroll '* ]]
	done
	for url in a/b .well-known/est/a/b 'a?b' 'a#b' .well-known/establish \
	    cacerts .well-known/est/simpleenroll; do
		ends 2 "" est-enroll -u "$base/$url" req.pem
		[[ $stderr == *'not the URL of an EST server'* ||
		    $stderr == *'is an operation, and no label'* ]]
	done
	ends 2 'not an https URL' est-enroll -u "http://127.0.0.1:$port" \
	    req.pem
}

@test "est-enroll -U takes one line that nobody else can read" {
	local text
	for text in '' $'a\nb' $'a\tb' $'\n'; do
		printf '%s' "$text" >secret
		chmod 600 secret
		ends 2 'secret: not one line' est-enroll -U secret req.pem
	done
	chmod 644 secret
	ends 2 'secret: mode 0644: a secret must not be open to others' \
	    est-enroll -U secret req.pem
	[ ! -s requests ]
}
