#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper
load store

setup_file() {
	cd "$BATS_FILE_TMPDIR" && cp -p "$CA/a.example.key" a.key &&
	    cp -p "$CA/a.example.chain.pem" a.pem
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" &&
	    cp -p "$BATS_FILE_TMPDIR"/a.* .
}

teardown() {
	stop_bg
}

# deploy [STORE]: its path in $gen.
deploy() {
	gen=$(cert-deploy -k a.key "${1-st}" a.pem)
}

# only STORE GENERATION: it is current, proven and alone.
only() {
	[ "$(ls -A "$1")" = "$(printf '%s\n' current gen proven)" ] &&
	    [ "$(ls -A "$1/gen")" = "${2##*/}" ] &&
	    [ "$(readlink "$1/current")" = "gen/${2##*/}" ] &&
	    [ "$(readlink "$1/proven")" = "gen/${2##*/}" ] &&
	    cmp "$1/current/key.pem" a.key && cmp "$1/current/fullchain.pem" a.pem
}

# refused TEXT [STORE]: exit 2 with that line; the store is as it was.
refused() {
	left_alone 2 "$1" cert-commit "${2-st}"
}

@test "cert-commit keeps the contract of all commands" {
	run -0 contract cert-commit
}

@test "cert-commit keeps what is current and removes all others" {
	deploy
	deploy
	deploy
	[ "$(generations)" -eq 3 ]
	run -0 --separate-stderr cert-commit st
	[ -z "$output$stderr" ]
	only st "$gen"
}

@test "cert-commit says nothing to stdout, which may be closed" {
	deploy
	deploy
	run -0 --separate-stderr sh -c 'cert-commit st >&-'
	[ -z "$stderr" ]
	only st "$gen"
}

@test "cert-commit changes nothing when there is nothing to do" {
	deploy
	run -0 cert-commit st
	before=$(ls -lARn --full-time st)
	run -0 cert-commit st
	[ "$(ls -lARn --full-time st)" = "$before" ]
	only st "$gen"
}

@test "cert-commit leaves nothing in the files it removes" {
	local file fd fds=()
	deploy
	printf x >st/current/client.pfx
	for file in st/current/*; do
		exec {fd}<"$file"
		fds+=("$fd")
	done
	deploy
	run -0 cert-commit st
	[ "${#fds[@]}" -eq 6 ]
	for fd in "${fds[@]}"; do
		[ "$(wc -c <&"$fd")" -eq 0 ]
		exec {fd}<&-
	done
	only st "$gen"
}

@test "cert-commit takes a store that knows no proven generation" {
	deploy
	old=$gen
	deploy
	[ ! -e st/proven ]
	[ "$(cat st/previous)" = "${old#st/}" ]
	run -0 cert-commit st
	only st "$gen"
}

@test "cert-commit finds a generation that nobody names" {
	deploy
	cp -a "$gen" st/gen/20200101T000000Z-01
	cp -a "$gen" st/gen/.new
	run -0 cert-commit st
	only st "$gen"
}

@test "cert-commit removes what killed runs left, whatever they did" {
	deploy
	deploy
	mkdir st/gen/.new
	echo half >st/gen/.new/key.pem
	ln -s gen/.new st/.current.new
	echo half >st/.previous.new
	ln -s gen/x st/.proven.new
	run -0 cert-commit st
	only st "$gen"
	echo gen/x >st/.previous.new
	run -0 cert-commit st
	only st "$gen"
}

@test "cert-commit completes what a killed commit began" {
	deploy
	old=$gen
	deploy
	ln -s "gen/${gen##*/}" st/proven
	: >"$old/key.pem"
	rm "$old/cert.pem"
	run -0 cert-commit st
	only st "$gen"
	# proven and without previous, but the generation is there
	cp -a "$gen" "$old"
	run -0 cert-commit st
	only st "$gen"
}

