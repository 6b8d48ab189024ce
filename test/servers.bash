# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# The real servers that the e2e tests ask, each in a directory of its own below
# $BATS_FILE_TMPDIR, on free ports of 127.0.0.1.  Started in setup_file, they
# are ended by `end_servers` in teardown_file.
#
#   start_dns           challtestsrv as name server: every name is 127.0.0.1;
#                       sets DNS (its port) and DNS_MANAGE (URL)
#   start_knot DIR ZONE a name server for the zone that takes updates signed
#                       with DIR/tsig.key, in a test; sets KNOT (its port)
#   start_step_ca [ca-init options]
#                       sets CA_DIR, ROOT, ACME (directory URL), HTTP_PORT and
#                       TLS_PORT (where it asks challenges)
#   start_pebble NAME [VARIABLE=value ...] [-strict] [{JSON}]
#                       JSON is added to its configuration;
#                       sets PEBBLE (directory URL), PEBBLE_ROOT,
#                       PEBBLE_HTTP_PORT, PEBBLE_TLS_PORT, PEBBLE_MANAGE (URL);
#                       the ports are those of the last time when NAME was
#                       there before
#   own_account         the key of an account for this test alone; sets account
#   start_estserver     globalsign's EST server, with a CA of its own in
#                       $BATS_FILE_TMPDIR/est; sets EST (base URL)
#   nginx_conf [DIR]    DIR/nginx.conf (default: here), http with what is on
#                       stdin; all its files are in DIR, with requests.log.  To
#                       be started with -e nginx.log -p DIR -c nginx.conf
#   double LINE         nginx at $port (default: a free one) with the
#                       certificate of a.example and this line, in a test
#   web DIR             nginx with the files of DIR by http, in a test; sets WEB
#                       (URL)

# server NAME COMMAND...: in the background; its log is NAME.log.
server() {
	(
		exec "${@:2}"
	) >>"$BATS_FILE_TMPDIR/$1.log" 2>&1 </dev/null 3>&- 4>&- &
	echo $! >"$BATS_FILE_TMPDIR/$1.pid"
}

end_server() {
	[ ! -s "$BATS_FILE_TMPDIR/$1.pid" ] ||
	    stop_bg "$(<"$BATS_FILE_TMPDIR/$1.pid")"
	rm -f "$BATS_FILE_TMPDIR/$1.pid"
}

