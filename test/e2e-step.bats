#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# step-ott, step-sign and step-revoke against a real step-ca, and against a
# server that answers what step-ca does not.

load helper
load servers

setup_file() {
	require step jq
	start_step_ca -L 1h -M 24h
	export URL=https://localhost:$CA_PORT STEPPATH=$BATS_FILE_TMPDIR/step
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	make_key key.pem
	mkcsr -k key.pem -d a.example -i 192.0.2.1 >req.pem
	ca=(-u "$URL" -A "$ROOT")
	jwk=(-u "$URL" -P jwk -k "$CA_DIR/secrets/jwk.key")
	x5c=(-u "$URL" -P x5c -k "$CA_DIR/secrets/x5c.key"
	    -c "$CA_DIR/certs/x5c.crt")
}

teardown() {
	stop_bg
}

# sign [STEP-SIGN-OPTIONS...]: a new token for req.pem, and what it gives.
sign() {
	step-ott "${jwk[@]}" req.pem | step-sign "${ca[@]}" -U - "$@" req.pem \
	    >chain.pem
}

# on_crl CERT REASON: the CA's CRL says it is revoked for that.
on_crl() {
	local serial
	serial=$(openssl x509 -noout -serial -in "$1" | cut -d= -f2)
	curl -sS -f --cacert "$ROOT" "$URL/crl" |
	    openssl crl -inform DER -noout -text >crl.txt
	grep -A4 "Serial Number: $serial" crl.txt | grep -q "$2"
}

@test "step-sign: a JWK token gives the chain for key and names" {
	run -0 --separate-stderr sign -B "$ROOT"
	[ -z "$stderr" ]
	cert-verify -B "$ROOT" -k key.pem -n a.example -p client chain.pem
	cert-verify -B "$ROOT" -k key.pem -n 192.0.2.1 -p server chain.pem
	[ "$(grep -c BEGIN chain.pem)" -eq 2 ]
}

@test "step-sign: an X5C token gives the chain, with the subject asked for" {
	mkcsr -k key.pem -N CN=device-7,O=Factory -d a.example >req.pem
	step-ott "${x5c[@]}" req.pem >ott
	step-sign "${ca[@]}" -B "$ROOT" -U ott <req.pem >chain.pem
	cert-verify -B "$ROOT" -k key.pem -n a.example chain.pem
	[ "$(openssl x509 -noout -subject -nameopt RFC2253 -in chain.pem)" = \
	    'subject=CN=device-7,O=Factory' ]
}

@test "step-sign: a request with a common name only" {
	mkcsr -k key.pem -N CN=device-7 >req.pem
	sign -B "$ROOT"
	cert-verify -B "$ROOT" -k key.pem -n device-7 chain.pem
}

