#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The reload hooks, with a real nginx and mosquitto, and a double that notes
# signals in the place of any other server.

load helper
load servers

setup_file() {
	make_key "$BATS_FILE_TMPDIR/new.key"
	make_cert "$CA" new.example san=DNS:a.example,IP:127.0.0.1 \
	    key="$BATS_FILE_TMPDIR/new.key"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	hooks=$ECA_ROOT/etc/hooks
	call=(www "$PWD/store/current" 1A)
	# what another user can enter, too
	PUB=$(mktemp -d /tmp/reload-hooks.XXXXXX)
	chmod 755 "$PUB"
}

teardown() {
	stop_bg
	rm -rf "$PUB"
}

# double NAME: a process of that name with a pid file, double.pid, that writes
# what it gets to the file signals.
double() {
	rm -f double.pid
	start_bg perl -e '
		$| = 1;
		for my $s (qw(HUP USR1 USR2)) {
			$SIG{$s} = sub {
				open my $f, ">>", "signals" or die;
				print $f "$ARGV[0] $s\n";
			};
		}
		$0 = $ARGV[0];
		open my $f, ">", "double.pid" or die;
		print $f "$$\n";
		close $f;
		sleep 1 while 1' "$1"
	wait_file double.pid
}

# signals LINE...: exactly these were seen.
signals() {
	wait_for 5 test -s signals
	[ "$(<signals)" = "$(printf '%s\n' "$@")" ]
	rm signals
}

# refuses TEXT HOOK [WORD...]: it fails with this line, and nobody got a signal.
refuses() {
	run -2 --separate-stderr "$hooks/$2" "${@:3}" "${call[@]}"
	[ -z "$output" ]
	[ "$stderr" = "$1" ] || {
		echo "$stderr" >&2
		return 1
	}
	[ ! -e signals ]
}

# reloads HOOK [WORD...]: silently.
reloads() {
	run -0 "$hooks/$1" "${@:2}" "${call[@]}"
	[ -z "$output" ]
}

# deploy NAME [GROUP]: that certificate of the suite becomes current.
deploy() {
	cert-deploy ${2:+-g "$2"} -k "$CA/$1.key" "$PUB/store" \
	    "$CA/$1.chain.pem" >generation
	call=("$1" "$(<generation)" "$(serial "$CA/$1.pem")")
}

serial() { openssl x509 -noout -serial -in "$1" | cut -d= -f2; }

# serves NAME: the server at $port shows this certificate.
serves() {
	tls-peek -m 5 -A "$CA/root.pem" "127.0.0.1:$port" \
	    -c "$CA/a.example.chain.pem" -k "$CA/a.example.key" \
	    >peek.pem 2>peek.err && [ "$(serial peek.pem)" = "$(serial "$CA/$1.pem")" ]
}

# shows NAME: in the end.
shows() { wait_for 10 serves "$1"; }

@test "reload-hooks: each says its usage when words are missing" {
	local hook
	for hook in "$hooks"/reload-*; do
		run -2 --separate-stderr "$hook" a b
		[ -z "$output" ]
		[[ ${stderr_lines[0]} == "usage: ${hook##*/} "* ]]
		[[ $stderr == *' NAME DIRECTORY SERIAL' ]]
	done
}

