#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-agent with real CAs (step-ca, pebble) and real servers (nginx,
# mosquitto), pass by pass.  Certificates live for 25 minutes and began a minute
# ago: with a threshold of 96 percent one is due after two seconds.

load helper
load servers
load agent

setup_file() {
	start_dns
	start_step_ca -L 25m
	mkkey -o "$BATS_FILE_TMPDIR/account.pem"
}

teardown_file() {
	end_servers
}

setup() {
	agent_setup
	mkdir agent
	# one account for all
	cp -p "$BATS_FILE_TMPDIR"/account.pem* agent/
}

teardown() {
	agent_teardown
	cp -p agent/account.pem* "$BATS_FILE_TMPDIR"/
}

# ordered: how many certificates step-ca has issued by ACME, by its own log.
ordered() {
	grep '/finalize"' "$BATS_FILE_TMPDIR/step-ca.log" |
	    grep -c '"status":200' || true
}

# issues N COMMAND...: the CA issues so many in the meantime.
issues() {
	local before
	before=$(ordered)
	"${@:2}" || return
	echo "issued: $(($(ordered) - before)), wanted: $1"
	[ "$(($(ordered) - before))" -eq "$1" ]
}

# serves PORT: the serial of the certificate there.
serves() {
	tls-peek -A "$ROOT" -n web.example "127.0.0.1:$1" | cert-expiry |
	    jq -r 'select(.index == 0 or .index == null) | .serial' | head -n 1
}

# with_nginx [KEY=value ...]: store/web is that of nginx at $port.
with_nginx() {
	conf web acme
	issues 1 pass acme
	port=$(free_port)
	target "$port"
	conf web acme "RELOAD_HOOK=reload-nginx $PWD/nginx.pid" \
	    "PROBE_SERVER=127.0.0.1:$port" PROBE_NAME=web.example "$@"
}

@test "acme-agent enrolls, and nginx shows each renewed certificate" {
	with_nginx
	whole web
	tidy web
	said '.event == "cert.ordered" and .reason == "missing"'
	said '.event == "cert.deployed" and (.path | length) > 0'
	[ "$(serves "$port")" = "$(serial web)" ]
	# nothing to do: no file is touched, nothing is said
	find agent store certs.d -ls >idle
	cp log.json before
	issues 0 pass acme
	cmp log.json before
	find agent store certs.d -ls | cmp - idle
	# at the threshold
	conf web acme "RELOAD_HOOK=reload-nginx $PWD/nginx.pid" \
	    "PROBE_SERVER=127.0.0.1:$port" PROBE_NAME=web.example \
	    RENEWAL_THRESHOLD_PERCENT=96 RENEWAL_SPREAD_PERCENT=0
	first=$(serial web)
	waited web
	wait_for 10 due acme
	issues 1 pass acme
	said '.event == "cert.ordered" and .reason == "due"'
	said ".event == \"cert.proven\" and .serial == \"$(serial web)\""
	[ "$(serial web)" != "$first" ]
	[ "$(serves "$port")" = "$(serial web)" ]
	tidy web
	whole web
}

@test "acme-agent renews when it is told to, once, with a fresh key" {
	conf web acme
	issues 1 pass acme
	cp store/web/current/key.pem old.key
	issues 1 pass acme -y web
	said '.event == "cert.ordered" and .reason == "forced"'
	run -1 cmp -s store/web/current/key.pem old.key
	conf mail acme
	issues 1 pass acme
	echo FORCE_RENEWAL=true >>certs.d/web.conf
	issues 0 pass acme
	# a day later
	waited web
	issues 1 pass acme
	issues 0 pass acme
	tidy web mail
}

@test "acme-agent replaces what was revoked, within one look at the list" {
	url=https://127.0.0.1:$CA_PORT/1.0/crl
	conf web acme CRL_ENABLED=true "CRL_URL=$url"
	pass acme
	issues 0 pass acme
	said ".event == \"crl.fetched\" and .url == \"$url\""
	first=$(serial web)
	cp -pL store/web/current/fullchain.pem old.pem
	step-revoke -u "https://127.0.0.1:$CA_PORT" -A "$ROOT" \
	    -c old.pem -k store/web/current/key.pem
	# the list at hand is fresh enough
	issues 0 pass acme
	find agent/crl -type f -exec touch -d '3 hours ago' {} +
	issues 1 pass acme
	said ".event == \"cert.revoked\" and .serial == \"$first\""
	said '.event == "cert.ordered" and .reason == "revoked"'
	[ "$(serial web)" != "$first" ]
	[ ! -e agent/state/web/revoked ]
	tidy web
	issues 0 pass acme
	# the list cannot be had: a warning, or an error; nothing is renewed
	rm -r agent/crl
	sed -i 's|^CRL_URL=.*|CRL_URL=https://127.0.0.1:9/crl|' certs.d/web.conf
	issues 0 pass acme
	said '.event == "crl.unreachable" and .level == "warn"'
	said '.event == "crl.unknown" and .level == "warn"'
	echo CRL_FAIL=closed >>certs.d/web.conf
	run -75 pass acme
	said '.event == "crl.unknown" and .level == "error"'
	whole web
}

