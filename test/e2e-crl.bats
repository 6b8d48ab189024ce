#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# From a revocation to those who look: a real step-ca, crl-agent, lighttpd with
# the configuration of etc/lighttpd, crl-fetch and openssl.

load helper
load servers

setup_file() {
	require step-ca lighttpd curl jq
	export PORT CRL_URL
	PORT=$(free_port)
	CRL_URL=http://127.0.0.1:$PORT
	start_dns
	start_step_ca -u "$CRL_URL/crl/ca.crl"
	cd "$BATS_FILE_TMPDIR" || return
	mkdir www
	sed "s/^server.port = 4211$/server.port = $PORT/" \
	    "$ECA_ROOT/etc/lighttpd/crl.conf" >crl.conf
	grep -qx "server.port = $PORT" crl.conf
	server lighttpd lighttpd -D -f crl.conf
	wait_port "$PORT"
	mkkey -o account.pem
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ca=$BATS_FILE_TMPDIR
	www=$ca/www
	rm -rf "$www/crl" "$www/health"
	agent=(crl-agent -A "$ROOT" -B "$CA_DIR/certs/intermediate_ca.crt"
	    -u "https://localhost:$CA_PORT/1.0/crl" -w "$www")
	acme=(-u "$ACME" -A "$ROOT" -a "$ca/account.pem")
}

teardown() {
	stop_bg
	[ -s "$BATS_FILE_TMPDIR/step-ca.pid" ] || run_step_ca
}

# issue: key.pem, and a certificate of the real thing in cert.pem.
issue() {
	mkkey -o key.pem
	mkcsr -k key.pem -d a.example |
	    acme-order "${acme[@]}" -l "127.0.0.1:$HTTP_PORT" >cert.pem
}

# ask PATH [curl options]: its answer in body, its header in fields, the status
# in $code.
ask() {
	code=$(curl -sS -m 10 -o body -D fields -w '%{http_code}' "${@:2}" \
	    "$CRL_URL$1")
	echo "$1: $code"
}

field() {
	tr -d '\r' <fields | sed -n "s/^$1: //Ip"
}

# status: what openssl says of cert.pem by the published list, and crl-check
# has to say the same.
status() {
	local rc=0
	crl-fetch -u "$CRL_URL/crl/ca.crl" -C cache.crl \
	    -B "$CA_DIR/certs/intermediate_ca.crt" >report
	crl-check -B "$ROOT" -R cache.crl cert.pem >check || rc=$?
	openssl verify -crl_check -CAfile "$ROOT" -CRLfile cache.crl \
	    -untrusted "$CA_DIR/certs/intermediate_ca.crt" cert.pem 2>&1 && {
		[ "$rc" -eq 0 ] || return 99
		return
	}
	[ "$rc" -eq 1 ] || return 98
	return 2
}

@test "crl-agent: a revocation is seen by everybody after one pass" {
	issue
	"${agent[@]}" -1 2>log
	run -0 status
	before=$(jq -r .number report)
	acme-revoke "${acme[@]}" cert.pem
	run -0 status
	"${agent[@]}" -1 2>log
	run -2 status
	[[ $output == *'error 23 at 0 depth lookup: certificate revoked'* ]]
	[ "$(jq -r .number report)" -gt "$before" ]
	# both forms, openssl's own opinion of them
	for file in ca.crl:DER ca.pem:PEM; do
		ask "/crl/${file%:*}"
		run -0 --separate-stderr openssl crl -in body -noout -text \
		    -inform "${file#*:}" \
		    -CAfile "$CA_DIR/certs/intermediate_ca.crt"
		[ "$stderr" = 'verify OK' ]
		[[ $output == *"Serial Number: $(openssl x509 -in cert.pem \
		    -noout -serial | cut -d = -f 2)"* ]]
	done
}

@test "crl-agent: HUP after a revocation publishes it at once" {
	issue
	start_bg "${agent[@]}"
	wait_for 10 test -s "$www/health"
	run -0 status
	acme-revoke "${acme[@]}" cert.pem
	kill -HUP "$bg"
	revoked() {
		run -2 status
		[[ $output == *'certificate revoked'* ]]
	}
	wait_for 10 revoked
	stop_bg "$bg"
	ask /health
	[ "$code" = 503 ]
}

