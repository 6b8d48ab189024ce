#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper
load store

# Pairs a and b; b ends before a.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	cp -R "$CA" ca || return
	make_cert ca b.example san=DNS:b.example to='30 days' || return
	for name in a b; do
		cp -p "ca/$name.example.key" "$name.key" &&
		    cp "ca/$name.example.chain.pem" "$name.pem" || return
	done
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" &&
	    cp -p "$BATS_FILE_TMPDIR"/[ab].* .
}

teardown() {
	stop_bg
}

# deploy PAIR: its path in $PAIR.
deploy() {
	printf -v "$1" %s "$(cert-deploy -k "$1.key" st "$1.pem")"
}

# state CURRENT PREVIOUS
state() {
	[ "st/$(readlink st/current)" = "$1" ] &&
	    [ "st/$(cat st/previous)" = "$2" ] &&
	    [ -z "$(find st -name '.*')" ]
}

# refused CODE TEXT [ARGUMENT...]: with that line; the store is as it was.
refused() {
	left_alone "$1" "$2" cert-rollback "${@:3}" st
}

@test "cert-rollback keeps the contract of all commands" {
	run -0 contract cert-rollback
}

@test "cert-rollback goes back, and forward again" {
	deploy a
	deploy b
	state "$b" "$a"
	run -0 --separate-stderr cert-rollback st
	[ "$output" = "$a" ]
	[ -z "$stderr" ]
	state "$a" "$b"
	cmp st/current/key.pem a.key
	run -0 cert-rollback st/
	[ "$output" = "$b" ]
	state "$b" "$a"
	[ "$(stat -c %a st/previous)" = 644 ]
	[ "$(generations)" -eq 2 ]
}

@test "cert-rollback leads to the proven generation past one that is not" {
	deploy a
	run -0 cert-commit st
	deploy b
	first=$b
	deploy b
	[ "$first" != "$b" ]
	state "$b" "$a"
	run -0 cert-rollback st
	state "$a" "$b"
	# not proven either, but it is in service and what came before
	deploy b
	state "$b" "$a"
	run -0 cert-commit st
	[ "$(ls st/gen)" = "${b##*/}" ]
	refused 1 'st/previous: there is none'
}

@test "cert-rollback leads to what was current when nothing whole is proven" {
	deploy a
	first=$a
	run -0 cert-commit st
	deploy b
	rm "$first/key.pem"
	deploy a
	state "$a" "$b"
	ln -sfn ../elsewhere st/proven
	deploy b
	state "$b" "$a"
	run -0 cert-rollback st
	state "$a" "$b"
}

@test "cert-rollback refuses when there is none before" {
	deploy a
	refused 1 'st/previous: there is none'
	echo "${a#st/}" >st/previous
	refused 1 'st/previous: it is the current one'
}

@test "cert-rollback refuses what is no generation of this store" {
	deploy a
	deploy b
	for target in ../old /etc gen/.. gen/ '' nowhere "$a"; do
		echo "$target" >st/previous
		refused 1 "st/previous: \"$target\" is no generation of this store"
	done
	echo gen/nowhere >st/previous
	refused 1 'st/gen/nowhere: not a whole generation'
	head -c 8192 /dev/zero >st/previous
	refused 2 'st/previous: larger than the limit of 4096 bytes'
	rm st/previous
	ln -s nowhere st/previous
	refused 2 'st/previous: Too many levels of symbolic links'
	rm st/previous
	mkfifo st/previous
	refused 1 'st/previous: "" is no generation of this store'
}

@test "cert-rollback refuses a generation that is incomplete" {
	deploy a
	deploy b
	for file in key cert chain fullchain keychain; do
		mv "$a/$file.pem" away
		refused 1 "$a: not a whole generation"
		mkdir "$a/$file.pem"
		refused 1 "$a: not a whole generation"
		rmdir "$a/$file.pem"
		mv away "$a/$file.pem"
	done
	: >"$a/chain.pem"
	run -0 cert-rollback st
	state "$a" "$b"
}

@test "cert-rollback refuses a key and certificates that do not match" {
	deploy a
	deploy b
	cp "$b/key.pem" "$a/key.pem"
	refused 1 "$a/fullchain.pem: key_mismatch"
	echo x >"$a/key.pem"
	refused 1 "$a/key.pem: no private key in PEM form found"
	cp a.key "$a/key.pem"
	head -c 300 a.pem >"$a/fullchain.pem"
	run -1 --separate-stderr cert-rollback st
	[[ $stderr == "cert-rollback: $a/fullchain.pem: "* ]]
	state "$b" "$a"
	cat a.pem a.pem >"$a/fullchain.pem"
	run -1 --separate-stderr cert-rollback st
	[[ $stderr == "cert-rollback: $a/fullchain.pem: "*broken_link* ]]
	state "$b" "$a"
}

