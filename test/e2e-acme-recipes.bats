#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The recipes of acme(7), taken from the page as a reader sees it and run by sh
# at the real step-ca, pebble, nginx and knot.  A test is named after its
# recipe; what only a reader has (the CA's address, port 80, /srv/challenge) is
# replaced by what the test has.

load helper
load servers

setup_file() {
	require mandoc
	start_dns
	start_step_ca
	start_pebble pebble PEBBLE_VA_NOSLEEP=1 PEBBLE_AUTHZREUSE=0 \
	    PEBBLE_ALTERNATE_ROOTS=1
	make_cert "$CA" www.example san=DNS:www.example from='80 days ago' \
	    to='10 days'
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir web
	ln -s "$ECA_ROOT/etc" etc
	port443=$(free_port)
}

teardown() {
	stop_bg
	[ -z "$(find web -type f)" ]
}

# at_step, at_pebble: which CA the recipe is for.
at_step() {
	ca=$ACME port80=$HTTP_PORT
	cp "$ROOT" root.pem
}

at_pebble() {
	ca=$PEBBLE port80=$PEBBLE_HTTP_PORT
	cp "$PEBBLE_ROOT" root.pem
}

# terms: the account is there, its terms agreed to.
terms() {
	acme-account -u "$ca" -A root.pem -a account.pem -Y new
}

# The page as text.
page() {
	mandoc -Tascii "$ECA_ROOT/man/acme.7" | sed "s/.$(printf '\b')//g"
}

titles() {
	page | sed -n '/^RECIPES$/,/^DEPARTURES$/s/^   \([^ ].*\)/\1/p'
}

# commands TITLE: of that recipe; without a title, what all begin with.
commands() {
	page | awk -v want="$1" '
		/^[A-Z]/ { on = $0 == "RECIPES"; title = "" }
		/^   [^ ]/ { title = substr($0, 4) }
		on && title == want && sub(/^           /, "")'
}

