#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The commands that speak to servers, with memory that runs out; see oom.bash.

load oom
load servers

teardown_file() {
	end_servers
}

@test "tls-peek without memory prints no chain" {
	local port
	port=$(free_port)
	start_bg openssl s_server -accept "127.0.0.1:$port" -www \
	    -cert "$CA/a.example.pem" -key "$CA/a.example.key" \
	    -cert_chain "$CA/int.pem"
	wait_port "$port"
	starved 1000 nothing same -- tls-peek -m 10 -A "$CA/root.pem" \
	    "127.0.0.1:$port"
	starved 1000 nothing same -- tls-peek -m 10 -A "$CA/root.pem" \
	    -n b.example "127.0.0.1:$port"
	starved 1000 nothing same -- tls-peek -m 10 -c "$CA/a.example.pem" \
	    -k "$CA/a.example.key" "127.0.0.1:$port"
}

@test "clock-check without memory says nothing of the clock" {
	local port=''
	double 'return 204;'
	# the clock ticks: only the skew, which is none, is the same each time
	echo '[ "$1" = failed ] || grep -q "seconds\":0}" "$out"' >agree
	starved 1000 nothing agree -- clock-check -A "$CA/root.pem" \
	    -u "https://127.0.0.1:$port"
}

# acme-order: nothing is left where challenges are answered, and the account
# is what it was.
order_scripts() {
	mkkey -o account.pem
	mkkey -o key.pem
	mkcsr -k key.pem -d a.example -d b.example >req.pem
	cat >setup-order <<-'END'
	cp "$DIR"/account.pem* .
	mkdir web
	END
	cat >check-order <<-'END'
	[ -z "$(find web -type f)" ]
	[ -z "$(grep 'port 1 ' "$err")" ]
	cmp account.pem "$DIR/account.pem"
	[ "$1" = failed ] ||
	    cert-verify -B "$DIR/issuer.pem" -k "$DIR/key.pem" -n b.example \
		"$out" >/dev/null
	END
}

@test "acme-order without memory refuses what it refuses with it" {
	order_scripts
	local url=https://127.0.0.1:9/dir
	mkcsr -k account.pem -d a.example >own.pem
	mkcsr -k key.pem -N CN=nobody >nameless.pem
	# nobody there, and a proxy that is not to be asked
	https_proxy=http://127.0.0.1:1 starved 1000 setup-order check-order -- \
	    acme-order -w web -u "$url" -a account.pem -A "$CA/root.pem" \
	    "$DIR/req.pem"
	# the account key in the request, no names, no CSR, no anchor, http
	starved 1000 setup-order check-order -- acme-order -w web -u "$url" \
	    -a account.pem -A "$CA/root.pem" "$DIR/own.pem"
	starved 1000 setup-order check-order -- acme-order -w web -u "$url" \
	    -a account.pem -A "$CA/root.pem" "$DIR/nameless.pem"
	starved 100 setup-order check-order -- acme-order -w web -u "$url" \
	    -a account.pem -A "$CA/root.pem" "$DIR/account.pem"
	starved 10 setup-order check-order -- acme-order -w web -u "$url" \
	    -a account.pem -A "$DIR/req.pem" "$DIR/req.pem"
	starved 1 setup-order check-order -- acme-order -w web \
	    -u "http://127.0.0.1:9/dir" -a account.pem -A "$CA/root.pem" \
	    "$DIR/req.pem"
}

@test "acme-order without memory gives no certificate and leaves nothing" {
	start_dns
	start_pebble pebble PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 \
	    PEBBLE_AUTHZREUSE=0
	pebble_issuer >issuer.pem
	order_scripts
	set -- acme-order -Y -m 15 -u "$PEBBLE" -A "$PEBBLE_ROOT" \
	    -B "$DIR/issuer.pem" -a account.pem
	starved 1000 setup-order check-order -- "$@" \
	    -l "127.0.0.1:$PEBBLE_HTTP_PORT" "$DIR/req.pem"
}

# The tokens differ in their id, which is as long each time.
@test "step-ott without memory makes no token" {
	mkkey -o key.pem
	mkkey -o jwk.pem
	mkcsr -k key.pem -N CN=device -d a.example >req.pem
	cat >check-ott <<-'END'
	[ "$1" = failed ] || grep -qxE '[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}' "$out"
	END
	starved 1000 nothing check-ott -- step-ott -u https://ca.example \
	    -P jwk -k "$DIR/jwk.pem" "$DIR/req.pem"
	starved 1000 nothing check-ott -- step-ott -u https://ca.example \
	    -P x5c -k "$CA/a.example.key" -c "$CA/a.example.chain.pem" \
	    -r "$CA/a.example.pem"
}

@test "step-sign and step-revoke without memory do nothing by halves" {
	mkkey -o key.pem
	mkcsr -k key.pem -d a.example >req.pem
	port=$(free_port)
	openssl req -x509 -key key.pem -subj / -days 1 \
	    -addext subjectAltName=critical,DNS:a.example -out own.pem
	mkdir -p www/1.0
	jq -Rs '{crt: .}' own.pem >www/1.0/sign
	echo '{"status":"ok"}' >www/1.0/revoke
	double "root $PWD/www; location / { error_page 405 =200 \$uri; }"
	echo a.b.c >ott
	set -- -m 15 -u "https://127.0.0.1:$port" -A "$CA/root.pem" -U "$DIR/ott"
	starved 1000 nothing same -- step-sign "$@" "$DIR/req.pem"
	starved 1000 nothing same -- step-revoke "$@" "$CA/a.example.pem"
}

