#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The reload hooks with a double that notes signals in the place of a server;
# with real ones: reload-servers.bats.

load helper
load reload

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
