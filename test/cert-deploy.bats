#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# cert-deploy; -f has cert-deploy-forms.bats.

load helper
load deploy

# clean STORE: nothing but what belongs there.
clean() {
	local name
	for name in "$1"/.[!.]* "$1"/* "$1"/gen/.[!.]*; do
		case $name in
		"$1/gen" | "$1/current" | "$1/previous" | "$1/proven" | *'*') ;;
		*)
			echo "left over: $name" >&2
			return 1 ;;
		esac
	done
}

@test "cert-deploy keeps the contract of all commands" {
	run -0 contract cert-deploy
}

@test "cert-deploy works as the manual shows it, the store made on the way" {
	cp a.key key.pem
	run -0 --separate-stderr sh -c \
	    'cert-deploy -k key.pem store/edge-server <a.chain.pem'
	[[ $output == store/edge-server/gen/2*Z-* ]]
	[ -z "$stderr" ]
	[ -d "$output" ]
	[ "store/edge-server/$(readlink store/edge-server/current)" = "$output" ]
	is_pair store/edge-server a
	[ ! -e store/edge-server/previous ]
	clean store/edge-server
}

@test "cert-deploy takes the chain or the key from stdin, by name or -" {
	run -0 sh -c 'cert-deploy -k a.key st - <a.chain.pem'
	is_pair st a
	run -0 sh -c 'cert-deploy -k - st b.chain.pem <b.key'
	is_pair st b
	run -2 --separate-stderr cert-deploy -k - st -
	assert_stderr_line \
	    'usage: cert-deploy [-V] [-f form] [-g group] [-T epoch] [-U password] -k key directory [file]'
}

@test "cert-deploy sets modes, whatever the umask says" {
	for mask in 000 027 0777; do
		(umask "$mask" && deploy a "new/$mask") || return
		[ "$(modes "new/$mask/current/")" = "700 .
644 ./cert.pem
644 ./chain.pem
644 ./fullchain.pem
600 ./key.pem
600 ./keychain.pem" ]
		run -0 stat -c %a new "new/$mask" "new/$mask/gen"
		[ "$output" = $'700\n700\n700' ]
	done
}

@test "cert-deploy leaves the modes of a store that is there" {
	mkdir st
	chmod 0711 st
	deploy a
	[ "$(stat -c %a st)" = 711 ]
}

@test "cert-deploy -g gives key and directories to a group" {
	group=$(id -g)
	[ "$(id -u)" -ne 0 ] || group=daemon
	run -0 cert-deploy -g "$group" -k a.key new/st a.chain.pem
	[ "$(modes new/st/current/)" = "750 .
644 ./cert.pem
644 ./chain.pem
644 ./fullchain.pem
640 ./key.pem
640 ./keychain.pem" ]
	run -0 stat -c %a new new/st new/st/gen
	[ "$output" = $'750\n750\n710' ]
	[ "$group" = daemon ] || skip 'only root can give files to a group'
	run -0 find new ! -group daemon ! -type l ! -name previous
	[ -z "$output" ]
}

@test "cert-deploy -g opens a store that was closed to the group" {
	[ "$(id -u)" -eq 0 ] || skip 'only root can give files to a group'
	deploy a
	run -0 cert-deploy -g 1 -k b.key st b.chain.pem
	run -0 stat -c '%a %g' st st/gen st/current/.
	[ "$output" = $'750 1\n710 1\n750 1' ]
	mkdir open
	chmod 0755 open
	run -0 cert-deploy -g 1 -k b.key open b.chain.pem
	run -0 stat -c '%a %g' open open/gen
	[ "$output" = $'755 0\n710 1' ]
}

@test "cert-deploy -g refuses a group that does not exist" {
	for group in no-such-group -1 4294967295 ''; do
		refused "-g $group: no such group" -g "$group" -k a.key st a.pem
	done
}

@test "cert-deploy names a generation by time and serial number" {
	serial=$(openssl x509 -in a.pem -noout -serial)
	now=$(date +%s)
	run -0 cert-deploy -T "$now" -k a.key st a.chain.pem
	[ "$output" = "st/gen/$(date -d "@$now" +%Y%m%dT%H%M%SZ)-${serial#*=}" ]
	[[ $output =~ -[0-9A-F]+$ ]]
}

@test "cert-deploy never overwrites a generation of the same second" {
	now=$(date +%s)
	run -0 cert-deploy -T "$now" -k a.key st a.chain.pem
	first=$output
	touch -d 2020-01-01 "$first/key.pem"
	for n in 2 3 4; do
		run -0 cert-deploy -T "$now" -k a.key st a.pem
		[ "$output" = "$first-$n" ]
		[ "st/$(readlink st/current)" = "$output" ]
	done
	[ "$(stat -c %Y "$first/key.pem")" = "$(date -d 2020-01-01 +%s)" ]
	[ -s "$first/chain.pem" ]
}

@test "cert-deploy -T takes a time and nothing else" {
	for time in x -1 1.5 253402300800 ''; do
		refused "-T $time: not a whole number between 0 and 253402300799" \
		    -T "$time" -k a.key st a.pem
	done
}

@test "cert-deploy accepts a leaf alone, chain.pem is empty then" {
	run -0 cert-deploy -k a.key st a.pem
	[ -f st/current/chain.pem ]
	[ ! -s st/current/chain.pem ]
	run -0 cmp st/current/cert.pem st/current/fullchain.pem
}

@test "cert-deploy records what was current before" {
	deploy a
	first=$(readlink st/current)
	deploy b
	second=$(readlink st/current)
	[ "$(cat st/previous)" = "$first" ]
	deploy a
	[ "$(cat st/previous)" = "$second" ]
	[ "$(stat -c %a st/previous)" = 644 ]
	run -0 ls st/gen
	[ "${#lines[@]}" -eq 3 ]
	clean st
}

@test "cert-deploy records the proven generation, past one that is not" {
	deploy a
	first=$(readlink st/current)
	run -0 cert-commit st
	deploy b
	deploy a
	deploy b
	[ "$(cat st/previous)" = "$first" ]
	run -0 cert-commit st
	second=$(readlink st/current)
	deploy a
	[ "$(cat st/previous)" = "$second" ]
	# it is not there any more
	rm -r "st/$second"
	third=$(readlink st/current)
	deploy b
	[ "$(cat st/previous)" = "$third" ]
}

@test "cert-deploy takes over a link that somebody made by hand" {
	mkdir -p st old
	ln -s ../old st/current
	deploy a
	is_pair st a
	[ "$(cat st/previous)" = ../old ]
	ln -sfn nowhere st/current
	deploy b
	is_pair st b
}

@test "cert-deploy stores keys of any kind as PKCS#8" {
	for kind in rsa2048 p384 ed25519; do
		make_key "$kind.key" "$kind"
		make_cert "$BATS_FILE_TMPDIR/ca" "$kind" key="$kind.key"
		cp "$BATS_FILE_TMPDIR/ca/$kind.pem" \
		    "$BATS_FILE_TMPDIR/ca/$kind.chain.pem" .
		[ "$kind" = ed25519 ] || (
			umask 077
			openssl pkey -in "$kind.key" -traditional \
			    -out "$kind.old" && mv "$kind.old" "$kind.key"
		)
		deploy "$kind"
		is_pair st "$kind"
		run -0 head -n 1 st/current/key.pem
		[ "$output" = '-----BEGIN PRIVATE KEY-----' ]
	done
}

@test "cert-deploy refuses a key that is not the leaf's" {
	refused 'a.chain.pem: key_mismatch' -k b.key st a.chain.pem
	# The private half of b, the public half of a.
	umask 077
	{
		echo '-----BEGIN PRIVATE KEY-----'
		for name in b a; do
			openssl pkcs8 -topk8 -nocrypt -in $name.key -outform DER \
			    -out $name.der
		done
		{ head -c -65 b.der; tail -c 65 a.der; } | openssl base64
		echo '-----END PRIVATE KEY-----'
	} >mixed.key
	refused 'mixed.key: a broken key: its halves do not belong together' \
	    -k mixed.key st a.chain.pem
}

@test "cert-deploy refuses what has expired or is not valid yet" {
	refused 'a.chain.pem: expired' -T "$(date -d '1 year' +%s)" \
	    -k a.key st a.chain.pem
	refused 'a.chain.pem: not_yet_valid' -T "$(date -d '1 year ago' +%s)" \
	    -k a.key st a.chain.pem
	deploy b
	run -2 --separate-stderr cert-deploy -T "$(date -d '1 year' +%s)" \
	    -k a.key st a.chain.pem
	is_pair st b
	[ ! -e st/previous ]
}

@test "cert-deploy refuses certificates that do not follow one another" {
	cat a.pem b.pem >mixed.pem
	run -2 --separate-stderr cert-deploy -k a.key st mixed.pem
	[[ $stderr == 'cert-deploy: mixed.pem: '*broken_link* ]]
	cat "$CA/int.pem" a.pem >reversed.pem
	run -2 --separate-stderr cert-deploy -k a.key st reversed.pem
	[[ $stderr == 'cert-deploy: reversed.pem: '*key_mismatch* ]]
	[ ! -e st ]
}

@test "cert-deploy refuses a chain with anything but certificates" {
	cat a.chain.pem a.key >both.pem
	refused 'both.pem: a block "PRIVATE KEY" where only certificates are allowed' \
	    -k a.key st both.pem
	echo hello >text
	refused 'text: no certificate in PEM form found' -k a.key st text
	head -c 400 a.pem >cut.pem
	run -2 --separate-stderr cert-deploy -k a.key st cut.pem
	[[ $stderr == 'cert-deploy: cut.pem: '* ]]
	[ ! -e st ]
	head -c 2097152 /dev/zero >big.pem
	refused 'big.pem: larger than the limit of 1048576 bytes' \
	    -k a.key st big.pem
}

@test "cert-deploy refuses a key that is open, encrypted, weak or no key" {
	chmod 0644 a.key
	run -2 --separate-stderr cert-deploy -k a.key st a.chain.pem
	[[ $stderr == 'cert-deploy: a.key: mode 0644: '* ]]
	(
		umask 077
		openssl pkey -in b.key -aes128 -passout pass:x -out locked.key
	)
	refused \
	    'locked.key: the key is encrypted; an unencrypted one is needed' \
	    -k locked.key st b.chain.pem
	make_key weak.key rsa1024
	refused 'weak.key: RSA key of 1024 bits; 2048 to 8192 are accepted' \
	    -k weak.key st b.chain.pem
	(umask 077 && cp b.pem no.key)
	refused 'no.key: no private key in PEM form found' \
	    -k no.key st b.chain.pem
}

@test "cert-deploy refuses a store that is a link, a file, or too far down" {
	mkdir real
	ln -s real link
	ln -s nowhere dangling
	for name in link dangling link/; do
		run -2 --separate-stderr cert-deploy -k a.key "$name" a.pem
		[ "$stderr" = "cert-deploy: ${name%/}: a symbolic link; name the\
 directory itself" ]
	done
	[ -z "$(ls -A real)" ]
	refused 'a.pem: Not a directory' -k a.key a.pem a.pem
	refused 'a.pem/x: Not a directory' -k a.key a.pem/x a.pem
	refused 'no/such/st: No such file or directory' -k a.key no/such/st a.pem
	[ ! -e no ]
	refused ': No such file or directory' -k a.key '' a.pem
}

@test "cert-deploy reaches a store through links further up" {
	mkdir real
	ln -s real link
	run -0 cert-deploy -k a.key link/st/// a.chain.pem
	[[ $output == link/st/gen/* ]]
	is_pair real/st a
	run -0 --separate-stderr sh -c \
	    'cd real/st && cert-deploy -k ../../b.key . ../../b.chain.pem'
	[[ $output == ./gen/* ]]
	is_pair real/st b
}

@test "cert-deploy refuses a current that is no link and a gen that is no directory" {
	mkdir -p st/current
	run -2 --separate-stderr cert-deploy -k a.key st a.chain.pem
	[ "$stderr" = 'cert-deploy: st/current: not a symbolic link' ]
	[ -z "$(ls -A st/gen)" ]
	mkdir st2
	ln -s ../real st2/gen
	mkdir real
	run -2 --separate-stderr cert-deploy -k a.key st2 a.chain.pem
	[ "$stderr" = 'cert-deploy: st2/gen: Not a directory' ]
	[ -z "$(ls -A real)" ]
	[ ! -L st2/current ]
}

@test "cert-deploy answers 75 while another process has the store" {
	require flock
	deploy a
	start_bg sh -c 'flock 9; echo locked >ready; exec sleep 30' 9<st/gen
	wait_file ready
	run -75 --separate-stderr cert-deploy -k b.key st b.chain.pem
	[ -z "$output" ]
	[ "$stderr" = 'cert-deploy: st: busy: another process is changing it' ]
	is_pair st a
	[ ! -e st/previous ]
	stop_bg
	deploy b
	is_pair st b
}

@test "cert-deploy cannot be held up by who may only look at the store" {
	require flock setpriv
	deploy a
	chmod 755 "$BATS_TEST_TMPDIR" st
	start_bg setpriv --reuid 65534 --clear-groups sh -c \
	    'exec 9<st; flock 9; echo locked; exec sleep 30'
	wait_for 10 grep -q locked "$BATS_TEST_TMPDIR/bg.0.log"
	run -2 setpriv --reuid 65534 --clear-groups ls st/gen
	deploy b
	is_pair st b
	# nor by the group
	run -0 cert-deploy -g 65533 -k a.key st a.chain.pem
	run -0 setpriv --reuid 65534 --regid 65533 --clear-groups \
	    cat st/current/key.pem
	run -2 setpriv --reuid 65534 --regid 65533 --clear-groups ls st/gen
}

@test "cert-deploy says so when it is done but its output is lost" {
	deploy a
	run -2 --separate-stderr sh -c \
	    'cert-deploy -k b.key st b.chain.pem >/dev/full'
	[[ $stderr == 'cert-deploy: stdout: st/gen/2'*' is current now, but '*': No space left on device' ]]
	is_pair st b
}

@test "cert-deploy says so when nobody reads its output" {
	mkfifo pipe
	deploy a
	exec 5<>pipe
	exec 6>pipe 5<&-
	run -2 --separate-stderr sh -c \
	    'cert-deploy -k b.key st b.chain.pem >&6 6>&-'
	[[ $stderr == 'cert-deploy: stdout: st/gen/2'*' is current now, but '*': Broken pipe' ]]
	is_pair st b
}

@test "cert-deploy touches nothing when stdout is closed" {
	run -2 --separate-stderr sh -c 'cert-deploy -k a.key st a.chain.pem >&-'
	[ "$stderr" = 'cert-deploy: stdout: closed, or not open for writing' ]
	[ ! -e st ]
}

@test "cert-deploy removes what a killed run left" {
	deploy a
	mkdir st/gen/.new
	echo half >st/gen/.new/key.pem
	: >st/gen/.new/other
	ln -s gen/.new st/.current.new
	echo half >st/.previous.new
	deploy b
	is_pair st b
	clean st
}

@test "cert-deploy keeps the old pair when the disk is full" {
	require unshare
	unshare -rm true 2>/dev/null || skip 'no user namespaces here'
	mkdir disk
	cat >full.sh <<-'END'
	mount -t tmpfs -o size=64k none disk
	cert-deploy -k a.key disk/st a.chain.pem
	head -c 65536 /dev/zero >disk/filler || :
	rc=0
	cert-deploy -k b.key disk/st b.chain.pem || rc=$?
	find disk/st | sort
	cmp disk/st/current/fullchain.pem a.chain.pem || rc=9
	exit $rc
	END
	run -2 --separate-stderr unshare -rm sh full.sh
	gen=${lines[0]}
	[ "$output" = "$gen
disk/st
disk/st/current
disk/st/gen
$gen
$gen/cert.pem
$gen/chain.pem
$gen/fullchain.pem
$gen/key.pem
$gen/keychain.pem" ]
	[[ $stderr == *'disk/st/gen/.new/'*': No space left on device'* ]]
}

@test "cert-deploy keeps the old pair on a read-only file system" {
	require unshare
	unshare -rm true 2>/dev/null || skip 'no user namespaces here'
	mkdir disk
	cat >ro.sh <<-'END'
	mount -t tmpfs none disk
	cert-deploy -k a.key disk/st a.chain.pem >/dev/null
	mount -o remount,bind,ro disk
	rc=0
	cert-deploy -k b.key disk/st b.chain.pem || rc=$?
	cmp disk/st/current/fullchain.pem a.chain.pem || rc=9
	exit $rc
	END
	run -2 --separate-stderr unshare -rm sh ro.sh
	[ -z "$output" ]
	[[ $stderr == 'cert-deploy: disk/st/'*': Read-only file system' ]]
}

@test "cert-deploy ended by a signal leaves one pair and nothing else" {
	deploy a
	for i in 1 2 3 4 5 6 7 8 9; do
		cert-deploy -k b.key st b.chain.pem >out 2>&1 3>&- &
		pid=$!
		sleep "0.00$i"
		kill -TERM "$pid" || true
		wait "$pid" || true
		is_pair st a || is_pair st b
		clean st
		deploy a
	done 2>/dev/null
}

@test "cert-deploy never shows a mixed pair to who resolves current once" {
	deploy a
	cat >read.sh <<-'END'
	while [ ! -e stop ]; do
		d=$(cd -P st/current && pwd) || echo 'no current'
		cat "$d/key.pem" "$d/fullchain.pem" | cmp - "$d/keychain.pem"
		echo >>reads
	done
	END
	start_bg sh read.sh
	log=$BATS_TEST_TMPDIR/bg.0.log
	wait_file reads
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		deploy b
		deploy a
	done
	: >stop
	# shellcheck disable=SC2154	# set by start_bg
	wait "$bg"
	[ ! -s "$log" ] || { cat "$log" && false; }
	[ "$(wc -l <reads)" -gt 5 ]
}

@test "cert-deploy run many times at once is done once or busy" {
	deploy a
	for i in 1 2 3 4 5 6 7 8; do
		(
			rc=0
			deploy b 2>"../err.$i" || rc=$?
			echo "$rc" >"../rc.$i"
		) 3>&- &
	done
	wait
	for i in 1 2 3 4 5 6 7 8; do
		case $(cat "../rc.$i") in
		0) [ ! -s "../err.$i" ] ;;
		75) grep -q 'st: busy: ' "../err.$i" ;;
		*) cat "../err.$i" && false ;;
		esac
	done
	done=$(cat ../rc.* | grep -cx 0)
	[ "$done" -ge 1 ]
	run -0 ls st/gen
	[ "${#lines[@]}" -eq $((done + 1)) ]
	is_pair st b
	clean st
}