@test "reload-hooks: the page has the usage of each" {
	local hook usage page
	page=$(mandoc -Tascii -O width=1000 "$ECA_ROOT/man/reload-hooks.7" |
	    sed 's/.\x08//g' | tr -s ' ')
	for hook in "$hooks"/reload-*; do
		usage=$("$hook" 2>&1 | tr -s '[:space:]' ' ') || true
		usage=${usage#usage: } usage=${usage% NAME *}
		grep -qxF -e " $usage" <<<"$page" || {
			echo "$usage" >&2
			return 1
		}
	done
}

@test "reload-hooks: the same under dash and busybox, with its commands" {
	require dash busybox
	local shell hook other=hook$$
	mkdir bb certs
	busybox --install -s bb
	rm bb/sh
	deploy a.example
	ln -s "$PUB/store/current/fullchain.pem" certs/public.crt
	ln -s "$PUB/store/current/key.pem" certs/private.key
	for shell in dash 'busybox ash'; do
		mkdir "hooks.$shell"
		for hook in "$hooks"/reload-*; do
			sed "1s|.*|#!/usr/bin/env -S $shell|" "$hook" \
			    >"hooks.$shell/${hook##*/}"
		done
		chmod +x "hooks.$shell"/*
		double "$other"
		double minio
		(
			PATH=$PWD/bb:$PATH
			hooks=$PWD/hooks.$shell
			reloads reload-pidfile double.pid
			signals 'minio HUP'
			reloads reload-pidfile double.pid USR1 minio
			signals 'minio USR1'
			refuses "reload-pidfile: double.pid: process $bg is minio and not nginx" \
			    reload-pidfile double.pid HUP nginx
			reloads reload-minio certs double.pid
			signals 'minio HUP'
			reloads reload-process "$other"
			signals "$other HUP"
			reloads reload-stamp stamp
			[ -s stamp ]
		)
		stop_bg
	done
}

@test "reload-pidfile sends HUP, or the signal it is told" {
	double server
	reloads reload-pidfile double.pid
	signals 'server HUP'
	reloads reload-pidfile double.pid USR1
	signals 'server USR1'
	reloads reload-pidfile double.pid USR2
	signals 'server USR2'
	refuses 'reload-pidfile: KILL: not HUP, USR1, USR2 or TERM' \
	    reload-pidfile double.pid KILL
	kill -0 "$bg"
	reloads reload-pidfile double.pid TERM
	wait_for 5 test ! -d "/proc/$bg"
}

@test "reload-pidfile knows a process by its name, of which 15 bytes count" {
	double 'a server with a long name'
	reloads reload-pidfile double.pid HUP 'a server with a long name'
	signals 'a server with a long name HUP'
	refuses "reload-pidfile: double.pid: process $bg is a server with a and not nginx" \
	    reload-pidfile double.pid HUP nginx
}

@test "reload-pidfile: a file as old as its process is good for ever" {
	double server
	sleep 7
	reloads reload-pidfile double.pid
	signals 'server HUP'
}

@test "reload-pidfile refuses a file that is older than its process" {
	double server
	touch -d '1 minute ago' double.pid
	refuses "reload-pidfile: double.pid: process $bg is younger than the file" \
	    reload-pidfile double.pid
	# a clock that was set says nothing; the name does
	reloads reload-pidfile double.pid HUP server
	signals 'server HUP'
}

@test "reload-pidfile refuses what is no pid file, and a process that is gone" {
	refuses 'reload-pidfile: none.pid: no such file' \
	    reload-pidfile none.pid
	local text
	for text in '' 0 -1 1x 012; do
		echo "$text" >bad.pid
		refuses 'reload-pidfile: bad.pid: no process id in it' \
		    reload-pidfile bad.pid
	done
	double server
	stop_bg "$bg"
	refuses "reload-pidfile: double.pid: no process $bg" \
	    reload-pidfile double.pid
}

@test "reload-pidfile refuses a process that has ended and was not waited for" {
	start_bg perl -e '
		$| = 1;
		my $pid = fork // die;
		exit unless $pid;
		open my $f, ">", "zombie.new" or die;
		print $f "$pid\n";
		close $f;
		1 until -e "/proc/$pid" && `cat /proc/$pid/stat` =~ /\) Z/;
		rename "zombie.new", "zombie.pid";
		sleep 1 while 1'
	wait_file zombie.pid
	refuses "reload-pidfile: zombie.pid: process $(<zombie.pid) has ended" \
	    reload-pidfile zombie.pid
}

@test "reload-pidfile takes no orders from those who can write the file" {
	double server
	chmod 664 double.pid
	refuses 'reload-pidfile: double.pid: others can write it' \
	    reload-pidfile double.pid
	chmod 646 double.pid
	refuses 'reload-pidfile: double.pid: others can write it' \
	    reload-pidfile double.pid
	[ "$(id -u)" -eq 0 ] || return 0
	chmod 644 double.pid
	chown 65534 double.pid
	refuses "reload-pidfile: double.pid: user 65534, its owner, does not run process $bg" \
	    reload-pidfile double.pid
}

@test "reload-process finds the one process of a name and not its children" {
	local name=hook$$
	refuses "reload-process: $name: no such process" reload-process "$name"
	double "$name"
	double "${name}x"
	reloads reload-process "$name"
	signals "$name HUP"
	start_bg perl -e '
		$0 = $ARGV[0];
		$SIG{HUP} = sub { open my $f, ">>", "signals"; print $f "$$\n" };
		my $pid = fork // die;
		if (!$pid) { sleep 1 while getppid != 1; exit }
		open my $f, ">", "child"; print $f "$pid\n"; close $f;
		$SIG{TERM} = sub { kill "KILL", $pid; wait; exit };
		sleep 1 while 1' "m$name"
	wait_file child
	reloads reload-process "m$name"
	signals "$bg"
}

@test "reload-process does not choose between two" {
	local name=hook$$ first
	double "$name"
	first=$bg
	double "$name"
	run -2 --separate-stderr "$hooks/reload-process" "$name" "${call[@]}"
	[[ $stderr == "reload-process: $name: more than one process: "* ]]
	[[ " ${stderr##*:} " == *" $first "* && " ${stderr##*:} " == *" $bg "* ]]
	[ ! -e signals ]
}

@test "reload-stamp replaces its file, with something new in it" {
	call=(www /store/www/gen/1 1A2B)
	reloads reload-stamp stamp
	[[ $(<stamp) =~ ^20[0-9T:-]+Z\ www\ 1A2B$ ]]
	[ "$(stat -c %a stamp)" = 644 ]
	before=$(stat -c %i stamp)
	reloads reload-stamp stamp
	[ "$(stat -c %i stamp)" != "$before" ]
	[ "$(ls)" = stamp ]
	run -2 --separate-stderr "$hooks/reload-stamp" none/stamp "${call[@]}"
	[[ $stderr == 'file-replace: none'*': No such file or directory' ]]
}

@test "reload-systemd asks systemctl, whose exit code and words count" {
	mkdir stub
	cat >stub/systemctl <<-'END'
	#!/bin/sh
	printf '%s\n' "$*" >>asked
	echo noise
	[ ! -e refuse ] || { echo 'Unit x.service not found.' >&2; exit 5; }
	END
	chmod +x stub/systemctl
	PATH=$PWD/stub:$PATH
	reloads reload-systemd nginx
	[ "$(<asked)" = '--no-ask-password --quiet reload-or-restart -- nginx' ]
	touch refuse
	run -5 --separate-stderr "$hooks/reload-systemd" -x "${call[@]}"
	[ "$stderr" = 'Unit x.service not found.' ]
	[ -z "$output" ]
	[[ $(<asked) == *' -- -x' ]]
}

@test "reload-minio wants both files to lead into the generation" {
	double minio
	deploy a.example
	mkdir certs
	refuses 'reload-minio: certs/public.crt: leads nowhere' \
	    reload-minio certs double.pid
	ln -s "$PUB/store/current/fullchain.pem" certs/public.crt
	ln -s "$PUB/store/current/none.pem" certs/private.key
	refuses 'reload-minio: certs/private.key: leads nowhere' \
	    reload-minio certs double.pid
	ln -sf "$PUB/store/current/key.pem" certs/private.key
	reloads reload-minio certs double.pid
	signals 'minio HUP'
	# the store has moved on, and so have the links
	deploy new.example
	reloads reload-minio certs double.pid
	signals 'minio HUP'
	ln -sf "$(<generation)/key.pem" certs/private.key
	deploy a.example
	refuses "reload-minio: certs/private.key: does not lead into $(<generation)" \
	    reload-minio certs double.pid
	rm certs/private.key
	cp "$PUB/store/current/key.pem" certs/private.key
	refuses "reload-minio: certs/private.key: does not lead into $(<generation)" \
	    reload-minio certs double.pid
	call[1]=none/at/all
	refuses 'reload-minio: none/at/all: no such directory' \
	    reload-minio certs double.pid
}

@test "reload-minio signals nothing but MinIO" {
	double server
	deploy a.example
	mkdir certs
	ln -s "$PUB/store/current/fullchain.pem" certs/public.crt
	ln -s "$PUB/store/current/key.pem" certs/private.key
	refuses "reload-pidfile: double.pid: process $bg is server and not minio" \
	    reload-minio certs double.pid
}

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
