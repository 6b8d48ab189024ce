#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A real step-ca in the directory ca-init makes, asked by curl, openssl and
# smallstep's own client.

load helper

setup_file() {
	require step-ca step curl jq
	export PORT HTTP_PORT CA_URL DIR=$BATS_FILE_TMPDIR/ca
	export STEPPATH=$BATS_FILE_TMPDIR/step
	PORT=$(free_port)
	HTTP_PORT=$(free_port)
	run -0 --separate-stderr ca-init -d "$DIR" -a "127.0.0.1:$PORT"
	echo "$output" >"$BATS_FILE_TMPDIR/ca.json"
	CA_URL=$(jq -r .url <<<"$output")
	start_step_ca
}

teardown_file() {
	stop_step_ca
}

# step-ca hangs on a busy port: free_port has looked, and its own root is
# asked for once it listens.
start_step_ca() {
	(
		cd "$DIR" || exit
		exec step-ca --password-file secrets/password --insecure \
		    --acme-http-port "$HTTP_PORT" config/ca.json
	) >>"$BATS_FILE_TMPDIR/log" 2>&1 3>&- 4>&- &
	echo $! >"$BATS_FILE_TMPDIR/pid"
	wait_port "$PORT"
	ask "$CA_URL/health" >/dev/null || {
		cat "$BATS_FILE_TMPDIR/log" >&2
		return 1
	}
}

stop_step_ca() {
	[ ! -s "$BATS_FILE_TMPDIR/pid" ] || stop_bg "$(<"$BATS_FILE_TMPDIR/pid")"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# ask URL: only the root is trusted.
ask() {
	curl -sS -f --max-time 10 --cacert "$DIR/certs/root_ca.crt" \
	    --capath /nonexistent "$@"
}

# csr SUBJECT SANS: key.pem and csr.pem.
csr() {
	make_key key.pem
	openssl req -new -config /dev/null -key key.pem -out csr.pem -subj "$1" \
	    ${2:+-addext "subjectAltName=$2"}
}

# token NAME [jwk|x5c]: on stdout, for that one name.
token() {
	case ${2-jwk} in
	jwk) set -- "$1" --issuer jwk --key "$DIR/secrets/jwk.key" ;;
	x5c) set -- "$1" --issuer x5c --x5c-cert "$DIR/certs/x5c.crt" \
	    --x5c-key "$DIR/secrets/x5c.key" ;;
	esac
	step ca token "$1" --san "$1" --ca-url "$CA_URL" \
	    --root "$DIR/certs/root_ca.crt" "${@:2}" 2>/dev/null
}

# sign TOKEN [LIFETIME [NOT-BEFORE]]: csr.pem to leaf.pem (with the intermediate), or what
# the CA says and 1.  step's own client would refuse some requests itself.
sign() {
	rm -f leaf.pem
	jq -n --arg ott "$1" --arg life "${2-}" --arg from "${3-}" \
	    --rawfile csr csr.pem '{csr: $csr, ott: $ott,
		notAfter: $life, notBefore: $from}' >request
	curl -sS --max-time 10 --cacert "$DIR/certs/root_ca.crt" \
	    --capath /nonexistent -o answer -H 'Content-Type: application/json' \
	    -d @request "$CA_URL/1.0/sign" || return
	jq -er '.certChain | join("")' answer >leaf.pem 2>/dev/null && return
	rm -f leaf.pem
	jq -r .message answer
	return 1
}

# crls: those of the intermediate and the root.
crls() {
	ask "$CA_URL/1.0/crl?pem" >ca.crl && cat ca.crl "$DIR/certs/root_ca.crl"
}

# lives FILE: seconds from now to the end of the certificate.
lives() {
	local end
	end=$(openssl x509 -in "$1" -noout -enddate)
	echo $(($(date -d "${end#*=}" +%s) - $(date +%s)))
}

@test "ca-init: step-ca starts in the directory and shows the printed root" {
	for host in localhost 127.0.0.1; do
		run -0 ask "https://$host:$PORT/health"
		[ "$output" = '{"status":"ok"}' ]
	done
	sha256=$(jq -r .root_sha256 "$BATS_FILE_TMPDIR/ca.json")
	run -0 ask "$CA_URL/root/$sha256"
	jq -r .ca <<<"$output" | diff -B - "$DIR/certs/root_ca.crt"
}

@test "ca-init: the printed ACME directory answers" {
	url=$(jq -r .acme_directory "$BATS_FILE_TMPDIR/ca.json")
	run -0 ask "$url"
	[ "$(jq -r .newOrder <<<"$output")" = "${url%directory}new-order" ]
}