@test "step-sign: a token is good once" {
	step-ott "${jwk[@]}" req.pem >ott
	step-sign "${ca[@]}" -U ott req.pem >chain.pem
	run -2 --separate-stderr step-sign "${ca[@]}" -U ott req.pem
	[[ $stderr == "step-sign: $URL/1.0/sign: 401 "* ]]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "step-sign: a token that is old or another's is refused" {
	step-ott "${jwk[@]}" -T $(($(date +%s) - 600)) req.pem >ott
	run -2 --separate-stderr step-sign "${ca[@]}" -U ott req.pem
	[[ $stderr == "step-sign: $URL/1.0/sign: 401 "* ]]
	step-ott -u "$URL" -P jwk -k key.pem req.pem >ott
	run -2 --separate-stderr step-sign "${ca[@]}" -U ott req.pem
	[[ $stderr == "step-sign: $URL/1.0/sign: 401 "* ]]
	# for /revoke
	step-ott "${jwk[@]}" -r -I 1 >ott
	run -2 step-sign "${ca[@]}" -U ott req.pem
}

@test "step-sign: a token for other names is refused, both are named" {
	mkcsr -k key.pem -d b.example >other.pem
	step-ott "${jwk[@]}" other.pem >ott
	run -2 --separate-stderr step-sign "${ca[@]}" -U ott req.pem
	[[ $stderr == "step-sign: $URL/1.0/sign: 403 "*a.example*b.example* ]]
}

@test "step-sign: -b and -z are obeyed, within what the CA allows" {
	local from to
	from=$(date -u -d '-30 seconds' +%FT%TZ)
	to=$(date -u -d '+10 minutes' +%FT%TZ)
	sign -b "$from" -z "$to"
	run -0 cert-expiry -s 0 chain.pem
	[ "$(jq -r .not_after <<<"${lines[0]}")" = "$to" ]
	[ "$(jq -r .not_before <<<"${lines[0]}")" = "$from" ]
	step-ott "${jwk[@]}" req.pem >ott
	run -2 --separate-stderr step-sign "${ca[@]}" -U ott \
	    -z "$(date -u -d '+30 days' +%FT%TZ)" req.pem
	[[ $stderr == "step-sign: $URL/1.0/sign: 403 "* ]]
}

@test "step-sign: what the CA issued is judged by -B and -T" {
	step-ott "${jwk[@]}" req.pem >ott
	run -2 --separate-stderr step-sign "${ca[@]}" -B "$CA/root.pem" -U ott \
	    req.pem
	[ "$stderr" = 'step-sign: certificate: what the CA issued is not accepted: untrusted' ]
	step-ott "${jwk[@]}" req.pem >ott
	run -2 --separate-stderr step-sign "${ca[@]}" -T 4000000000 -U ott \
	    req.pem
	[[ $stderr == *': expired' ]]
	[ -z "$output" ]
}

@test "step-sign: a CA that is not trusted does not see the token" {
	step-ott "${jwk[@]}" req.pem >ott
	run -2 --separate-stderr step-sign -u "$URL" -A "$CA/root.pem" -U ott \
	    req.pem
	[[ $stderr == "step-sign: $URL/1.0/sign: "*certificate* ]]
	step-sign "${ca[@]}" -U ott req.pem >chain.pem
}

@test "step-sign: takes a token of step, and step takes ours" {
	cp "$CA_DIR/secrets/jwk.key" jwk.key
	# step's client wants a common name
	mkcsr -k key.pem -N CN=a.example -d a.example -i 192.0.2.1 >req.pem
	step ca token --key jwk.key --issuer jwk --ca-url "$URL" \
	    --root "$ROOT" --san a.example --san 192.0.2.1 a.example \
	    >ott </dev/null
	step-sign "${ca[@]}" -U ott req.pem >chain.pem
	cert-verify -B "$ROOT" -k key.pem -n a.example chain.pem
	step-ott "${jwk[@]}" req.pem >ott
	step ca sign --token "$(<ott)" --ca-url "$URL" --root "$ROOT" \
	    req.pem step.pem </dev/null
	cert-verify -B "$ROOT" -k key.pem -n a.example step.pem
	mkcsr -k key.pem -d a.example >req.pem
	step-ott "${x5c[@]}" -F "$(openssl x509 -in "$ROOT" -noout \
	    -fingerprint -sha256 | cut -d= -f2)" req.pem >ott
	step ca certificate --token "$(<ott)" --ca-url "$URL" --root "$ROOT" \
	    a.example new.pem new.key </dev/null
	cert-verify -B "$ROOT" -k new.key -n a.example new.pem
}

@test "step-revoke: by a token, with a reason, and it is on the CRL" {
	sign
	step-ott "${jwk[@]}" -r chain.pem |
	    step-revoke "${ca[@]}" -G superseded -U - chain.pem
	on_crl chain.pem Superseded
	# once more
	step-ott "${x5c[@]}" -r chain.pem >ott
	run -0 --separate-stderr step-revoke "${ca[@]}" -U ott chain.pem
	[ "$stderr" = 'step-revoke: certificate: was revoked already' ]
}

@test "step-revoke: by number, with an X5C token" {
	local serial
	sign
	serial=0x$(openssl x509 -noout -serial -in chain.pem | cut -d= -f2)
	step-ott "${x5c[@]}" -r -I "$serial" >ott
	run -0 --separate-stderr step-revoke "${ca[@]}" -G keyCompromise \
	    -U ott -I "$serial"
	[ -z "$stderr$output" ]
	on_crl chain.pem 'Key Compromise'
}

@test "step-revoke: by the certificate itself" {
	sign
	run -0 --separate-stderr step-revoke "${ca[@]}" -c chain.pem \
	    -k key.pem -G cessationOfOperation
	[ -z "$stderr$output" ]
	on_crl chain.pem 'Cessation Of Operation'
}

@test "step-revoke: a token for another number, or used, is refused" {
	sign
	step-ott "${jwk[@]}" -r -I 42 >ott
	run -2 --separate-stderr step-revoke "${ca[@]}" -U ott chain.pem
	[[ $stderr == "step-revoke: $URL/1.0/revoke: 4"* ]]
	step-ott "${jwk[@]}" -r chain.pem >ott
	step-revoke "${ca[@]}" -U ott chain.pem
	run -2 --separate-stderr step-revoke "${ca[@]}" -U ott chain.pem
	[[ $stderr == "step-revoke: $URL/1.0/revoke: 401 "* ]]
}

# By TLS 1.2: with 1.3 the connection may be gone before the alert is read.
@test "step-revoke: a certificate the server does not trust is an error" {
	local port
	port=$(free_port)
	start_bg openssl s_server -accept "127.0.0.1:$port" -tls1_2 -www \
	    -cert "$CA/a.example.pem" -key "$CA/a.example.key" \
	    -cert_chain "$CA/int.pem" -Verify 3 -verify_return_error \
	    -CAfile "$ROOT"
	wait_port "$port"
	run -2 --separate-stderr step-revoke -u "https://127.0.0.1:$port" \
	    -A "$CA/root.pem" -c "$CA/a.example.pem" -k "$CA/a.example.key"
	[[ $stderr == "step-revoke: https://127.0.0.1:$port/1.0/revoke: "*"alert unknown ca"* ]]
}

@test "step-sign: a CA that is down is for later, with the same token" {
	step-ott "${jwk[@]}" req.pem >ott
	end_server step-ca
	run -75 --separate-stderr step-sign "${ca[@]}" -U ott req.pem
	[[ $stderr == "step-sign: $URL/1.0/sign: "*connect* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	run_step_ca
	# made before the CA was started: step-ca does not take it any more
	sign
}

# lies: a server that answers POST /NAME/1.0/sign with the file of that name.
lies() {
	double "root $PWD/www;
		location / { error_page 405 =201 \$uri; }
		location /401/ { error_page 405 =401 \$uri; }
		location /503/ { error_page 405 =503 \$uri;
			add_header Retry-After 3600 always; }
		location /301/ { return 301 https://ca.example/; }
		location /lost/ { return 444; }"
	false_ca=https://127.0.0.1:$port
	echo a.b.c >ott
}

# lie NAME: its body is stdin.
lie() {
	mkdir -p "www/$1/1.0"
	tee "www/$1/1.0/sign" >"www/$1/1.0/revoke"
}

# believed CODE NAME: nothing is printed but a line.
believed() {
	run "-$1" --separate-stderr step-sign -u "$false_ca/$2" \
	    -A "$CA/root.pem" -U ott req.pem
	[ -z "$output" ]
	[[ $stderr == "step-sign: "* ]]
	[[ $stderr != *$'\033'* ]]
}

# answer CHAIN: as step-ca packs it.
answer() {
	jq -Rsc '{certChain: [split("-----END CERTIFICATE-----\n")[:-1][] +
	    "-----END CERTIFICATE-----\n"]}' "$1"
}

@test "step-sign: what is no answer of step-ca is an error, and escaped" {
	lie 401 <<<'{"status":401,"message":"go \u001b[31maway"}'
	lie html <<<$'<html>hello\033[31m</html>'
	lie empty </dev/null
	lie none <<<'{"status":"ok"}'
	lie list <<<'{"certChain":[1]}'
	lie text <<<'{"crt":"hello","ca":"hello"}'
	lies
	believed 2 401
	[[ $stderr == *'/1.0/sign: 401 go \x1b[31maway' ]]
	believed 2 html
	[[ $stderr == *': 201, not an answer of step-ca: '* ]]
	believed 2 empty
	believed 2 none
	[[ $stderr == *': 201 without a certificate' ]]
	believed 2 list
	[[ $stderr == *': 201 without a certificate' ]]
	believed 2 text
	[[ $stderr == *': 201 without certificates that can be read' ]]
	believed 2 301
	[[ $stderr == *': 301, not an answer of step-ca: '* ]]
}

@test "step-sign: a certificate that was not asked for is refused" {
	openssl req -x509 -key key.pem -subj /CN=x -days 1 \
	    -addext subjectAltName=DNS:b.example -out own.pem
	answer own.pem | lie names
	answer "$CA/a.example.chain.pem" | lie key
	lies
	believed 2 names
	[[ $stderr == *'is not accepted: '*names_differ* ]]
	believed 2 key
	[[ $stderr == *'is not accepted: '*key_mismatch* ]]
}

@test "step-sign: a fault of the server is for later, and says when" {
	lie 503 <<<'{"status":503,"message":"later"}'
	lies
	believed 75 503
	[[ ${stderr_lines[0]} == *'/1.0/sign: 503 later' ]]
	[[ ${stderr_lines[1]} =~ ^retry-at:\ 20[0-9-]+T[0-9:]+Z$ ]]
}

@test "step-sign: an answer that is lost is not asked for again" {
	lies
	believed 75 lost
	[ "$(grep -c 'POST /lost/1.0/sign' requests.log)" -eq 1 ]
}

@test "step-revoke: only what step-ca says is a yes" {
	lie ok <<<'{"status":"ok"}'
	lie 401 <<<'{"status":401,"message":"x is already revoked"}'
	lie html <<<'<html>ok</html>'
	lies
	# step-ca says it with 200
	local at
	for at in ok 401 html; do
		run -2 --separate-stderr step-revoke -u "$false_ca/$at" \
		    -A "$CA/root.pem" -U ott -I 1
		[[ $stderr == "step-revoke: $false_ca/$at/1.0/revoke: "* ]]
	done
}