@test "acme-agent takes over the pair that is there, and links lead to it" {
	mkdir server
	mkkey -o server/server.key
	mkcsr -k server/server.key -d web.example |
	    acme-order -u "$ACME" -A "$ROOT" -a agent/account.pem \
	    -l "127.0.0.1:$HTTP_PORT" >server/server.crt
	cp server/server.crt old.pem
	conf web acme "CERT_PATH=$PWD/server/server.crt" \
	    "KEY_PATH=$PWD/server/server.key" "CHAIN_PATH=$PWD/more/chain.pem"
	issues 0 pass acme
	said '.event == "cert.adopted"'
	cmp server/server.crt old.pem
	[ -L server/server.crt ]
	[ -L server/server.key ]
	issues 1 pass acme -y web
	for pair in server/server.crt:fullchain server/server.key:key \
	    more/chain.pem:chain; do
		[ "${pair%:*}" -ef "store/web/current/${pair#*:}.pem" ]
	done
	tidy web
}

@test "acme-agent moves aside what is no pair, and lets nobody lose it" {
	mkdir server
	cp "$CA/a.example.pem" server/server.crt
	mkkey -o server/server.key
	cp server/server.key old.key
	conf web acme "CERT_PATH=$PWD/server/server.crt" \
	    "KEY_PATH=$PWD/server/server.key"
	issues 1 pass acme
	said '.event == "cert.not_adopted" and (.reason | length) > 0'
	said '.event == "link.moved_aside" and (.path | endswith("server.key"))'
	cmp server/server.key.before-* old.key
	cmp server/server.crt.before-* "$CA/a.example.pem"
	[ server/server.key -ef store/web/current/key.pem ]
	tidy web
}

@test "acme-agent: MinIO's names, PKCS#12, and a group" {
	local group
	group=$(id -g)
	[ "$group" -ne 0 ] || group=65534
	echo open-sesame >secret
	chmod 600 secret
	conf web acme "MINIO_CERTS_DIR=$PWD/minio" \
	    "PFX_PASSWORD_FILE=$PWD/secret" "PFX_PATH=$PWD/net/client.pfx" \
	    "GROUP=$group" KEY_TYPE=rsa2048
	pass acme
	[ minio/public.crt -ef store/web/current/public.crt ]
	[ minio/private.key -ef store/web/current/private.key ]
	cmp <(openssl pkey -in minio/private.key -pubout) \
	    <(openssl x509 -in minio/public.crt -noout -pubkey)
	openssl pkcs12 -in net/client.pfx -passin file:secret -nokeys \
	    -clcerts | openssl x509 | cmp - store/web/current/cert.pem
	[ "$(stat -L -c '%a %g' minio/private.key)" = "640 $group" ]
	[ "$(stat -L -c '%a %g' store/web/current/key.pem)" = "640 $group" ]
	openssl pkey -in minio/private.key -noout -text |
	    grep -q 'Private-Key: (2048 bit'
	tidy web
}

@test "acme-agent orders anew when the names have changed" {
	conf web acme
	pass acme
	waited web
	conf web acme 'DOMAIN_NAME=web.example, 127.0.0.1'
	issues 1 pass acme
	said '.event == "cert.ordered" and .reason == "changed"'
	openssl x509 -in store/web/current/cert.pem -noout -ext subjectAltName |
	    grep -q 'DNS:web.example, IP Address:127.0.0.1'
	issues 0 pass acme
	tidy web
}

@test "acme-agent: an existing web server answers from its directory" {
	mkdir -p www/.well-known/acme-challenge
	nginx_conf <<-END
	server { listen 127.0.0.1:$HTTP_PORT; root $PWD/www; }
	END
	start_bg nginx -e nginx.log -p . -c nginx.conf
	wait_port "$HTTP_PORT"
	conf web acme CHALLENGE_LISTEN= "CHALLENGE_DIR=$PWD/www"
	issues 1 pass acme
	whole web
	[ "$(grep -c 'GET /.well-known/acme-challenge/.* 200 ' \
	    requests.log)" -eq 1 ]
	[ -z "$(find www -type f)" ]
	tidy web
}