@test "ca-init: the CRL is signed by the intermediate and names the URL" {
	ask "$CA_URL/1.0/crl" >ca.der
	run -0 --separate-stderr openssl crl -inform DER -in ca.der -noout -text \
	    -CAfile "$DIR/certs/intermediate_ca.crt"
	[ "$stderr" = 'verify OK' ]
	[[ $output == *'Issuing Distribution Point: critical'*\
'URI:http://127.0.0.1:4211/crl/ca.crl'* ]]
}

@test "ca-init: a JWK token gives a device the full subject of its CSR" {
	csr '/C=AT/O=Factory/OU=Line 1/CN=dev1/serialNumber=42/DC=x' DNS:dev1
	run -0 sign "$(token dev1)"
	run -0 openssl x509 -in leaf.pem -noout -subject -nameopt RFC2253
	[ "$output" = 'subject=DC=x,serialNumber=42,CN=dev1,OU=Line 1,O=Factory,C=AT' ]
	run -0 openssl x509 -in leaf.pem -noout \
	    -ext subjectAltName,keyUsage,extendedKeyUsage,crlDistributionPoints
	[[ $output == *'DNS:dev1'* ]]
	[[ $output == *'URI:http://127.0.0.1:4211/crl/ca.crl'* ]]
	[[ $output == *$'Key Usage: critical\n    Digital Signature\n'* ]]
	[[ $output == *'TLS Web Server Authentication, TLS Web Client Auth'* ]]
	run -0 lives leaf.pem
	[ "$output" -gt $((86400 - 60)) ]
	[ "$output" -le 86400 ]
}

@test "ca-init: a CSR without subject gets the token's name" {
	csr / DNS:dev2
	run -0 sign "$(token dev2)"
	run -0 openssl x509 -in leaf.pem -noout -subject
	[ "$output" = 'subject=CN = dev2' ]
}

@test "ca-init: a common name that is not in the token does not get in" {
	csr /CN=other DNS:dev3
	run -1 sign "$(token dev3)"
	[[ $output == *'certificate request does not contain the valid'* ]]
	csr /CN=other/CN=dev3 DNS:dev3
	run -0 sign "$(token dev3)"
	run -0 openssl x509 -in leaf.pem -noout -subject
	[ "$output" = 'subject=CN = dev3' ]
}

@test "ca-init: an X5C token works with the provisioner's certificate" {
	csr /O=Factory/CN=dev4 DNS:dev4
	run -0 sign "$(token dev4 x5c)"
	run -0 openssl x509 -in leaf.pem -noout -subject -ext crlDistributionPoints
	[[ $output == *'subject=O = Factory, CN = dev4'*'/crl/ca.crl'* ]]
}

@test "ca-init: an X5C token by a certificate of the CA itself is refused" {
	csr /CN=dev5 DNS:dev5
	run -0 sign "$(token dev5)"
	mv key.pem own.key
	mv leaf.pem own.pem
	csr /CN=dev6 DNS:dev6
	token=$(step ca token dev6 --san dev6 --issuer x5c --x5c-cert own.pem \
	    --x5c-key own.key --ca-url "$CA_URL" \
	    --root "$DIR/certs/root_ca.crt" 2>/dev/null)
	[ -n "$token" ]
	run -1 sign "$token"
	[[ $output == *'lacked necessary authorization'* ]]
	tail -n 1 "$BATS_FILE_TMPDIR/log" |
	    grep -q 'certificate chain.*signed by unknown authority'
}

@test "ca-init: an RSA key may be used for key encipherment" {
	make_key key.pem rsa2048
	openssl req -new -config /dev/null -key key.pem -out csr.pem -subj /CN=dev7 \
	    -addext subjectAltName=DNS:dev7
	run -0 sign "$(token dev7)"
	run -0 openssl x509 -in leaf.pem -noout -ext keyUsage
	[[ $output == *'Digital Signature, Key Encipherment'* ]]
}

@test "ca-init: lifetimes from one minute to 48 hours are given, others not" {
	csr /CN=dev8 DNS:dev8
	run -0 sign "$(token dev8)" 1m
	run -0 lives leaf.pem
	[ "$output" -gt 0 ]
	[ "$output" -le 60 ]
	run -0 sign "$(token dev8)" 48h
	run -0 lives leaf.pem
	[ "$output" -gt $((2 * 86400 - 60)) ]
	run -1 sign "$(token dev8)" 59s 1s
	[[ $output == *'requested duration of 59s is less than'* ]]
	[ ! -e leaf.pem ]
	run -1 sign "$(token dev8)" 49h
	[[ $output == *'is more than the authorized maximum'* ]]
	[ ! -e leaf.pem ]
}

