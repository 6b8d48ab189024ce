#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The recipes of agents-howto(7), taken from the page as a reader sees it and
# run by sh with the real step-ca, estserver, nginx and mosquitto. What only a
# reader has (the CA's address, port 443, /etc) is replaced by what the test
# has; systemd, docker and MinIO, which are not here, by the stand-ins below.

load helper
load servers

setup_file() {
	require mandoc nginx mosquitto curl
	start_dns
	start_step_ca
	start_estserver
}

teardown_file() {
	end_servers
}

# T stands for the root directory; other users can enter it.
setup() {
	T=$(mktemp -d /tmp/agent-howto.XXXXXX)
	chmod 755 "$T"
	cd "$T" || return
	mkdir -p etc/nginx/conf.d etc/nginx/tls etc/mosquitto/conf.d \
	    etc/mosquitto/certs etc/minio/certs etc/systemd/system \
	    usr/lib/sysusers.d var/lib var/log var/www/html run stub srv
	cp "$ROOT" root.pem
	cp "$CA_DIR/certs/root_ca.crl" root.crl
	https=$(free_port)
	export T https STATE_DIR=$T/var/lib/eca
	PATH=$T/stub:$PATH
	root=0
	[ "$(id -u)" -ne 0 ] || root=1
	export root
	stand_ins
}

