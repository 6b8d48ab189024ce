# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2016,SC2154	# for perl; of run
# What the tests of the reload hooks have in common; for bats files that load
# helper.

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
