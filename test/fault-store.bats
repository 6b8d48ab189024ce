#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What fault.bats does with other commands, with those of a store: cert-deploy,
# cert-commit and cert-rollback.

load helper
load fault

setup_file() {
	make_killat
}

setup() {
	fault_setup
}

# cert-deploy: whoever resolves current finds one of the two pairs, whole, and
# so does who looks into any generation.
deploy_scripts() {
	make_cert "$CA" old san=DNS:a.example
	make_cert "$CA" new san=DNS:a.example
	script check <<-'END'
	tool=cert-deploy
	# pair DIRECTORY NAME: it holds this key and chain
	pair() {
		cmp -s "$CA/$2.chain.pem" "$1/fullchain.pem" &&
		    cmp -s "$CA/$2.pem" "$1/cert.pem" &&
		    cmp -s "$CA/int.pem" "$1/chain.pem" &&
		    cmp -s "$CA/$2.key" "$1/key.pem" &&
		    cat "$1/key.pem" "$1/fullchain.pem" |
			cmp -s - "$1/keychain.pem" &&
		    [ "$(cd "$1" && stat -c %a:%n *)" = "$modes" ]
	}
	modes='644:cert.pem
	644:chain.pem
	644:fullchain.pem
	600:key.pem
	600:keychain.pem'
	[ ! -d store ] || ls -lAR store
	for generation in store/gen/*; do
		[ -e "$generation" ] || continue
		pair "$generation" new || pair "$generation" old
	done
	if [ ! -L store/current ]; then
		[ ! -e before ]
		died || failed
	elif pair store/current new; then
		worked || died || { failed && { unsynced ||
		    grep -q 'current, but previous could not' "$said"; }; }
	else
		[ -e before ]
		pair store/current old
		died || failed
	fi
	if [ "$phase" != fault ]; then
		(cd store && holds current gen $(ls -d previous))
		[ -z "$(find store -name '.*')" ]
		[ ! -e before ] || [ -d "store/$(cat store/previous)" ]
	fi
	END
	cat >setup <<-'END'
	cert-deploy -k "$CA/old.key" store "$CA/old.chain.pem"
	: >before
	END
	echo : >empty
}

@test "cert-deploy killed anywhere leaves the old pair or the new one" {
	deploy_scripts
	set -- setup check -- cert-deploy -k "$CA/new.key" store \
	    "$CA/new.chain.pem"
	swept 20 "$@"
	swept 20 -l "$@"
	swept 20 empty "${@:2}"
}

@test "cert-deploy that fails anywhere leaves the old pair" {
	deploy_scripts
	set -- setup check -- cert-deploy -k "$CA/new.key" store \
	    "$CA/new.chain.pem"
	for error in ENOSPC EIO EINTR; do
		swept 20 -e "$error" "$@"
	done
	swept 20 -s -e ENOSPC "$@"
	swept 20 -e EIO empty "${@:2}"
}

# made_store CHAIN: $MADE, with a generation proven and another one current.
made_store() {
	export MADE=$PWD/made
	set -- -T "$(($(date +%s) - 60))" -k "$CA/a.example.key" made "$1"
	cert-deploy "$@"
	cert-commit made
	cert-deploy "$@"
}

# cert-deploy over an unproven generation: previous names the proven one, at
# any instant, and no other than a whole generation is current.
over_scripts() {
	script check <<-'END'
	tool=cert-deploy
	proven=$(readlink store/proven)
	[ "$(cat store/previous)" = "$proven" ]
	[ -s "store/$proven/key.pem" ]
	cat store/current/key.pem store/current/fullchain.pem |
	    cmp - store/current/keychain.pem
	if [ "$(readlink store/current)" = "$(cat unproven)" ]; then
		died || failed
	else
		worked || died || { failed && unsynced; } ||
		    { failed && grep -q 'previous could not' "$said"; }
		cmp store/current/private.key store/current/key.pem
		openssl pkcs12 -in store/current/client.pfx -noout \
		    -passin file:pass
	fi
	if [ "$phase" != fault ]; then
		(cd store && holds current gen previous proven)
		[ -z "$(find store -name '.*')" ]
	fi
	END
	made_store "$CA/a.example.pem"
	cat >setup <<-'END'
	cp -a "$MADE" store
	(umask 077 && echo secret >pass)
	readlink store/current >unproven
	END
	over=(cert-deploy -f minio -f pfx -U pass -k "$CA/a.example.key" store
	    "$CA/a.example.pem")
}

@test "cert-deploy cut short keeps the way back to what is proven" {
	over_scripts
	swept 40 setup check -- "${over[@]}"
}

# cert-commit: what is current is current, and whole, whatever happens to the
# others; what previous names is whole while it is what was proven.  Each file
# of theirs is as it was, or zeros, or empty.
commit_scripts() {
	made_store "$CA/a.example.chain.pem"
	cat >setup <<-'END'
	cp -a "$MADE" store
	mkdir store/gen/.new
	echo half >store/gen/.new/key.pem
	cp -a store/gen as-was
	readlink store/current >current
	readlink store/proven >proven
	END
	script check <<-'END'
	tool=cert-commit
	gen=$(cat current)
	[ "$(readlink store/current)" = "$gen" ]
	cat store/current/key.pem store/current/fullchain.pem |
	    cmp - store/current/keychain.pem
	cmp store/current/key.pem "$CA/a.example.key"
	case $(readlink store/proven) in
	"$gen") ;;
	"$(cat proven)") [ "$phase" = fault ] ;;
	*) exit 1 ;;
	esac
	if [ -e store/previous ]; then
		[ "$phase" = fault ]
		# whole as long as it is what was proven
		before=store/$(cat store/previous)
		[ "$(readlink store/proven)" = "$gen" ] ||
		    cat "$before/key.pem" "$before/fullchain.pem" |
		    cmp - "$before/keychain.pem"
	fi
	# its turn was not yet, or it was overwritten
	find store/gen -type f | while read -r file; do
		cmp -s "$file" "as-was/${file#store/gen/}" ||
		    [ -z "$(tr -d '\0' <"$file")" ]
	done
	worked || died || {
		[ "$status" -eq 2 ] && [ "$phase" = fault ] &&
		    grep -q '^cert-commit: ' "$said"
	}
	if worked; then
		(cd store && holds current gen proven)
		[ "$(ls -A store/gen)" = "${gen#gen/}" ]
	fi
	END
}

@test "cert-commit killed anywhere keeps what is current, the next completes" {
	commit_scripts
	swept 35 setup check -- cert-commit store
	swept 36 -l setup check -- cert-commit store
}

@test "cert-commit that fails anywhere keeps what is current, and says so" {
	commit_scripts
	swept 35 -e EIO setup check -- cert-commit store
	swept 35 -s -e ENOSPC setup check -- cert-commit store
}

@test "cert-commit overwrites, syncs and empties each file, then removes it" {
	local trace file
	commit_scripts
	sh -eu setup
	trace=$(killat -v 0 cert-commit store 2>&1)
	calls() {
		grep -F "/$1" <<<"$trace" | sed 's/^killat: [0-9]*: [0-9]* //
		    s/ .*//' | tr '\n' ' '
	}
	for file in key cert chain fullchain keychain; do
		file=$(cat proven)/$file.pem
		[ "$(calls "$file")" = 'openat write fsync ftruncate unlinkat ' ]
	done
	[ "$(calls gen/.new/key.pem)" = \
	    'openat write fsync ftruncate unlinkat ' ]
	# not before the new name is on the disk; previous goes last
	grep -nE 'renameat .*/proven$|unlinkat .*/previous$|fsync .*/store$' \
	    <<<"$trace" | sed 's/:.* \([a-z]*\) .*/ \1/' >names
	[ "$(cut -d ' ' -f 2 names | tr '\n' ' ')" = \
	    'renameat fsync unlinkat fsync ' ]
	grep -nE " write .*/$(cat proven)/" <<<"$trace" | cut -d: -f1 >writes
	[ "$(sed -n '2s/ .*//p' names)" -lt "$(head -n 1 writes)" ]
	[ "$(sed -n '3s/ .*//p' names)" -gt "$(tail -n 1 writes)" ]
}