@test "crl-agent: without the CA the list stays, and health as long as it is good" {
	"${agent[@]}" -1 2>log
	end_server step-ca
	run -75 --separate-stderr "${agent[@]}" -1
	ask /crl/ca.crl
	[ "$code" = 200 ]
	ask /health
	[ "$code" = 200 ]
	[ "$(jq -r .status body)" = ok ]
	# a day later, or as good as that: the agent reads what is published
	make_stale
	run -75 --separate-stderr "${agent[@]}" -1
	[[ $stderr == *'"event":"crl.stale"'* ]]
	ask /health
	[ "$code" = 503 ]
	ask /health -I
	[ "$code" = 503 ]
	ask /crl/ca.crl
	[ "$code" = 200 ]
	run -75 --separate-stderr crl-fetch -u "$CRL_URL/crl/ca.crl" \
	    -B "$CA_DIR/certs/intermediate_ca.crt"
	[[ $stderr == *'CRL refused: stale'* ]]
	# and the CA comes back
	run_step_ca
	"${agent[@]}" -1 2>log
	ask /health
	[ "$code" = 200 ]
}

# make_stale: yesterday's list of the same CA.
make_stale() {
	mkdir -p made/db
	cp "$CA_DIR/certs/intermediate_ca.crt" made/int.pem
	openssl pkey -in "$CA_DIR/secrets/intermediate_ca_key" -out made/int.key \
	    -passin "file:$CA_DIR/secrets/password"
	make_crl made int old.crl number=00 from='2 days ago' to='1 day ago'
	cp old.crl "$www/crl/ca.pem"
	cp old.crl.der "$www/crl/ca.crl"
}

@test "crl-agent: media types, HEAD and conditional requests" {
	"${agent[@]}" -1 2>log
	while read -r path type file; do
		ask "$path"
		[ "$code" = 200 ]
		[ "$(field Content-Type)" = "$type" ]
		[ "$(field Cache-Control)" = no-cache ]
		cmp body "$www/$file"
		tag=$(field ETag) since=$(field Last-Modified)
		ask "$path" -I
		[ "$code" = 200 ]
		[ "$(field Content-Length)" -eq "$(wc -c <"$www/$file")" ]
		ask "$path" -H "If-None-Match: $tag"
		[ "$code" = 304 ]
		ask "$path" -H "If-Modified-Since: $since"
		[ "$code" = 304 ]
		ask "$path" -H 'If-None-Match: "other"'
		[ "$code" = 200 ]
		ask "$path" -H 'If-Modified-Since: Sun, 01 Nov 2020 00:00:00 GMT'
		[ "$code" = 200 ]
	done <<-'END'
	/crl/ca.crl application/pkix-crl crl/ca.crl
	/crl/ca.pem application/x-pem-file crl/ca.pem
	/health application/json health
	END
	# a new list has a new tag, at once
	ask /crl/ca.crl
	tag=$(field ETag)
	issue
	acme-revoke "${acme[@]}" cert.pem
	"${agent[@]}" -1 2>log
	ask /crl/ca.crl -H "If-None-Match: $tag"
	[ "$code" = 200 ]
	[ "$(field ETag)" != "$tag" ]
}

@test "crl-agent: nothing else is served, and by no other method" {
	"${agent[@]}" -1 2>log
	echo secret >"$www/secret"
	ln -sf /etc/passwd "$www/crl/link.pem"
	for path in / /crl /crl/ /secret /.lock /crl/link.pem /crl/../.lock \
	    /crl/%2e%2e/secret /health/ /health/x /crl/ca.crl/ \
	    /crl/ca.crl/x /crl/ca.crl~ /HEALTH /..%2fcrl.conf //secret; do
		ask "$path" --path-as-is
		[ "$code" = 403 ] || [ "$code" = 404 ] || [ "$code" = 400 ]
	done
	for method in POST PUT DELETE OPTIONS PROPFIND; do
		ask /crl/ca.crl -X "$method" -d x
		[ "$code" = 403 ] || [ "$code" = 405 ] || [ "$code" = 400 ]
	done
	ask /stale
	[ "$code" = 503 ]
	# a list that is a link out of there is none
	mv "$www/crl/ca.pem" "$www/crl/real.pem"
	ln -s /etc/passwd "$www/crl/ca.pem"
	ask /crl/ca.pem
	[ "$code" = 403 ]
}

@test "crl-agent: step-ca's own list is taken again after a restart" {
	"${agent[@]}" -1 2>log
	before=$(jq -r 'select(.event == "crl.fetched").number' log)
	end_server step-ca
	run_step_ca
	"${agent[@]}" -1 2>log
	[ "$(jq -r 'select(.event == "crl.fetched").number' log)" -gt "$before" ]
}