@test "crl-fetch without memory leaves the old list" {
	make_crl "$CA" int old.crl number=01
	make_crl "$CA" int new.crl number=02 from='10 minutes ago'
	make_crl "$CA" root root.crl
	echo 'cp "$DIR/old.crl" ca.crl' >setup
	cat >check <<-'END'
	if [ "$1" = failed ]; then
		cmp ca.crl "$DIR/old.crl"
	else
		grep -q '"changed":true' "$out"
		cmp ca.crl "$DIR/new.crl"
	fi
	END
	web "$DIR"
	starved 1000 setup check -- crl-fetch -B "$CA/int.pem" -C ca.crl \
	    -u "$WEB/new.crl"
	starved 1000 setup check -- crl-fetch -B "$CA/int.pem" -C ca.crl \
	    -u "$WEB/root.crl"
}

# A CGI program tells an error by an answer, which starve does not expect.
@test "est-ra without memory answers 500, and the token stays good" {
	. "$ECA_ROOT/test/estra.bash"
	export EST_ROOT=$CA/root.pem EST_INT=$CA/int.pem EST_KEY=$DIR/key.pem
	export EST_URL=https://127.0.0.1:9
	local n token len step=$((once == 0 ? 1 : 4000 / once + 1))
	make_key key.pem
	est_conf default
	token=$(est_token)
	csr key.pem /CN=a.example DNS:a.example >req
	len=$(stat -c %s req)
	for ((n = 1; n < 3500; n += step)); do
		run -2 timeout 20 env -i LD_PRELOAD="$OOM_SO" OOM_AT=$n \
		    HTTPS=on REMOTE_ADDR=192.0.2.7 EST_RA_CONF="$PWD/conf" \
		    REQUEST_METHOD=POST PATH_INFO=/simpleenroll \
		    "$(basic "$token")" CONTENT_TYPE=application/pkcs10 \
		    CONTENT_LENGTH="$len" "$ECA_BIN/est-ra" <req
		[ "$n" -lt 100 ] ||
		    [[ $output == *'Status: 500 '*'"reason":"cut_short"'* ]]
		[ -e "tokens/${token:0:5}" ]
	done
}

@test "est-cacerts, est-csrattrs and est-enroll without memory take nothing" {
	local url est=www/.well-known/est
	csr_scripts
	mkcsr -k key.pem -d a.example >req.pem
	make_ca .
	make_cert . old subject=/CN=a.example san=DNS:a.example
	mkcsr -k key.pem -x old.pem >new.pem
	make_cert . leaf subject=/CN=a.example san=DNS:a.example key=key.pem
	mkdir -p "$est"
	openssl crl2pkcs7 -nocrl -certfile root.pem -certfile int.pem \
	    -outform DER | base64 >"$est/cacerts"
	openssl crl2pkcs7 -nocrl -certfile leaf.chain.pem -outform DER |
	    base64 | tee "$est/simpleenroll" >"$est/simplereenroll"
	cat >attrs.cnf <<-'END'
	asn1 = SEQUENCE:all
	[all]
	digest = OID:ecdsa-with-SHA256
	key = SEQUENCE:key
	[key]
	type = OID:id-ecPublicKey
	curves = SET:curves
	[curves]
	curve = OID:prime256v1
	END
	openssl asn1parse -genconf attrs.cnf -noout -out attrs.der
	base64 attrs.der >"$est/csrattrs"
	echo user:password >password
	chmod 600 password
	port=$(free_port)
	url=https://127.0.0.1:$port
	double "root $PWD/www; location / { error_page 405 =200 \$uri; }"
	set -- -u "$url" -A "$CA/root.pem"
	starved 1000 nothing same -- est-cacerts "$@"
	starved 1000 nothing same -- est-cacerts -u "$url" -F \
	    "$(openssl x509 -in root.pem -outform DER | sha256sum | cut -c1-64)"
	starved 1000 nothing same -- est-csrattrs "$@"
	starved 1000 nothing same -- est-enroll "$@" -B "$DIR/root.pem" \
	    -U "$DIR/password" "$DIR/req.pem"
	starved 1000 nothing same -- est-enroll "$@" -B "$DIR/root.pem" -r \
	    -c "$DIR/old.chain.pem" -k "$DIR/old.key" "$DIR/new.pem"
	# that was not all refusals
	est-enroll "$@" -B root.pem -U password req.pem >made.pem
	est-enroll "$@" -B root.pem -r -c old.chain.pem -k old.key \
	    new.pem >made.pem
	est-csrattrs "$@" >want.json
	grep -q '"key":"P-256"' want.json
	starved 1000 nothing check-csr -- mkcsr -Q "$DIR/want.json" \
	    -k "$DIR/key.pem" -d a.example
}