@test "cert-rollback refuses what has expired or is not valid yet" {
	deploy b
	deploy a
	refused 1 "$b/fullchain.pem: expired" -T "$(date -d '31 days' +%s)"
	refused 1 "$b/fullchain.pem: not_yet_valid" \
	    -T "$(date -d '1 day ago' +%s)"
	run -0 cert-rollback -T "$(date -d '29 days' +%s)" st
	state "$b" "$a"
	for time in x -1 ''; do
		refused 2 "-T $time: not a whole number between 0 and 253402300799" \
		    -T "$time"
	done
}

@test "cert-rollback refuses a chain whose other certificates have expired" {
	cp -R "$BATS_FILE_TMPDIR/ca" ca
	printf 'basicConstraints = critical,CA:TRUE\n' >ext
	openssl req -new -key ca/int.key -subj "$(openssl x509 -in ca/int.pem \
	    -noout -subject -nameopt compat | sed 's/^subject= *//')" -out csr
	openssl x509 -req -in csr -CA ca/root.pem -CAkey ca/root.key -days 10 \
	    -extfile ext -out ca/short.pem
	cat ca/a.example.pem ca/short.pem >a.pem
	deploy a
	deploy b
	refused 1 "$a/fullchain.pem: expired" -T "$(date -d '11 days' +%s)"
	run -0 cert-rollback -T "$(date -d '9 days' +%s)" st
	state "$a" "$b"
}

@test "cert-rollback reports a store that cannot be used" {
	run -2 --separate-stderr cert-rollback none
	[ "$stderr" = 'cert-rollback: none: No such file or directory' ]
	[ ! -e none ]
	mkdir -p st/gen
	refused 2 'st/current: there is none'
	echo gen/x >st/previous
	refused 2 'st/current: there is none'
	mkdir st/current
	refused 2 'st/current: not a symbolic link'
	ln -s st link
	run -2 --separate-stderr cert-rollback link
	[ "$stderr" = \
	    'cert-rollback: link: a symbolic link; name the directory itself' ]
}

@test "cert-rollback answers 75 while another process has the store" {
	require flock
	deploy a
	deploy b
	start_bg sh -c 'flock 9; echo locked >ready; exec sleep 30' 9<st/gen
	wait_file ready
	refused 75 'st: busy: another process is changing it'
	stop_bg
	run -0 cert-rollback st
	state "$a" "$b"
}

@test "cert-rollback says so when it is done but its output is lost" {
	deploy a
	deploy b
	run -2 --separate-stderr sh -c 'cert-rollback st >/dev/full'
	[ "$stderr" = "cert-rollback: stdout: $a is current now, but saying so\
 failed: No space left on device" ]
	state "$a" "$b"
	run -2 --separate-stderr sh -c 'cert-rollback st >&-'
	[ "$stderr" = \
	    'cert-rollback: stdout: closed, or not open for writing' ]
	state "$a" "$b"
}

@test "cert-rollback completes a switch that was killed half-way" {
	deploy a
	deploy b
	# b was current, a has become it
	ln -sfn "${a#st/}" st/current
	echo "${b#st/}" >st/.previous.new
	run -0 cert-rollback st
	[ "$output" = "$b" ]
	state "$b" "$a"
	# both prepared, nothing switched
	ln -s "${a#st/}" st/.current.new
	echo "${b#st/}" >st/.previous.new
	run -0 cert-rollback st
	[ "$output" = "$a" ]
	state "$a" "$b"
}

@test "cert-rollback works for an ordinary user, and leaves the group's modes" {
	require setpriv
	[ "$(id -u)" -eq 0 ] || skip 'only root can become another user'
	mkdir home
	cp -p [ab].key [ab].pem home
	chown -R 12345:12345 home
	cd home
	user() {
		setpriv --reuid=12345 --regid=12345 --groups=23456 "$@"
	}
	user test -x . || skip 'the temporary directory is closed to others'
	a=$(user cert-deploy -g 23456 -k a.key st a.pem)
	b=$(user cert-deploy -g 23456 -k b.key st b.pem)
	run -0 user cert-rollback st
	[ "$output" = "$a" ]
	state "$a" "$b"
	run -0 stat -c '%a %u %g' st st/gen "$a" "$b/key.pem"
	[ "$output" = "750 12345 23456
710 12345 23456
750 12345 23456
640 12345 23456" ]
	# what is another user's: nobody could tell
	chown -R 0:0 "$b"
	refuse=$(ls -lARn --full-time st)
	run -2 --separate-stderr user cert-rollback st
	[ "$stderr" = "cert-rollback: st/${b#st/}: Permission denied" ]
	[ "$(ls -lARn --full-time st)" = "$refuse" ]
}