end_servers() {
	local f
	for f in "$BATS_FILE_TMPDIR"/*.pid; do
		[ ! -e "$f" ] || end_server "$(basename "$f" .pid)"
	done
}

start_dns() {
	require pebble-challtestsrv
	export DNS DNS_MANAGE
	DNS=$(free_port)
	DNS_MANAGE=http://127.0.0.1:$(free_port)
	server dns pebble-challtestsrv -http01 '' -https01 '' -tlsalpn01 '' \
	    -doh '' -dnsserver "127.0.0.1:$DNS" -defaultIPv6 '' \
	    -management "${DNS_MANAGE#http://}"
	wait_port "${DNS_MANAGE##*:}"
}

# The step-ca in $CA_DIR, also after it was ended.
run_step_ca() {
	# shellcheck disable=SC2016	# for the inner shell
	server step-ca sh -c 'cd "$1" && shift && exec step-ca "$@"' sh \
	    "$CA_DIR" --insecure --acme-http-port "$HTTP_PORT" \
	    --acme-tls-port "$TLS_PORT" \
	    --resolver "127.0.0.1:${DNS:-53}" \
	    --password-file secrets/password config/ca.json
	wait_port "$CA_PORT"
}

start_step_ca() {
	require step-ca jq
	export CA_DIR=$BATS_FILE_TMPDIR/step-ca CA_PORT HTTP_PORT TLS_PORT
	export ROOT ACME
	CA_PORT=$(free_port)
	HTTP_PORT=$(free_port)
	TLS_PORT=$(free_port)
	ca-init -d "$CA_DIR" -a "127.0.0.1:$CA_PORT" "$@" \
	    >"$BATS_FILE_TMPDIR/ca.json"
	ROOT=$CA_DIR/certs/root_ca.crt
	ACME=$(jq -r .acme_directory "$BATS_FILE_TMPDIR/ca.json")
	run_step_ca
}

start_pebble() {
	local name=$1 dir=$BATS_FILE_TMPDIR/$1 port manage word more='{}'
	local env=() flags=()
	require pebble curl
	for word in "${@:2}"; do
		case $word in
		-*) flags+=("$word") ;;
		\{*) more=$word ;;
		*) env+=("$word") ;;
		esac
	done
	export PEBBLE PEBBLE_ROOT=$CA/root.pem PEBBLE_HTTP_PORT PEBBLE_TLS_PORT
	export PEBBLE_MANAGE
	mkdir -p "$dir"
	[ -s "$dir/ports" ] ||
	    echo "$(free_port) $(free_port) $(free_port) $(free_port)" \
	    >"$dir/ports"
	read -r port manage PEBBLE_HTTP_PORT PEBBLE_TLS_PORT <"$dir/ports"
	PEBBLE=https://127.0.0.1:$port/dir
	PEBBLE_MANAGE=https://127.0.0.1:$manage
	jq --argjson more "$more" '.pebble += $more' >"$dir/config.json" <<-END
	{"pebble": {
		"listenAddress": "127.0.0.1:$port",
		"managementListenAddress": "127.0.0.1:$manage",
		"certificate": "$CA/a.example.chain.pem",
		"privateKey": "$CA/a.example.key",
		"httpPort": $PEBBLE_HTTP_PORT,
		"tlsPort": $PEBBLE_TLS_PORT,
		"ocspResponderURL": "",
		"externalAccountBindingRequired": false,
		"profiles": {"default": {"description": "the only one",
			"validityPeriod": 86400}}
	}}
	END
	server "$name" env "${env[@]}" pebble -config "$dir/config.json" \
	    -dnsserver "127.0.0.1:$DNS" "${flags[@]}"
	wait_port "$port"
	wait_port "$manage"
}

# pebble reuses some authorizations of an account whatever it is told.
own_account() {
	account=$BATS_TEST_TMPDIR/account.pem
	mkkey -o "$account"
}

start_estserver() {
	local dir=$BATS_FILE_TMPDIR/est port
	require estserver
	export EST EST_CA=$dir
	port=$(free_port)
	EST=https://127.0.0.1:$port
	make_ca "$dir"
	make_cert "$dir" server san=IP:127.0.0.1
	cat "$dir/int.pem" "$dir/root.pem" >"$dir/issuers.pem"
	cat >"$dir/config.json" <<-END
	{"mock_ca": {"certificates": "$dir/issuers.pem",
	    "private_key": "$dir/int.key"},
	"tls": {"listen_address": "127.0.0.1:$port",
	    "certificates": "$dir/server.chain.pem",
	    "private_key": "$dir/server.key",
	    "client_cas": ["$dir/int.pem", "$dir/root.pem"]},
	"allowed_hosts": ["127.0.0.1"], "healthcheck_password": "x",
	"rate_limit": 1000, "timeout": 30, "log_file": "$dir/log"}
	END
	server estserver estserver -config "$dir/config.json"
	wait_port "$port"
}

# The root pebble issues from, which is not that of its TLS certificate.
pebble_issuer() {
	curl -sS -f --cacert "$PEBBLE_ROOT" "$PEBBLE_MANAGE/roots/0"
}

# suggest JSON: what pebble will say of chain.pem from now on.
suggest() {
	jq -n --rawfile cert chain.pem --arg text "$1" '{
		Certificate: ($cert | split("-----END CERTIFICATE-----")[0] +
		    "-----END CERTIFICATE-----\n"),
		ARIResponse: $text}' >ari.json
	curl -sS -f --cacert "$PEBBLE_ROOT" -d @ari.json \
	    "$PEBBLE_MANAGE/set-renewal-info/"
}

# window FROM TO: the same as a window, both as date -d reads them.
window() {
	suggest "{\"suggestedWindow\": {
	    \"start\": \"$(date -u -d "$1" +%FT%TZ)\",
	    \"end\": \"$(date -u -d "$2" +%FT%TZ)\"},
	    \"explanationURL\": \"https://ca.example/why\"}"
}

# By start_bg: it ends with the test.
start_knot() {
	require knotd nsupdate dig
	local secret
	export KNOT
	mkdir -p "$1/db"
	KNOT=$(free_port)
	secret=$(openssl rand -base64 32)
	printf 'key "acme" {\n\talgorithm hmac-sha256;\n\tsecret "%s";\n};\n' \
	    "$secret" >"$1/tsig.key"
	cat >"$1/knot.conf" <<-END
	server:
	    rundir: $1
	    listen: 127.0.0.1@$KNOT
	    udp-workers: 1
	    tcp-workers: 1
	    background-workers: 1
	database:
	    storage: $1/db
	key:
	  - id: acme
	    algorithm: hmac-sha256
	    secret: $secret
	acl:
	  - id: update
	    key: acme
	    action: update
	zone:
	  - domain: $2
	    storage: $1
	    file: zone
	    acl: update
	END
	cat >"$1/zone" <<-END
	$2. 60 SOA ns.$2. admin.$2. 1 60 60 60 60
	$2. 60 NS ns.$2.
	ns.$2. 60 A 127.0.0.1
	a.$2. 60 A 127.0.0.1
	END
	start_bg knotd -c "$1/knot.conf"
	wait_port "$KNOT"
	wait_for 10 serves_zone "$2"
}

serves_zone() {
	dig +short +time=1 +tries=1 -p "$KNOT" @127.0.0.1 SOA "$1" |
	    grep -q .
}

nginx_conf() {
	require nginx
	local dir=${1:-$PWD}
	mkdir -p "$dir"
	{
		cat <<-END
		user root root; daemon off; pid $dir/nginx.pid;
		error_log nginx.log notice;
		events {}
		http {
		access_log requests.log;
		client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;
		uwsgi_temp_path u; scgi_temp_path s;
		END
		cat
		echo '}'
	} >"$dir/nginx.conf"
}

double() {
	: "${port:=$(free_port)}"
	nginx_conf <<-END
	server {
		listen 127.0.0.1:$port ssl ${DOUBLE_LISTEN-};
		ssl_certificate $CA/a.example.chain.pem;
		ssl_certificate_key $CA/a.example.key;
		$1
	}
	END
	start_bg nginx -e nginx.log -p . -c nginx.conf
	wait_port "$port"
}

web() {
	local port
	port=$(free_port)
	export WEB=http://127.0.0.1:$port
	nginx_conf <<-END
	server { listen 127.0.0.1:$port; root $1; }
	END
	start_bg nginx -e nginx.log -p . -c nginx.conf
	wait_port "$port"
}
