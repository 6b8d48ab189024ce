#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	cat >list <<-'END'
	# who may come
	192.0.2.0/25    # the plant

	2001:db8::/32
	198.51.100.7
	END
}

# says CODE ADDRESS...: nothing is written.
says() {
	run "-$1" --separate-stderr whitelist-check list "${@:2}"
	[ -z "$output$stderr" ]
}

# refused MESSAGE LINE: a list with this line.
refused() {
	printf '192.0.2.1\n%s\n' "$2" >bad
	run -2 --separate-stderr whitelist-check bad 192.0.2.1
	[ -z "$output" ]
	[ "$stderr" = "whitelist-check: bad: line 2: $1" ] || {
		echo "said: $stderr"
		false
	}
}

@test "whitelist-check keeps the contract of all commands" {
	run -0 contract whitelist-check
}

@test "whitelist-check knows addresses and networks of both families" {
	says 0 192.0.2.127
	says 1 192.0.2.128
	says 0 2001:db8:1::1
	says 1 2001:db9::1
	says 0 198.51.100.7
	says 1 198.51.100.8
}

@test "whitelist-check takes a mapped IPv4 address for what it is" {
	says 0 ::ffff:198.51.100.7
	says 0 ::ffff:c633:6407
	says 1 ::198.51.100.7
	echo ::/0 >list
	says 1 198.51.100.7
	says 1 ::ffff:198.51.100.7
	says 0 ::1
	echo ::ffff:192.0.2.0/120 >list
	says 0 192.0.2.200
}

@test "whitelist-check says yes only when all addresses are on the list" {
	says 0 192.0.2.1 198.51.100.7 2001:db8::1
	says 1 192.0.2.1 198.51.100.9 2001:db8::1
}

@test "whitelist-check refuses what is no address, wherever it stands" {
	for bad in a.example 192.0.2 192.0.2.1/32 fe80::1%lo '' ' 192.0.2.1' \
	    192.0.2.01 $'192.0.2.1\n'; do
		run -2 --separate-stderr whitelist-check list 192.0.2.1 "$bad" \
		    203.0.113.1
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr == *': not an IP address' ]]
	done
}

@test "whitelist-check names the file and the line that is wrong" {
	refused 'a.example: neither an IP address nor address/bits' a.example
	refused '192.0.2.1/24: bits are set behind the prefix' 192.0.2.1/24
	refused '::1/129: the bits behind the / are out of range' ::1/129
	refused '::1/: the bits behind the / are out of range' ::1/
	refused '::1 ::2: more than one address on a line' '::1 ::2'
}

@test "whitelist-check takes an empty list for a mistake" {
	printf '# nobody\n\n' >list
	run -2 --separate-stderr whitelist-check list 192.0.2.1
	[ "$stderr" = 'whitelist-check: list: no address in it' ]
}

@test "whitelist-check says with -v which line it was" {
	run -1 --separate-stderr whitelist-check -v list ::ffff:192.0.2.1 \
	    203.0.113.1
	[ -z "$output" ]
	assert_stderr_line \
	    'whitelist-check: ::ffff:192.0.2.1: on the list, line 2'
	assert_stderr_line 'whitelist-check: 203.0.113.1: not on the list'
}

@test "whitelist-check reads 20 000 lines, and no more than a mebibyte" {
	awk 'BEGIN { for (i = 0; i < 20000; i++)
		printf "10.%d.%d.0/24\n", i / 256, i % 256 }' >list
	says 0 10.78.31.5
	says 1 10.78.32.5
	yes 10.0.0.0/8 | head -n 100000 >list
	run -2 --separate-stderr whitelist-check list 10.0.0.1
	[[ $stderr == *'larger than the limit of 1048576 bytes' ]]
}
