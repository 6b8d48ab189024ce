#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The reload hooks with a real nginx and mosquitto.

load helper
load servers
load reload

# serves NAME: the server at $port shows this certificate.
serves() {
	tls-peek -m 5 -A "$CA/root.pem" "127.0.0.1:$port" \
	    -c "$CA/a.example.chain.pem" -k "$CA/a.example.key" \
	    >peek.pem 2>peek.err && [ "$(serial peek.pem)" = "$(serial "$CA/$1.pem")" ]
}

# shows NAME: in the end.
shows() { wait_for 10 serves "$1"; }

# real_nginx: the store is what it serves.
real_nginx() {
	port=$(free_port)
	nginx_conf <<-END
	server {
		listen 127.0.0.1:$port ssl;
		ssl_certificate $PUB/store/current/fullchain.pem;
		ssl_certificate_key $PUB/store/current/key.pem;
	}
	END
	start_bg nginx -e nginx.log -p "$PWD" -c nginx.conf
	wait_port "$port"
	wait_file nginx.pid
	hook=(reload-nginx nginx.pid -e nginx.log -p "$PWD" -c nginx.conf)
}

@test "reload-nginx: nginx serves the new certificate" {
	deploy a.example
	real_nginx
	shows a.example
	deploy new.example
	reloads "${hook[@]}"
	shows new.example
}

@test "reload-nginx: without an nginx to test with it sends HUP" {
	deploy a.example
	real_nginx
	deploy new.example
	local tool
	mkdir path
	for tool in dash date stat sed tr awk id; do
		ln -s "$(command -v "$tool")" path/
	done
	ln -s dash path/sh
	ln -s "$hooks/reload-pidfile" path/
	sed '/^PATH=/d' "$hooks/reload-nginx" >path/reload-nginx
	chmod +x path/reload-nginx
	PATH=$PWD/path run -0 path/reload-nginx nginx.pid -c none "${call[@]}"
	[ -z "$output" ]
	shows new.example
}