teardown() {
	local file
	for file in run/*.pid; do
		[ ! -s "$file" ] || bg_pids+=("$(<"$file")")
	done
	stop_bg
	cd /
	rm -rf "$T"
}

# stand_in NAME: a program for the recipes, from stdin; T is set there.
stand_in() {
	cat >"stub/$1"
	chmod 755 "stub/$1"
}

stand_ins() {
	# gone PIDFILE: end that process; detached PIDFILE COMMAND...: start one.
	cat >stub/words <<-'END'
	gone() {
		[ -s "$1" ] || return 0
		pid=$(cat "$1")
		kill "$pid"
		until [ ! -d "/proc/$pid" ] ||
		    grep -qs '^State:.Z' "/proc/$pid/status"; do
			sleep 0.1
		done
		rm -f "$1"
	}
	detached() {
		file=$1
		shift
		"$@" >>"$file.log" 2>&1 </dev/null &
		echo $! >"$file"
	}
	END
	stand_in systemctl <<-'END'
	#!/bin/sh
	set -eu
	. "$T/stub/words"
	case $* in
	daemon-reload) ;;
	'restart mosquitto')
		gone run/mosquitto.pid
		for drop in etc/systemd/system/mosquitto.service.d/*.conf; do
			[ ! -f "$drop" ] ||
			    export "$(sed -n 's/^Environment=//p' "$drop")"
		done
		set -- -d -c "$T/etc/mosquitto/mosquitto.conf"
		ls etc/mosquitto/conf.d/*.conf >stub/out || set -- "$@" -p "$https"
		mosquitto "$@"
		timeout 10 sh -c \
		    'until [ -s run/mosquitto.pid ]; do sleep 0.1; done' ;;
	'restart minio')
		gone run/minio.pid
		"$T/stub/start-minio" ;;
	'enable --now eca-reload@nginx.path')
		detached run/path.pid "$T/stub/watch" ;;
	'enable --now acme-agent.service')
		set -- acme-agent -c "$T/etc/eca/certs.d"
		mkdir -p "$STATE_DIR" run/eca/reload
		[ "$root" -eq 0 ] || {
			chown 65534:65534 "$STATE_DIR" run/eca/reload
			set -- setpriv --reuid 65534 --regid 65534 \
			    --clear-groups "$@"
		}
		detached run/agent.pid "$@" ;;
	'disable --now acme-agent.service eca-reload@nginx.path')
		gone run/agent.pid
		gone run/path.pid ;;
	*)
		echo "systemctl: $*" >&2
		exit 1 ;;
	esac
	END
	# the path unit: reload nginx when the stamp changes
	stand_in watch <<-'END'
	#!/bin/sh
	old=
	while sleep 0.1; do
		new=$(cat "$T/run/eca/reload/nginx" 2>/dev/null)
		[ "$new" = "$old" ] || kill -HUP "$(cat "$T/run/nginx.pid")"
		old=$new
	done
	END
	# process1 COMMAND...: in a process namespace; TERM is passed on
	stand_in process1 <<-'END'
	#!/bin/sh
	unshare --pid --fork --kill-child "$@" &
	trap 'kill "$(cat "/proc/$!/task/$!/children")"' TERM
	wait
	wait
	END
	# docker: process 1 with the environment of the file and no other
	stand_in docker <<-'END'
	#!/bin/sh
	set -eu
	. "$T/stub/words"
	case $1 in
	stop)
		gone "run/$(eval "echo \$$#").pid"
		exit ;;
	esac
	name='' file=/dev/null image=''
	while [ -z "$image" ]; do
		shift
		case $1 in
		-d) ;;
		--name) name=$2; shift ;;
		--env-file) file=$2; shift ;;
		-*) shift ;;
		*) image=$1 ;;
		esac
	done
	shift
	{
		echo '#!/bin/sh'
		echo 'exec env -i \'
		sed "s/'/'\\\\''/g; s/^/'/; s/\$/' \\\\/" "$file"
		printf "'%s' " "PATH=$PATH" "T=$T" "$@"
	} >"run/$name"
	chmod 755 "run/$name"
	set -- "$T/run/$name"
	[ "$root" -eq 0 ] || [ "$image" = nginx ] || set -- process1 "$@"
	detached "run/$name.pid" "$@"
	END
}

# The page as text.
page() {
	mandoc -Tascii "$ECA_ROOT/man/agents-howto.7" |
	    sed "s/.$(printf '\b')//g"
}

titles() {
	page | sed -n '/^FIVE MINUTES$/,/^SEE ALSO$/s/^   \([^ ].*\)/\1/p'
}

# commands TITLE [back]: of that part of the page, up to the way back or from
# there. A display that is not indented as far as those is no command.
commands() {
	page | awk -v want="$1" -v back="${2:+1}" '
		/^[A-Z]/ { title = $0 }
		/^   [^ ]/ { title = substr($0, 4) }
		!NF { code = -1; next }
		code == -1 { code = /^           [^ ]/ }
		!code || title != want { next }
		sub(/^           /, "") && /^# the way back$/ { turned = 1 }
		turned == back'
}

# translated: what only a reader has, on stdin.
translated() {
	perl -pe 's#(?<![\w.])/(etc|var|run|srv|state|certs|serve)(?![\w-])#$ENV{T}/$1#g' |
	    sed "s#^\(acme-agent\|est-agent\|eca-status\)#& -c $T/etc/eca/certs.d#
		s#https://ca:4210#https://localhost:$CA_PORT#
		s#https://est:4222#$EST#
		s#http://www.example/#http://127.0.0.1:$HTTP_PORT/#
		s#www.example:443#-n www.example 127.0.0.1:$https#
		s#\(127.0.0.1\|web\):\(443\|8883\|9000\)#127.0.0.1:$https#
		s#LISTEN=:80#LISTEN=127.0.0.1:$HTTP_PORT#
		s#listen 80#listen 127.0.0.1:$HTTP_PORT#
		s#listen 443#listen 127.0.0.1:$https#
		s#listener 8883#listener $https 127.0.0.1#
		s#reload-nginx\$#reload-nginx $T/run/nginx.pid ${ngx[*]}#
		s#reload-nginx 2#'reload-nginx $T/run/nginx.pid ${ngx[*]}' 2#
		s#\(reload-minio .*certs\)\$#\1 $T/run/minio.pid#
		s#nginx -g 'daemon off;'#nginx ${ngx[*]} -g 'daemon off;'#
		s#nginx -s reload#nginx ${ngx[*]} -s reload#
		s#sleep 5#sleep 0.2#; s#sleep 1;#sleep 0.2;#
		s#-i 600#-i 1#
		s#^kill \$!#until grep -q started $T/var/log/acme-agent.json; do sleep 0.1; done; &#
		s#^systemd-sysusers\$#& --root=$T#
		s#-o eca -g eca#-o ${user:-$(id -u)} -g ${user:-$(id -u)}#
		s#GROUP=\(minio-user\|app\)#GROUP=$(id -g)#; s#chgrp app#chgrp $(id -g)#"
}

# recipe TITLE [back]: run it; what it logs is what the page says it logs.
recipe() {
	commands "$@" >wanted
	[ -s wanted ]
	{
		[ $# -gt 1 ] || commands DESCRIPTION
		cat wanted
	} | translated >recipe.sh
	rm -f var/log/acme-agent.json
	timeout 90 sh -e recipe.sh >out 2>log 3>&- 4>&- || {
		cat log
		return 1
	}
	sed -n 's/^# \([a-z]*\.[a-z_. ]*\)$/\1/p' wanted | tr ' ' '\n' >expected
	cat log var/log/acme-agent.json 2>/dev/null | grep '^{' |
	    jq -r -s 'sort_by(.time)[].event' >events
	diff expected events || {
		cat log
		return 1
	}
}

# web [SERVER]: nginx as Debian has it: conf.d, and plain http at port 80.
web() {
	ngx=(-e "$T/var/log/nginx.log" -p "$T" -c "$T/etc/nginx/nginx.conf")
	cat >etc/nginx/nginx.conf <<-END
	user $([ "$root" -eq 1 ] && echo 'nobody nogroup' || echo 'x x');
	pid run/nginx.pid;
	events {}
	http {
		access_log $T/var/log/access.log;
		client_body_temp_path run/b; proxy_temp_path run/p;
		fastcgi_temp_path run/f; uwsgi_temp_path run/u;
		scgi_temp_path run/s;
		${1-server { listen 127.0.0.1:$HTTP_PORT; root $T/var/www/html; \}}
		include $T/etc/nginx/conf.d/*.conf;
	}
	END
	echo hello >var/www/html/index.html
	start_bg nginx "${ngx[@]}" -g 'daemon off;'
	wait_file run/nginx.pid
}

# served: the serial number.
served() {
	tls-peek "127.0.0.1:$https" | openssl x509 -noout -serial
}

serial() {
	openssl x509 -in "$1" -noout -serial
}

serves() { [ "$(served 2>/dev/null)" = "$(serial "$1")" ]; }
serves_nobody() { ! served >/dev/null 2>&1; }

current() {
	echo "var/lib/eca/store/$1/current/cert.pem"
}

# device NAME: its certificate, NAME.pem and NAME.key.
device() {
	mkkey -o "$1.key"
	mkcsr -k "$1.key" -N "CN=$1" -d "$1.example" >"$1.csr"
	step-ott -u "https://localhost:$CA_PORT" -k "$CA_DIR/secrets/jwk.key" \
	    -P jwk "$1.csr" | step-sign -u "https://localhost:$CA_PORT" \
	    -A root.pem -U - "$1.csr" >"$1.pem"
}

revoke() {
	step-revoke -u "https://localhost:$CA_PORT" -A root.pem -c "$1.pem" \
	    -k "$1.key"
}

@test "agents-howto: all of the page is run here" {
	titles >list
	[ "$(wc -l <list)" -ge 8 ]
	local title
	while read -r title; do
		commands "$title" | sh -n
		commands "$title" back >back.sh
		[ -s back.sh ]
		sh -n back.sh
		grep -qx -e "	recipe '*$title'*" "$BATS_TEST_FILENAME"
		grep -qx -e "	recipe '*$title'* back" "$BATS_TEST_FILENAME"
	done <list
	[ -n "$(commands DESCRIPTION)" ]
}

@test "agents-howto: A server that speaks plain http" {
	web
	recipe 'A server that speaks plain http'
	serves "$(current www)"
	grep -q '"not_after"' out
	grep -q '^www  *acme  *ok ' out
	recipe 'A server that speaks plain http' back
	wait_for 10 serves_nobody
	curl -sS -f "http://127.0.0.1:$HTTP_PORT/"
}

@test "agents-howto: A server that has a certificate" {
	make_cert "$CA" www.example san=DNS:www.example from='80 days ago' \
	    to='10 days'
	cp "$CA/www.example.chain.pem" etc/nginx/tls/fullchain.pem
	cp "$CA/www.example.key" etc/nginx/tls/key.pem
	web "server {
		listen 127.0.0.1:$HTTP_PORT;
		listen 127.0.0.1:$https ssl;
		root $T/var/www/html;
		ssl_certificate $T/etc/nginx/tls/fullchain.pem;
		ssl_certificate_key $T/etc/nginx/tls/key.pem;
	}"
	serves "$CA/www.example.pem"
	recipe 'A server that has a certificate'
	serves "$(current www)"
	tls-peek -A root.pem -n www.example "127.0.0.1:$https" >shown
	# in its place, whatever becomes of the agent
	recipe 'WITHOUT AN AGENT'
	rm -r var/lib/eca/store
	run -0 cert-verify -B root.pem -k etc/nginx/tls/key.pem \
	    etc/nginx/tls/fullchain.pem
	[ "$(stat -c %a etc/nginx/tls/key.pem)" = 600 ]
	kill -HUP "$(<run/nginx.pid)"
	serves etc/nginx/tls/fullchain.pem
	recipe 'A server that has a certificate' back
	wait_for 10 serves "$CA/www.example.pem"
}

@test "agents-howto: The web server that is there answers" {
	web ''
	recipe 'The web server that is there answers'
	[ "$(<out)" = here ]
	run -0 cert-verify -B root.pem -n www.example \
	    var/lib/eca/store/www/current/fullchain.pem
	grep -q 'acme-challenge/.* 200 ' var/log/access.log
	[ -z "$(find srv -type f)" ]
	run -0 curl -sS -o /dev/null -w '%{http_code}' \
	    "http://127.0.0.1:$HTTP_PORT/"
	[ "$output" = 301 ]
	recipe 'The web server that is there answers' back
	wait_for 10 refused
}

refused() { ! listening "$HTTP_PORT"; }

# web_lets NAME: in, with that certificate.
web_lets() {
	[ "$(curl -sS -m 5 --cacert root.pem --cert "$1.pem" --key "$1.key" \
	    --connect-to "::127.0.0.1:$https" https://www.example/)" = hello ]
}

web_refuses() { ! web_lets "$1"; }

@test "agents-howto: nginx, clients with certificates" {
	web
	recipe 'A server that speaks plain http'
	device good
	device bad
	recipe 'nginx, clients with certificates'
	wait_for 10 web_refuses none
	web_lets good
	web_lets bad
	revoke bad
	wait_for 20 web_refuses bad
	web_lets good
	# a renewal meanwhile
	local old
	old=$(served)
	acme-agent -1 -y www -c etc/eca/certs.d 2>>log
	[ "$old" != "$(served)" ]
	serves "$(current www)"
	recipe 'nginx, clients with certificates' back
	wait_for 10 web_lets bad
}

# broker_lets NAME [TOPIC]: with that certificate.
broker_lets() {
	timeout 5 mosquitto_pub -V 5 -h 127.0.0.1 -p "$https" -q 1 \
	    -t "${2-devices/$1/x}" -m x --cafile root.pem --insecure \
	    --cert "$1.pem" --key "$1.key" -d 2>&1 | grep -Eq 'PUBACK.*RC:(0|16)\)'
}

broker_refuses() { ! broker_lets "$@"; }

@test "agents-howto: Mosquitto" {
	cat >etc/mosquitto/mosquitto.conf <<-END
	pid_file $T/run/mosquitto.pid
	persistence false
	log_dest file $T/var/log/mosquitto.log
	include_dir $T/etc/mosquitto/conf.d
	END
	if [ "$root" -eq 1 ]; then
		chown mosquitto run var/log
	else
		printf 'user %s\n' "$(id -un)" >>etc/mosquitto/mosquitto.conf
	fi
	group=$([ "$root" -eq 1 ] && echo mosquitto || id -gn)
	recipe Mosquitto
	serves "$(current broker)"
	[ "$(stat -L -c '%a %G' etc/mosquitto/certs/key.pem)" = "640 $group" ]
	device good
	device bad
	broker_lets good
	broker_lets bad
	broker_refuses good devices/bad/x
	# no session to resume
	run -0 sh -c "openssl s_client -connect 127.0.0.1:$https -cert good.pem \
	    -key good.key -sess_out session -ign_eof </dev/null & sleep 1; kill \$!"
	[[ $output == *'TLSv1.3'* ]]
	[ ! -e session ]
	revoke bad
	wait_for 20 broker_refuses bad
	broker_lets good
	recipe Mosquitto back
	mosquitto_pub -h 127.0.0.1 -p "$https" -q 1 -t t -m x
}

# minio: start-minio starts a server of that name, which is nginx and reads what
# MinIO reads.
minio() {
	ln -s "$(command -v nginx)" minio
	cat >minio.conf <<-END
	user root root; pid run/minio.pid;
	events {}
	http {
		access_log off;
		client_body_temp_path run/b; proxy_temp_path run/p;
		fastcgi_temp_path run/f; uwsgi_temp_path run/u;
		scgi_temp_path run/s;
		server {
			listen 127.0.0.1:$https ssl;
			ssl_certificate $T/etc/minio/certs/public.crt;
			ssl_certificate_key $T/etc/minio/certs/private.key;
		}
	}
	END
	stand_in start-minio <<-'END'
	#!/bin/sh
	[ ! -e "$T/etc/minio/certs/public.crt" ] ||
	    "$T/minio" -e "$T/var/log/minio.log" -p "$T" -c "$T/minio.conf"
	END
}

@test "agents-howto: MinIO" {
	minio
	recipe MinIO
	serves "$(current minio)"
	[ "$(readlink -f etc/minio/certs/private.key)" = \
	    "$(readlink -f var/lib/eca/store/minio/current)/private.key" ]
	recipe MinIO back
	wait_for 10 serves_nobody
	[ -z "$(ls etc/minio/certs)" ]
}

@test "agents-howto: A .NET client" {
	cp "$EST_CA/root.pem" root.pem
	(umask 077; echo tok >token)
	recipe 'A .NET client'
	[ ! -e etc/eca/app.token ]
	[ "$(cut -d ' ' -f 2 srv/app/tls/renewed)" = app ]
	[ "$(stat -L -c %a srv/app/tls/client.pfx)" = 640 ]
	# of a renewal the directory shows the stamp, not the link
	stat -c '%i %z' srv/app/tls/client.pfx >before
	cp srv/app/tls/renewed stamp
	est-agent -1 -y app -c etc/eca/certs.d 2>>log
	stat -c '%i %z' srv/app/tls/client.pfx | cmp - before
	run -1 cmp -s stamp srv/app/tls/renewed
	recipe 'A .NET client' back
	rm -r var/lib/eca/store
	openssl pkcs12 -in srv/app/tls/client.pfx -nokeys -clcerts \
	    -passin file:etc/eca/pfx.password | openssl x509 -noout -subject
}

@test "agents-howto: A container" {
	web ''
	kill "$(<run/nginx.pid)"
	cat >etc/nginx/conf.d/tls.conf <<-END
	server {
		listen 127.0.0.1:$https ssl;
		ssl_certificate $T/certs/server/server.crt;
		ssl_certificate_key $T/certs/server/server.key;
	}
	END
	mkdir certs state
	cp root.pem run/
	recipe 'A container'
	wait_for 30 grep -qs '"cert.proven"' run/acme-agent.pid.log
	serves certs/server/server.crt
	local pid
	pid=$(pgrep -f "acme-agent" -P "$(pgrep -P "$(<run/acme-agent.pid)")") ||
	    [ "$root" -eq 0 ]
	[ "$root" -eq 0 ] || [[ $(grep NSpid: "/proc/$pid/status") == *'	1' ]]
	recipe 'A container' back
	grep -q '"agent.stopped"' run/acme-agent.pid.log
}

@test "agents-howto: systemd" {
	web "server { listen 127.0.0.1:$HTTP_PORT; root $T/srv/challenge; }"
	cp "$ECA_ROOT/etc/systemd/eca.sysusers" usr/lib/sysusers.d/eca.conf
	[ "$root" -eq 0 ] || user=65534
	cat >etc/nginx/conf.d/tls.conf <<-END
	server {
		listen 127.0.0.1:$https ssl;
		ssl_certificate $T/etc/nginx/tls/fullchain.pem;
		ssl_certificate_key $T/etc/nginx/tls/key.pem;
	}
	END
	recipe systemd
	wait_for 30 grep -qs '"cert.proven"' run/agent.pid.log
	serves "$(current www)"
	# all of it by somebody who is not root
	[ "$(stat -c %u "$(current www)" etc/nginx/tls/key.pem | sort -u)" -eq \
	    "${user:-$(id -u)}" ]
	# systemd takes the drop-in for what it is
	export SYSTEMD_UNIT_PATH=$T/etc/systemd/system:$ECA_ROOT/etc/systemd:
	systemd-analyze verify --man=no acme-agent.service \
	    >out 2>&1 || true
	run -1 grep -v 'is not executable: No such file' out
	recipe systemd back
	[ ! -e run/agent.pid ]
}
