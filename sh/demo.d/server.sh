# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # tmp, dir, top: of demo
# server: step-ca issues a certificate, nginx serves it, and it is renewed with
# a fresh key while requests keep flowing.

serial() {
	tls-peek -A ca/certs/root_ca.crt localhost:4213 | cert-expiry |
	    sed -n '1s/.*"serial":"\([^"]*\)".*/\1/p'
}

# serves [SERIAL]: nginx answers, with that one.
serves() {
	now=$(serial)
	[ -n "$now" ] && [ "$now" = "${1-$now}" ]
}

# The old worker of nginx takes connections for an instant after the new one.
steady() {
	for _ in 1 2 3 4 5; do
		serves "$1" || return
		sleep 0.1
	done
}

due() {
	rc=0
	cert-expiry -t 33 store/localhost/current/cert.pem || rc=$?
	[ "$rc" -eq 1 ]
}

# Requests, each over a new connection, until the file "stop" appears: one
# line with the outcome for each.
requests() {
	until [ -e stop ]; do
		if curl -sf -m 5 --cacert ca/certs/root_ca.crt \
		    https://localhost:4213/ >"$tmp/answer"; then
			echo good
		else
			echo bad
		fi
	done >requests.log 2>&1
}

files() {
	say 'What is where'
	cat <<-END
	$dir/
	  ca/                  the CA: root and intermediate, ca.json, their keys
	  account.pem          the ACME account key; account.pem.accounts: its URL
	  store/localhost/     what cert-deploy keeps: gen/TIME-SERIAL/ with key.pem,
	                       cert.pem, chain.pem, fullchain.pem, keychain.pem;
	                       current -> the one that is served
	  step-ca.log nginx.log http01.log requests.log
	END
	ls -l store/localhost store/localhost/gen
}

prepare() {
	need step-ca nginx curl openssl jq
	port_free 4210 step-ca
	port_free 4212 'the ACME challenge'
	port_free 4213 nginx
	new_dir
	run "mkdir tmp www && cp '$top/etc/nginx/server.conf' nginx.conf"
}

ca() {
	say 'A CA: root, intermediate, ACME. Certificates live for one minute.'
	run 'ca-init -L 1m -d ca >ca.json'
	start step-ca.log 'sh -c "cd ca && exec step-ca --insecure \
    --acme-http-port 4212 --password-file secrets/password config/ca.json"'
	wait_for 'step-ca, see step-ca.log' 20 healthy
}

first() {
	say 'A key, a request, a certificate. The key never leaves this host.'
	run 'mkkey -o key.pem'
	run 'mkcsr -k key.pem -d localhost |
    acme-order -u https://localhost:4210/acme/acme/directory \
    -A ca/certs/root_ca.crt -a account.pem -l 127.0.0.1:4212 >chain.pem'
	say 'Is it what we asked for? Then install it: a generation of its own.'
	run 'cert-verify -B ca/certs/root_ca.crt -k key.pem -n localhost \
    -p server chain.pem'
	run 'mkdir store && cert-deploy -k key.pem store/localhost <chain.pem &&
    rm key.pem chain.pem'
	say 'nginx serves it.'
	start nginx.log 'nginx -e nginx.log -p . -c nginx.conf'
	wait_for 'nginx, see nginx.log' 10 serves
	run 'tls-peek -A ca/certs/root_ca.crt localhost:4213 | cert-expiry'
	before=$(serial)
}

renew() {
	say 'Requests flow from now on, each over a new connection.'
	requests &
	requests_pid=$!
	pids="$pids $requests_pid"
	printf '$ while :; do curl -sf --cacert ca/certs/root_ca.crt %s; done &\n' \
	    https://localhost:4213/
	say 'Renewal is due when a third of the life is left (cert-expiry exits 1).'
	printf '$ until ! cert-expiry -t 33 store/localhost/current/cert.pem; do sleep 1; done\n'
	wait_for 'cert-expiry -t 33' 60 due
	cat "$tmp/wait"
	say 'A fresh key, the same names, through a web server of its own this time.'
	run 'mkkey -o key.pem'
	start http01.log 'http01-serve -l 127.0.0.1:4212 -w www'
	http01_pid=${pids%% *}
	wait_for 'http01-serve, see http01.log' 10 port_open 4212
	run 'mkcsr -k key.pem -x store/localhost/current/cert.pem |
    acme-order -u https://localhost:4210/acme/acme/directory \
    -A ca/certs/root_ca.crt -a account.pem -w www >chain.pem'
	run 'cert-verify -B ca/certs/root_ca.crt -k key.pem -n localhost \
    -p server chain.pem'
	run 'cert-deploy -k key.pem store/localhost <chain.pem &&
    rm key.pem chain.pem'
	stop "$http01_pid"
	say 'Reload, and see that it serves the new one.'
	after=$(cert-expiry store/localhost/current/cert.pem |
	    sed -n 's/.*"serial":"\([^"]*\)".*/\1/p')
	# shellcheck disable=SC2016 # as it is pasted
	run 'kill -HUP "$(cat nginx.pid)"'
	wait_for 'nginx reload, see nginx.log' 10 steady "$after"
	run 'tls-peek -A ca/certs/root_ca.crt localhost:4213 | cert-expiry'
	sleep 1
	: >stop
	wait "$requests_pid" || :
	stop "$requests_pid"
}

summary() {
	good=$(grep -c '^good' requests.log) || :
	bad=$(grep -vc '^good' requests.log) || :
	files
	say 'Outcome'
	printf 'serial before  %s\nserial after   %s\n' "$before" "$after"
	printf 'requests       %s, failed: %s\n' "$((good + bad))" "$bad"
	[ "$before" != "$after" ] || broken 'renewal: the serial is the same'
	[ "$good" -gt 0 ] || broken 'requests: none was answered'
	[ "$bad" -eq 0 ] || broken "requests: $bad failed"
}

server_keep() {
	cat <<-END
	curl --cacert ca/certs/root_ca.crt https://localhost:4213/
	tls-peek -A ca/certs/root_ca.crt localhost:4213 | cert-expiry -f nagios
	mkkey -o k.pem && mkcsr -k k.pem -d localhost | acme-order -v -A ca/certs/root_ca.crt \\
	    -u https://localhost:4210/acme/acme/directory -a account.pem -l 127.0.0.1:4212
	END
}

server() {
	prepare
	ca
	first
	renew
	summary
}