@test "acme-agent: a hook answers" {
	cat >hook <<-END
	#!/bin/sh
	[ "\$2" = dns-01 ] || exit 1
	case \$1 in
	begin) path=set-txt ;;
	done) path=clear-txt ;;
	*) exit 1 ;;
	esac
	printf '{"host":"_acme-challenge.%s.","value":"%s"}' "\$3" "\$5" |
	    curl -sS -f -d @- "$DNS_MANAGE/\$path" || exit 2
	echo "\$1" >>$PWD/calls
	END
	chmod +x hook
	conf web acme CHALLENGE_LISTEN= "CHALLENGE_HOOK=$PWD/hook" \
	    'DOMAIN_NAME=*.web.example'
	issues 1 pass acme
	[ "$(paste -sd' ' calls)" = 'begin done' ]
	tidy web
}

@test "acme-agent: mosquitto serves what it got" {
	require mosquitto
	local group
	group=$(id -g)
	[ "$group" -ne 0 ] || group=mosquitto
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR/.." . .. 2>/dev/null ||
	    true
	conf web acme "GROUP=$group"
	pass acme
	local port up=$PWD
	port=$(free_port)
	# the broker runs as its own user, and gets through to its key
	while [ "$up" != / ] && [ -O "$up" ]; do
		chmod o+x "$up"
		up=${up%/*}
	done
	mkdir run
	[ "$(id -u)" -ne 0 ] || chown mosquitto run
	cat >mosquitto.conf <<-END
	listener $port 127.0.0.1
	pid_file $PWD/run/mosquitto.pid
	allow_anonymous true
	cafile $ROOT
	certfile $PWD/store/web/current/fullchain.pem
	keyfile $PWD/store/web/current/key.pem
	END
	start_bg mosquitto -c "$PWD/mosquitto.conf"
	wait_port "$port"
	[ "$(serves "$port")" = "$(serial web)" ]
	conf web acme "GROUP=$group" PROBE_NAME=web.example \
	    "RELOAD_HOOK=reload-mosquitto $PWD/mosquitto.conf" \
	    "PROBE_SERVER=127.0.0.1:$port"
	first=$(serial web)
	issues 1 pass acme -y web
	[ "$(serial web)" != "$first" ]
	[ "$(serves "$port")" = "$(serial web)" ]
	tidy web
}

@test "acme-agent: TERM in the middle of an order lets it be finished" {
	cat >hook <<-END
	#!/bin/sh
	[ "\$2" = http-01 ] || exit 1
	case \$1 in
	begin)
		mkdir -p www/.well-known/acme-challenge
		printf %s "\$5" >"www/.well-known/acme-challenge/\$4"
		echo "\$1" >>$PWD/calls
		sleep 1 ;;
	esac
	END
	chmod +x hook
	start_bg http01-serve -l "127.0.0.1:$HTTP_PORT" -w www
	mkdir www
	wait_port "$HTTP_PORT" || start_bg http01-serve \
	    -l "127.0.0.1:$HTTP_PORT" -w www
	conf web acme CHALLENGE_LISTEN= "CHALLENGE_HOOK=$PWD/hook"
	agent acme
	wait_file calls
	kill "$bg"
	rc=0
	wait "$bg" || rc=$?
	[ "$rc" -eq 0 ]
	said '.event == "cert.proven"'
	said '.event == "agent.stopped"'
	[ ! -e agent/tmp.acme ]
	tidy web
}

@test "acme-agent: what a service does not show is gone back from" {
	with_nginx "RELOAD_HOOK=$(type -P true)" PROBE_TIMEOUT_SECONDS=1 \
	    RENEWAL_THRESHOLD_PERCENT=96 RENEWAL_SPREAD_PERCENT=0
	first=$(serial web)
	waited web
	wait_for 10 due acme
	# the hook lies
	rc=0
	issues 1 eval 'pass acme || rc=$?'
	[ "$rc" -eq 75 ]
	[ "$(serial web)" = "$first" ]
	[ "$(serves "$port")" = "$first" ]
	whole web
	said '.event == "proof.failed" and (.reason | test("another one"))'
	said ".event == \"cert.rolled_back\" and .serial == \"$first\""
	state web '.failures == 1 and .result == "failed"'
	second=$(cert-expiry "store/web/$(<store/web/previous)/cert.pem" |
	    jq -r .serial)
	[ "$second" != "$first" ]
	# once more, the same: no order
	sed -i '/THRESHOLD/d; /SPREAD/d' certs.d/web.conf
	waited web
	issues 0 eval 'pass acme || rc=$?'
	[ "$(serial web)" = "$first" ]
	state web '.failures == 2'
	# it does what it says: the one that is there is proven, the rest goes
	sed -i "s|^RELOAD_HOOK=.*|RELOAD_HOOK=reload-nginx $PWD/nginx.pid|
		/PROBE_TIMEOUT/d" certs.d/web.conf
	waited web
	issues 0 pass acme
	[ "$(serial web)" = "$second" ]
	[ "$(serves "$port")" = "$second" ]
	state web '.failures == 0'
	tidy web
}

@test "acme-agent: a CA that knows when tells it (ARI, pebble)" {
	start_pebble pebble PEBBLE_VA_NOSLEEP=1
	pebble_issuer >issuer.pem
	pebble() {
		conf web acme "CA_URL=$PEBBLE" "CA_ROOT=$PEBBLE_ROOT" \
		    "CERT_ROOT=$PWD/issuer.pem" "ACME_TERMS=agree" \
		    "CHALLENGE_LISTEN=127.0.0.1:$PEBBLE_HTTP_PORT"
	}
	pebble
	rm agent/account.pem*
	pass acme
	said '.event == "ari.answered" and (.renew_at | length) > 0'
	first=$(serial web)
	jq -e --arg serial "$first" '.serial == $serial and
	    .source == "server"' agent/state/web/ari.json
	cp -L store/web/current/fullchain.pem chain.pem
	window '1 hour ago' '30 minutes ago'
	# not asked again before it is time
	pass acme
	[ "$(serial web)" = "$first" ]
	jq -c '.asked_at = "2020-01-01T00:00:00Z"' agent/state/web/ari.json \
	    >aged.json
	mv aged.json agent/state/web/ari.json
	waited web
	pass acme
	[ "$(serial web)" != "$first" ]
	said '.event == "cert.ordered" and .reason == "ari"'
	tidy web
	# one who says nothing of use is no hindrance
	cp -L store/web/current/fullchain.pem chain.pem
	suggest '{"suggestedWindow": "soon"}'
	rm agent/state/web/ari.json
	cp log.json before
	pass acme
	jq -e '.source != "server"' agent/state/web/ari.json
	end_server pebble
	rm agent/state/web/ari.json
	cmp log.json before
	pass acme
	said '.event == "ari.unknown" and .level == "warn" and
	    (.reason | length) > 0'
	# not asked at each pass
	cp log.json before
	pass acme
	cmp log.json before
	# what it said before goes on to hold, of this certificate
	local serial
	serial=$(serial web)
	for i in "$serial" 00; do
		jq -n --arg serial "$i" '{serial: $serial, source: "server",
		    asked_at: "2026-01-01T00:00:00Z",
		    renew_at: "2126-01-01T00:00:00Z"}' \
		    >agent/state/web/ari.json
		pass acme
		jq -e --arg serial "$i" --arg is "$serial" '.serial == $is and
		    .asked_at > "2026-01-01T00:00:00Z" and
		    .ask_again_seconds == 3600 and
		    (.renew_at != null) == ($serial == $is)' \
		    agent/state/web/ari.json
	done
	cp -p "$BATS_FILE_TMPDIR"/account.pem* agent/
}

@test "acme-agent: a CA that wants an account to be bound (EAB, pebble)" {
	local mac=zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W
	start_pebble eab PEBBLE_VA_NOSLEEP=1 '{
	    "externalAccountBindingRequired": true,
	    "externalAccountMACKeys": {"kid-1": "'$mac'"}}'
	pebble_issuer >issuer.pem
	rm agent/account.pem*
	conf web acme "CA_URL=$PEBBLE" "CA_ROOT=$PEBBLE_ROOT" \
	    "CERT_ROOT=$PWD/issuer.pem" "ACME_TERMS=agree" ARI=false \
	    "CHALLENGE_LISTEN=127.0.0.1:$PEBBLE_HTTP_PORT"
	run -2 pass acme
	said '.event == "cert.refused" and (.reason | length) > 0'
	state web '.failures == 1'
	echo "{\"kid\": \"kid-1\", \"mac\": \"$mac\"}" >eab.json
	chmod 600 eab.json
	echo "EAB_FILE=$PWD/eab.json" >>certs.d/web.conf
	waited web
	pass acme
	said '.event == "cert.proven"'
	run -1 grep -rl -e "$mac" log.json agent
	# bound once
	pass acme -y web
	tidy web
	cp -p "$BATS_FILE_TMPDIR"/account.pem* agent/
	end_server eab
}