@test "cert-commit leaves alone what is no generation" {
	deploy
	echo mine >st/gen/note
	ln -s . st/gen/link
	run -0 cert-commit st
	[ "$(ls -A st/gen)" = "$(printf '%s\n' "${gen##*/}" link note)" ]
	[ "$(cat st/gen/note)" = mine ]
}

@test "cert-commit follows no link out of the store" {
	deploy
	old=$gen
	deploy
	echo precious >outside
	rm "$old/key.pem"
	ln -s "$PWD/outside" "$old/key.pem"
	mkdir away
	echo precious >away/key.pem
	ln -s ../../away st/gen/20200101T000000Z-01
	run -0 cert-commit st
	[ "$(cat outside)" = precious ]
	[ "$(cat away/key.pem)" = precious ]
	[ ! -e "$old" ]
}

@test "cert-commit does not overwrite what has a name outside" {
	deploy
	old=$gen
	deploy
	ln "$old/key.pem" outside
	run -2 --separate-stderr cert-commit st
	[ "$stderr" = "cert-commit: $old: removed, but not all could be overwritten: Too many links" ]
	cmp outside a.key
	[ "$(generations)" -eq 1 ]
	run -0 cert-commit st
	only st "$gen"
}

@test "cert-commit does not fill the disk for the sake of a hole" {
	deploy
	old=$gen
	deploy
	truncate -s 64M "$old/key.pem"
	exec 8<"$old/key.pem"
	run -2 --separate-stderr cert-commit st 8<&-
	[ "$stderr" = "cert-commit: $old: removed, but not all could be overwritten: File too large" ]
	[ "$(stat -L -c %s /proc/self/fd/8)" -eq $((64 << 20)) ]
	run -0 cert-commit st
	only st "$gen"
}

@test "cert-commit removes a pipe" {
	deploy
	mkfifo "$gen/pipe"
	deploy
	run -0 cert-commit st
	[ -z "$output" ]
	only st "$gen"
}

@test "cert-commit refuses a store without a current generation" {
	mkdir -p st/gen
	refused 'st/current: there is none'
	refused 'none: No such file or directory' none
	mkdir empty
	refused 'empty/gen: No such file or directory' empty
	: >file
	refused 'file: Not a directory' file
	deploy
	ln -s st link
	refused 'link: a symbolic link; name the directory itself' link
}

@test "cert-commit refuses a current that is no whole generation" {
	deploy
	old=$gen
	deploy
	for target in ../old /etc gen gen/ gen/.. gen/. "$gen" \
	    "gen/${gen##*/}/" nowhere; do
		ln -sfn "$target" st/current
		refused "st/current: \"$target\" is no generation of this store"
	done
	ln -sfn gen/x st/current
	refused 'st/gen/x: not a whole generation'
	rm st/current
	mkdir st/current
	refused 'st/current: not a symbolic link'
	rmdir st/current
	ln -s "gen/${gen##*/}" st/current
	for file in key cert fullchain keychain; do
		cp -p "$gen/$file.pem" saved
		: >"$gen/$file.pem"
		refused "$gen: not a whole generation"
		rm "$gen/$file.pem"
		refused "$gen: not a whole generation"
		cp -p saved "$gen/$file.pem"
	done
	[ -s "$old/key.pem" ]
	run -0 cert-commit st
	only st "$gen"
}

@test "cert-commit says it when a generation cannot be removed, and goes on" {
	deploy
	mkdir -p "$gen/sub"
	old=$gen
	deploy
	deploy
	run -2 --separate-stderr cert-commit st
	[ "$stderr" = "cert-commit: $old: Is a directory" ]
	[ "$(generations)" -eq 2 ]
	[ "$(ls "$old")" = sub ]
	[ "$(readlink st/proven)" = "gen/${gen##*/}" ]
	[ -e st/previous ]	# the work is not done
	rmdir "$old/sub"
	run -0 cert-commit st
	only st "$gen"
}

@test "cert-commit answers 75 while another process has the store" {
	require flock
	deploy
	deploy
	start_bg sh -c 'flock 9; echo locked >ready; exec sleep 30' 9<st/gen
	wait_file ready
	run -75 --separate-stderr cert-commit st
	[ "$stderr" = 'cert-commit: st: busy: another process is changing it' ]
	[ "$(generations)" -eq 2 ]
	[ ! -e st/proven ]
	stop_bg
	run -0 cert-commit st
	only st "$gen"
}

@test "cert-commit works for an ordinary user, and leaves the group's modes" {
	require setpriv
	[ "$(id -u)" -eq 0 ] || skip 'only root can become another user'
	mkdir home
	cp -p a.key a.pem home
	chown -R 12345:12345 home
	cd home
	user() {
		setpriv --reuid=12345 --regid=12345 --groups=23456 "$@"
	}
	user test -x . || skip 'the temporary directory is closed to others'
	run -0 user cert-deploy -g 23456 -k a.key st a.pem
	run -0 user cert-deploy -g 23456 -k a.key st a.pem
	gen=$output
	run -0 user cert-commit st
	only st "$gen"
	run -0 stat -c '%a %u %g' st st/gen "$gen" "$gen/key.pem" "$gen/cert.pem"
	[ "$output" = "750 12345 23456
710 12345 23456
750 12345 23456
640 12345 23456
644 12345 23456" ]
	# what is another user's
	run -0 user cert-deploy -k a.key st a.pem
	chown 0:0 "$gen"
	chmod 700 "$gen"
	run -2 --separate-stderr user cert-commit st
	[ "$stderr" = "cert-commit: $gen: Permission denied" ]
}