@test "ca-init: ACME gives a certificate for a name that answers" {
	run -0 step ca certificate localhost leaf.pem key.pem --provisioner acme \
	    --standalone --http-listen "127.0.0.1:$HTTP_PORT" \
	    --ca-url "$CA_URL" --root "$DIR/certs/root_ca.crt"
	run -0 openssl x509 -in leaf.pem -noout -subject \
	    -ext subjectAltName,crlDistributionPoints
	[[ $output == *'subject=CN = localhost'*'DNS:localhost'* ]]
	[[ $output == *'URI:http://127.0.0.1:4211/crl/ca.crl'* ]]
	crls >all.crl
	run -0 openssl verify -x509_strict -crl_check_all -purpose sslserver \
	    -verify_hostname localhost -CAfile "$DIR/certs/root_ca.crt" \
	    -untrusted leaf.pem -CRLfile all.crl leaf.pem
}

@test "ca-init: openssl's CRL checks pass, and fail after a revocation" {
	csr /CN=dev9 DNS:dev9
	run -0 sign "$(token dev9)"
	crls >all.crl
	check=(-CAfile "$DIR/certs/root_ca.crt" -untrusted leaf.pem)
	run -0 openssl verify -crl_check "${check[@]}" -CRLfile ca.crl leaf.pem
	run -0 openssl verify -crl_check_all "${check[@]}" -CRLfile all.crl leaf.pem
	run -2 openssl verify -crl_check_all "${check[@]}" -CRLfile ca.crl leaf.pem
	[[ $output == *'error 3 at 1 depth lookup'* ]]

	run -0 step ca revoke --cert leaf.pem --key key.pem \
	    --ca-url "$CA_URL" --root "$DIR/certs/root_ca.crt"
	crls >all.crl
	run -2 openssl verify -crl_check "${check[@]}" -CRLfile ca.crl leaf.pem
	[[ $output == *'error 23 at 0 depth lookup'* ]]
}

@test "crl-check: step-ca's list, its distribution point named or not" {
	csr /CN=dev11 DNS:dev11
	run -0 sign "$(token dev11)"
	# one as step-ca makes by default, with no distribution point
	openssl x509 -req -in csr.pem -days 1 -out plain.pem 2>/dev/null \
	    -CA "$DIR/certs/intermediate_ca.crt" \
	    -CAkey "$DIR/secrets/intermediate_ca_key" \
	    -passin "file:$DIR/secrets/password"
	cat plain.pem "$DIR/certs/intermediate_ca.crt" >plain.chain.pem
	ask "$CA_URL/1.0/crl" >ca.crl
	set -- -B "$DIR/certs/root_ca.crt" -R ca.crl -M 24
	run -0 --separate-stderr crl-check "$@" leaf.pem
	[ "$(jq -r '"\(.status) \(.note)"' <<<"$output")" = 'good null' ]
	run -0 --separate-stderr crl-check "$@" plain.chain.pem
	[ "$(jq -r '"\(.status) \(.note)"' <<<"$output")" = \
	    'good no_distribution_point' ]
	# openssl cannot tell
	crls >all.crl
	run -2 openssl verify -crl_check -CAfile "$DIR/certs/root_ca.crt" \
	    -untrusted plain.chain.pem -CRLfile all.crl plain.pem
	[[ $output == *'error 44 at 0 depth lookup'* ]]

	run -0 step ca revoke --cert leaf.pem --key key.pem \
	    --reasonCode 1 --ca-url "$CA_URL" \
	    --root "$DIR/certs/root_ca.crt"
	run -0 crl-check "$@" leaf.pem	# the old list
	ask "$CA_URL/1.0/crl" >ca.crl
	run -1 --separate-stderr crl-check "$@" leaf.pem
	[ "$(jq -r .status <<<"$output")" = revoked ]
	[ "$(jq -r .reason <<<"$output")" = keyCompromise ]
	# and in PEM
	ask "$CA_URL/1.0/crl?pem" >ca.crl
	run -1 crl-check "$@" leaf.pem
	run -0 crl-check "$@" plain.chain.pem
}

@test "ca-init: the directory can be moved, and step-ca goes on there" {
	csr /CN=dev10 DNS:dev10
	run -0 sign "$(token dev10)"
	run -0 step ca revoke --cert leaf.pem --key key.pem \
	    --ca-url "$CA_URL" --root "$DIR/certs/root_ca.crt"
	stop_step_ca
	mv "$DIR" "$BATS_FILE_TMPDIR/moved"
	DIR=$BATS_FILE_TMPDIR/moved
	start_step_ca
	serial=$(openssl x509 -in leaf.pem -noout -serial)
	ask "$CA_URL/1.0/crl?pem" >ca.crl
	run -0 openssl crl -in ca.crl -noout -text
	[[ $output == *"Serial Number: ${serial#*=}"* ]]
	stop_step_ca
	mv "$DIR" "$BATS_FILE_TMPDIR/ca"
	DIR=$BATS_FILE_TMPDIR/ca
	start_step_ca
}