# cert-rollback: one of the two is current; previous names the other, after
# the next opening at the latest; neither is touched.
rollback_scripts() {
	made_store "$CA/a.example.pem"
	cat >setup <<-'END'
	cp -a "$MADE" store
	cat store/previous >before
	readlink store/current >current
	END
	script check <<-'END'
	tool=cert-rollback
	before=$(cat before) current=$(cat current)
	for gen in "$before" "$current"; do
		cat "store/$gen/key.pem" "store/$gen/fullchain.pem" |
		    cmp - "store/$gen/keychain.pem"
	done
	now=$(readlink store/current)
	was=$(cat store/previous)
	[ ! -e store/.previous.new ] || [ -L store/.current.new ] ||
	    was=$(cat store/.previous.new)
	if [ "$phase" = done ]; then
		(cd store && holds current gen previous proven)
	fi
	if [ "$now" = "$before" ]; then
		[ "$was" = "$current" ] || { failed &&
		    grep -q 'previous could not be written' "$said"; }
		worked || died || { failed &&
		    grep -q ': .* current,* ' "$said"; }
	else
		[ "$now" = "$current" ]
		[ "$was" = "$before" ]
		died || failed
	fi
	END
	# Back, if it was not done; else there and back again.
	cat >again <<-'END'
	[ "$(readlink store/current)" = "$(cat current)" ] ||
		[ "$(cert-rollback store)" = "store/$(cat current)" ]
	[ "$(cert-rollback store)" = "store/$(cat before)" ]
	END
}