@test "reload-nginx leaves nginx alone when the configuration is bad" {
	deploy a.example
	real_nginx
	echo 'nonsense;' >>nginx.conf
	refuses "reload-nginx: nginx: [emerg] unknown directive \"nonsense\" in $PWD/nginx.conf:$(wc -l <nginx.conf)" \
	    "${hook[@]}"
	# behind an alert that is none
	run -2 --separate-stderr "$hooks/reload-nginx" nginx.pid \
	    -e none/nginx.log -p "$PWD" -c nginx.conf "${call[@]}"
	[[ $stderr == 'reload-nginx: '*'[emerg]'*' unknown directive "nonsense"'* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	sed -i '$d' nginx.conf
	# a pair that is none
	cp "$CA/new.example.key" "$(<generation)/key.pem"
	run -2 --separate-stderr "$hooks/${hook[0]}" "${hook[@]:1}" "${call[@]}"
	[[ $stderr == 'reload-nginx: nginx: [emerg] SSL_CTX_use_PrivateKey'*'key values mismatch'* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ "$(grep -c 'signal 1 (SIGHUP) received' nginx.log)" -eq 0 ]
	serves a.example
}

@test "reload-nginx says so when there is no nginx, and makes no pid file" {
	refuses 'reload-pidfile: none.pid: no such file' reload-nginx none.pid
	[ ! -e none.pid ]
	double server
	echo 'events {} pid x.pid;' >nginx.conf
	refuses "reload-pidfile: double.pid: process $bg is server and not nginx" \
	    reload-nginx double.pid -e nginx.log -p "$PWD" -c nginx.conf
}

# real_mosquitto: a broker with a CRL; as root it runs as its own user.
real_mosquitto() {
	require mosquitto
	port=$(free_port)
	group=$(id -g)
	[ "$group" -ne 0 ] || group=$(id -g mosquitto)
	deploy a.example "$group"
	make_crl "$CA" int "$PUB/crl.pem"
	cat "$CA/int.pem" "$CA/root.pem" >"$PUB/ca.pem"
	mkdir "$PUB/conf.d" "$PUB/run"
	[ "$(id -u)" -ne 0 ] || chown mosquitto "$PUB/run"
	cat >"$PUB/mosquitto.conf" <<-END
	# as Debian has it
	pid_file $PUB/run/mosquitto.pid
	log_dest stderr
	include_dir $PUB/conf.d
	END
	cat >"$PUB/conf.d/tls.conf" <<-END
	listener $port 127.0.0.1
	cafile $PUB/ca.pem
	certfile $PUB/store/current/fullchain.pem
	keyfile $PUB/store/current/key.pem
	crlfile $PUB/crl.pem
	require_certificate true
	END
	chmod 644 "$PUB"/*.* "$PUB/conf.d/tls.conf"
	chmod 755 "$PUB/conf.d" "$PUB/run"
	start_bg mosquitto -c "$PUB/mosquitto.conf"
	log=$PWD/bg.$((${#bg_pids[@]} - 1)).log
	wait_port "$port"
	shows a.example
}

# untouched: the broker got no HUP and serves.
untouched() {
	[ "$(grep -c 'Reloading config' "$log")" -eq 0 ]
	serves a.example
}

@test "reload-mosquitto: the broker serves the new certificate" {
	real_mosquitto
	deploy new.example "$group"
	reloads reload-mosquitto "$PUB/mosquitto.conf"
	shows new.example
	grep -q 'Reloading config' "$log"
}

@test "reload-mosquitto spares the broker a pair it cannot use" {
	real_mosquitto
	local key=$PUB/store/current/key.pem cert=$PUB/store/current/fullchain.pem
	cp -p "$key" key.old
	cat "$CA/new.example.key" >"$key"
	refuses "reload-mosquitto: $cert: with $key: key_mismatch" \
	    reload-mosquitto "$PUB/mosquitto.conf"
	untouched
	cat key.old >"$key"
	if [ "$(id -u)" -eq 0 ]; then
		chgrp 0 "$key"
	else
		chmod 0 "$key"
	fi
	refuses "reload-mosquitto: $cert: cert-verify: $key: Permission denied" \
	    reload-mosquitto "$PUB/mosquitto.conf"
	untouched
	rm "$key"
	refuses "reload-mosquitto: $cert: cert-verify: $key: No such file or directory" \
	    reload-mosquitto "$PUB/mosquitto.conf"
	untouched
	cp -p key.old "$key"
	chgrp "$group" "$key"
	reloads reload-mosquitto "$PUB/mosquitto.conf"
	wait_line "$log" 'Reloading config'
	shows a.example
}

@test "reload-mosquitto spares the broker a list it cannot use" {
	real_mosquitto
	local crl=$PUB/crl.pem
	cp "$crl" good.pem
	rm "$crl"
	refuses "reload-mosquitto: $crl: no list in it that the broker can read" \
	    reload-mosquitto "$PUB/mosquitto.conf"
	echo garbage >"$crl"
	refuses "reload-mosquitto: $crl: no list in it that the broker can read" \
	    reload-mosquitto "$PUB/mosquitto.conf"
	head -n 4 good.pem >"$crl"
	refuses "reload-mosquitto: $crl: list 1 is broken or of no CA in cafile" \
	    reload-mosquitto "$PUB/mosquitto.conf"
	{ cat good.pem; head -n 4 good.pem; } >"$crl"
	refuses "reload-mosquitto: $crl: list 2 is broken or of no CA in cafile" \
	    reload-mosquitto "$PUB/mosquitto.conf"
	make_crl "$CA" a.example "$crl"
	refuses "reload-mosquitto: $crl: list 1 is broken or of no CA in cafile" \
	    reload-mosquitto "$PUB/mosquitto.conf"
	# same name, other key
	make_ca other
	make_crl other int "$crl"
	refuses "reload-mosquitto: $crl: list 1 has a bad signature" \
	    reload-mosquitto "$PUB/mosquitto.conf"
	make_crl "$CA" int "$crl" from='2 days ago' to='1 hour ago'
	refuses "reload-mosquitto: $crl: list 1 has expired" \
	    reload-mosquitto "$PUB/mosquitto.conf"
	make_crl "$CA" int "$crl" from='1 hour' to='2 hours'
	refuses "reload-mosquitto: $crl: list 1 is not valid yet" \
	    reload-mosquitto "$PUB/mosquitto.conf"
	untouched
	cat good.pem >"$crl"
	reloads reload-mosquitto "$PUB/mosquitto.conf"
	wait_line "$log" 'Reloading config'
	shows a.example
}

@test "reload-mosquitto looks at all listeners, not at what is no business of HUP" {
	real_mosquitto
	# an expired certificate does not harm the others
	make_cert "$CA" old.example from='2 days ago' to='1 hour ago'
	install -m 640 -g "$group" "$CA/old.example.key" "$PUB/old.key"
	install -m 644 "$CA/old.example.chain.pem" "$PUB/old.pem"
	printf '%s\n' '' 'listener 1' "certfile   $PUB/old.pem " \
	    "keyfile $PUB/old.key" >>"$PUB/mosquitto.conf"
	reloads reload-mosquitto "$PUB/mosquitto.conf"
	wait_line "$log" 'Reloading config'
	install -m 640 -g "$group" "$CA/new.example.key" "$PUB/old.key"
	refuses "reload-mosquitto: $PUB/old.pem: with $PUB/old.key: key_mismatch" \
	    reload-mosquitto "$PUB/mosquitto.conf"
}

@test "reload-mosquitto wants a configuration and a broker" {
	refuses 'reload-mosquitto: none.conf: no such file' \
	    reload-mosquitto none.conf
	echo 'listener 1' >some.conf
	refuses 'reload-mosquitto: some.conf: no pid_file in it' \
	    reload-mosquitto some.conf
	echo 'pid_file none.pid' >>some.conf
	refuses 'reload-pidfile: none.pid: no such file' \
	    reload-mosquitto some.conf
	double server
	echo 'pid_file double.pid' >some.conf
	refuses "reload-pidfile: double.pid: process $bg is server and not mosquitto" \
	    reload-mosquitto some.conf
}