# recipe [TITLE]: run it, or the one the test is named after.
recipe() {
	local title=${1-${BATS_TEST_DESCRIPTION#*: recipe: }}
	commands "$title" >wanted
	[ -s wanted ]
	{
		commands ''
		cat wanted
	} | sed "s|https://ca:4210/acme/acme/directory|$ca|
		s|/srv/challenge|$PWD/web|
		s|/run/nginx.pid|$PWD/nginx.pid|
		s|-l :443/tls|-l 127.0.0.1:$TLS_PORT/tls|
		s|-l :80|-l 127.0.0.1:$port80|
		s|www.example:443|-n www.example 127.0.0.1:$port443|
		s|/etc/acme/tsig.key|$PWD/knot/tsig.key|
		s|192.0.2.53 53|127.0.0.1 ${KNOT-}|
		s|192\.0\.2\.1 |127.0.0.1 |
		s|Example Root 2|${other_root-}|
		s|-m 60|-m 5|
		s|sleep 60|sleep 1|" >recipe.sh
	sh -e recipe.sh
}

# web_server: nginx, with the challenges of ./web and, when there is one, with
# the certificate that is deployed.
web_server() {
	local tls=''
	[ ! -e store/www/current ] || tls="server {
		listen 127.0.0.1:$port443 ssl;
		ssl_certificate $PWD/store/www/current/fullchain.pem;
		ssl_certificate_key $PWD/store/www/current/key.pem;
	}"
	nginx_conf <<-END
	server {
		listen 127.0.0.1:$port80;
		location / { return 404; }
		location /.well-known/acme-challenge/ { root $PWD/web; }
	}
	$tls
	END
	start_bg nginx -e nginx.log -p . -c nginx.conf
	wait_port "$port80"
	wait_file nginx.pid
}

# deployed, served: the serial number.
deployed() {
	openssl x509 -in store/www/current/cert.pem -noout -serial
}

served() {
	tls-peek "127.0.0.1:$port443" | openssl x509 -noout -serial
}

# serves_other SERIAL: what is deployed, and that is another one.
serves_other() {
	local serial
	serial=$(deployed)
	[ "$serial" != "$1" ] && [ "$(served)" = "$serial" ]
}

# deploy: a certificate from the CA, which nginx serves.
deploy() {
	mkkey -o first.pem
	mkcsr -k first.pem -d www.example | acme-order -u "$ca" -A root.pem \
	    -a account.pem -l "127.0.0.1:$port80" >first-chain.pem
	cert-deploy -k first.pem store/www first-chain.pem
	web_server
}

# renewed: what ./renew is there for has happened.
renewed() {
	wait_for 10 serves_other "$1"
	run -0 cert-verify -k store/www/current/key.pem -n www.example \
	    store/www/current/fullchain.pem
}

@test "acme-order: all recipes of acme(7) are here, and no others" {
	titles | sort >page
	[ "$(wc -l <page)" -ge 10 ]
	sed -n 's/^@test "[a-z-]*: recipe: \(.*\)" {$/\1/p' \
	    "$BATS_TEST_FILENAME" | sort >here
	diff page here
	# each has commands, and those are sh
	while read -r title; do
		commands "$title" >recipe.sh
		[ -s recipe.sh ]
		run -0 sh -n recipe.sh
	done <page
}

@test "acme-order: recipe: The web server that is there answers" {
	at_step
	web_server
	recipe
	run -0 cert-verify -B root.pem -k key.pem -n www.example chain.pem
	grep -q 'acme-challenge/.* 200 ' requests.log
}

@test "acme-order: recipe: A host without a web server" {
	at_step
	recipe
	run -0 cert-verify -B root.pem -k key.pem -n www.example chain.pem
}

@test "acme-order: recipe: A host where only port 443 can be reached" {
	at_step
	recipe
	run -0 cert-verify -B root.pem -k key.pem -n www.example chain.pem
}

@test "acme-order: recipe: A hook sets DNS records" {
	start_knot "$PWD/knot" example.net
	DNS=$KNOT start_pebble knot PEBBLE_VA_NOSLEEP=1
	at_pebble
	terms
	recipe
	run -0 cert-verify -k key.pem -n a.example.net chain.pem
	run -0 cert-verify -k key.pem -n example.net chain.pem
	run -0 dig +short -p "$KNOT" @127.0.0.1 TXT _acme-challenge.example.net
	[ -z "$output" ]
	end_server knot
}

@test "acme-account: recipe: Account bound to a customer" {
	local mac=zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W
	start_pebble eab PEBBLE_VA_NOSLEEP=1 "{
	    \"externalAccountBindingRequired\": true,
	    \"externalAccountMACKeys\": {\"customer-1\": \"$mac\"}}"
	at_pebble
	run -2 terms
	echo "{\"kid\": \"customer-1\", \"mac\": \"$mac\"}" >eab.json
	recipe >out.json
	jq -e '.status == "valid" and .contact == ["mailto:ops@example.org"]' \
	    out.json
	run -0 cert-verify -k key.pem -n www.example chain.pem
	end_server eab
}

@test "acme-order: recipe: Addresses and names in one certificate" {
	at_step
	recipe >out.json
	local name
	for name in www.example example 127.0.0.1; do
		run -0 cert-verify -B root.pem -n "$name" chain.pem
	done
}

@test "cert-deploy: recipe: Deploy, reload and look" {
	at_step
	deploy
	old=$(served)
	recipe
	renewed "$old"
	run -0 tls-peek -A root.pem -n www.example "127.0.0.1:$port443"
}

@test "acme-order: recipe: New key and certificate for what is deployed" {
	at_pebble
	terms
	deploy
	old=$(served)
	local key
	key=$(sha256sum <store/www/current/key.pem)
	recipe
	renewed "$old"
	[ "$key" != "$(sha256sum <store/www/current/key.pem)" ]
	# the CA was told which one it replaces
	acme-order -u "$ca" -A root.pem -a account.pem -w web -e ev.json \
	    -X first-chain.pem req.pem >chain.pem
	grep -q alreadyReplaced ev.json
	# and once more: what the last run left is not in the way
	old=$(served)
	./renew "$ca"
	renewed "$old"
}

@test "acme-renewal-info: recipe: From cron, when the CA says so" {
	at_pebble
	terms
	deploy
	recipe 'New key and certificate for what is deployed'
	old=$(deployed)
	recipe
	jq -e '.source == "server" and .due == false' when.json
	[ "$old" = "$(deployed)" ]
	cp store/www/current/cert.pem chain.pem
	window '2 days ago' '1 day ago'
	recipe
	jq -e '.source == "server" and .due == true' when.json
	renewed "$old"
	old=$(deployed)
	recipe
	[ "$old" = "$(deployed)" ]
}

@test "cert-expiry: recipe: From cron, when a third of the life is left" {
	at_step
	deploy
	recipe 'New key and certificate for what is deployed'
	old=$(deployed)
	recipe
	[ "$old" = "$(deployed)" ]
	# 10 of 90 days are left of this one
	cert-deploy -k "$CA/www.example.key" store/www \
	    "$CA/www.example.chain.pem"
	old=$(deployed)
	recipe
	renewed "$old"
	run -0 cert-verify -B root.pem store/www/current/fullchain.pem
}

@test "acme-revoke: recipe: A key has leaked: replace, then revoke" {
	at_step
	deploy
	recipe 'New key and certificate for what is deployed'
	old=$(deployed)
	recipe
	renewed "$old"
	curl -sS -f --cacert root.pem "https://localhost:$CA_PORT/1.0/crl" \
	    -o crl.der
	run -0 openssl crl -inform DER -in crl.der -noout -text
	[[ $output == *"Serial Number: ${old#serial=}"*"Key Compromise"* ]]
	new=$(deployed)
	[[ $output != *"${new#serial=}"* ]]
}

@test "acme-account: recipe: A new account key" {
	at_pebble
	terms >before.json
	cp account.pem old.pem
	recipe >out.json
	[ "$(jq -r .account before.json)" = "$(jq -r .account out.json)" ]
	[ ! -e account.new ]
	run -0 acme-account -u "$ca" -A root.pem -a account.pem show
	run -2 acme-account -u "$ca" -A root.pem -a old.pem show
}

@test "acme-order: recipe: Going on with an order that was cut off" {
	at_step
	recipe 3>&- 4>&- &
	bg_pids+=($!)
	# nobody answers until the second run is at the order of the first
	wait_for 30 grep -qs '"status":"resumed"' events.json
	web_server
	wait "${bg_pids[0]}"
	run -0 cert-verify -B root.pem -k key.pem -n www.example chain.pem
	[ "$(grep -c '"url":"[^"]*/new-order"' events.json)" -eq 1 ]
	[ ! -s order.json ]
}

@test "acme-order: recipe: The chain to another root" {
	at_pebble
	terms
	curl -sS -f --cacert root.pem "$PEBBLE_MANAGE/roots/1" >roots.pem
	other_root=$(openssl x509 -in roots.pem -noout -subject -nameopt RFC2253)
	other_root=${other_root#subject=CN=}
	recipe
	run -0 cert-verify -B roots.pem -k key.pem -n www.example chain.pem
	pebble_issuer >first.pem
	run -1 cert-verify -B first.pem chain.pem
}