@test "cert-rollback killed anywhere loses neither generation" {
	rollback_scripts
	swept 8 -r again setup check -- cert-rollback store
	swept 9 -l -r again setup check -- cert-rollback store
}

@test "cert-rollback that fails anywhere loses neither generation" {
	rollback_scripts
	for error in ENOSPC EIO EINTR; do
		swept 8 -e "$error" -r again setup check -- cert-rollback store
	done
	swept 8 -s -e ENOSPC -r again setup check -- cert-rollback store
}

# durable SWITCH COMMAND...: when the name SWITCH appears, all files written
# before and the directories of all names made before have been synced (other
# than SWITCH's own directory), and at the end that one too.
durable() {
	local were_there trace
	were_there=$(find "$PWD" -type d)
	trace=$(killat -v 0 "${@:2}" 2>&1) || return
	# shellcheck disable=SC2016
	awk -v last="$PWD/$1" -v old="$were_there" '
		function parent(path) {
			sub("/[^/]*$", "", path)
			return path
		}
		function check(except, path) {
			for (path in dirty)
				if (path != except) {
					print NR ": not synced: " path
					bad = 1
				}
		}
		!/^killat: [0-9]+: / { next }
		{
			call = $4
			path = $0
			sub("^killat: [0-9]+: [0-9]+ [a-z0-9_]+ ", "", path)
			sub("^.* -> ", "", path)
		}
		call ~ /^mkdir/ && index(old "\n", path "\n") { next }
		path == last { check(parent(last)); seen++ }
		call ~ /^f(data)?sync$/ { delete dirty[path]; next }
		call ~ /write|chmod|chown/ { dirty[path] = 1; next }
		call ~ /open|mkdir|link|rename/ { dirty[parent(path)] = 1 }
		END { check(); exit bad || seen != 1 }' <<<"$trace"
}

@test "mkkey, file-replace and the store sync all before the last rename" {
	run -0 durable key.pem mkkey -o key.pem
	echo new >new
	# shellcheck disable=SC2016
	run -0 durable target sh -c 'file-replace target <new'
	deploy_scripts
	set -- cert-deploy -k "$CA/new.key" store "$CA/new.chain.pem"
	run -0 durable store/current "$@"
	run -0 durable store/current "$@"
	run -0 durable store/current cert-rollback store
	run -1 durable target sh -c 'echo new >.tmp; mv -T .tmp target'
	[[ $output == *": not synced: $PWD/.tmp"* ]]
}
