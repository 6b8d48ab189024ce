#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# cert-deploy -f: the files that MinIO wants, and PKCS#12.

load helper
load deploy

@test "cert-deploy -f minio writes the names MinIO wants" {
	run -0 cert-deploy -f minio -k a.key st a.chain.pem
	is_pair st a
	cmp st/current/public.crt a.chain.pem
	cmp st/current/private.key st/current/key.pem
	[ "$(stat -c %a st/current/public.crt st/current/private.key)" = \
	    $'644\n600' ]
	[ ! -e st/current/client.pfx ]
	run -0 cert-deploy -f minio -g "$(id -g)" -k b.key st b.chain.pem
	[ "$(stat -c %a st/current/public.crt st/current/private.key)" = \
	    $'644\n640' ]
}

# in_pfx FILE: what openssl finds in it, without its providers of old ciphers.
in_pfx() {
	openssl pkcs12 -in "$1" -passin file:pass -info -nodes "${@:2}" 2>&1
}

@test "cert-deploy -f pfx writes key and chain as PKCS#12" {
	(umask 077 && printf 'pass word\nnot this\n' >pass)
	run -0 --separate-stderr cert-deploy -f pfx -U pass -k a.key \
	    store/client a.chain.pem
	[ -z "$stderr" ]
	is_pair store/client a
	pfx=store/client/current/client.pfx
	[ "$(stat -c %a "$pfx")" = 600 ]
	run -0 in_pfx "$pfx"
	[[ $output == *'MAC: sha256, Iteration 10000'* ]]
	[[ $output == *'salt length: 16'* ]]
	[[ $output == *'Encrypted data: PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256'* ]]
	[[ $output == *'Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256'* ]]
	[ "$(grep -c 'friendlyName: client$' <<<"$output")" -eq 2 ]
	[ "$(grep 'localKeyID: ' <<<"$output" | uniq | wc -l)" -eq 1 ]
	in_pfx "$pfx" -nocerts | openssl pkey >key
	cmp key store/client/current/key.pem
	in_pfx "$pfx" -nokeys | sed -n '/^-----BEGIN/,/^-----END/p' |
	    cmp - a.chain.pem
	in_pfx "$pfx" -nokeys -clcerts | openssl x509 | cmp - a.pem
	echo 'pass  word' >pass
	run -1 in_pfx "$pfx"
}

@test "cert-deploy -f pfx makes a file that Java reads" {
	command -v keytool >/dev/null || skip 'keytool is not installed'
	(umask 077 && echo pass-word >pass)
	run -0 cert-deploy -f pfx -U pass -k a.key store/client a.chain.pem
	run -0 keytool -list -v -storetype PKCS12 -storepass:file pass \
	    -keystore store/client/current/client.pfx
	[[ $output == *'Alias name: client'*PrivateKeyEntry* ]]
	[[ $output == *'Certificate chain length: 2'* ]]
}

@test "cert-deploy -f pfx takes any kind of key and a leaf alone" {
	(umask 077 && printf secret >pass)
	for kind in rsa2048 p384 ed25519; do
		make_key "$kind.key" "$kind"
		make_cert "$BATS_FILE_TMPDIR/ca" "$kind" key="$kind.key"
		run -0 cert-deploy -f pfx -U pass -k "$kind.key" st \
		    "$BATS_FILE_TMPDIR/ca/$kind.pem"
		in_pfx st/current/client.pfx -nocerts | openssl pkey >key
		cmp key st/current/key.pem
		[ "$(in_pfx st/current/client.pfx | grep -c 'BEGIN CERT')" -eq 1 ]
	done
}

@test "cert-deploy -f pfx names the entry by the directory, whatever the path" {
	(umask 077 && echo secret >pass)
	mkdir edge
	for name in edge ./edge// "$PWD/edge" new/edge new/edge/; do
		run -0 cert-deploy -f pfx -U pass -k a.key "$name" a.chain.pem
		run -0 in_pfx "$name/current/client.pfx"
		[[ $output == *'friendlyName: edge'$'\n'* ]]
	done
	run -0 sh -c \
	    'cd edge && cert-deploy -f pfx -U - -k ../a.key . ../a.pem <../pass'
	run -0 in_pfx edge/current/client.pfx
	[[ $output == *'friendlyName: edge'$'\n'* ]]
}

@test "cert-deploy -f may be given twice, -g counts for all keys" {
	(umask 077 && printf 'secret\r\n' >pass && printf secret >plain)
	run -0 cert-deploy -f pfx -f minio -U pass -g "$(id -g)" -k a.key st \
	    a.chain.pem
	[ "$(modes st/current/)" = "750 .
644 ./cert.pem
644 ./chain.pem
640 ./client.pfx
644 ./fullchain.pem
640 ./key.pem
640 ./keychain.pem
640 ./private.key
644 ./public.crt" ]
	run -0 openssl pkcs12 -in st/current/client.pfx -passin file:plain \
	    -noout
}

@test "cert-deploy -f pfx refuses a password file it cannot use" {
	local text='its first line is no password: 1 to 128 printable ASCII characters'
	umask 077
	pfx=(-f pfx -U pass -k a.key st a.pem)
	refused 'pass: No such file or directory' "${pfx[@]}"
	: >pass
	refused "pass: $text" "${pfx[@]}"
	printf '\nsecond\n' >pass
	refused "pass: $text" "${pfx[@]}"
	printf '%129s\n' x >pass
	refused "pass: $text" "${pfx[@]}"
	printf 'a\0b\n' >pass
	refused "pass: $text" "${pfx[@]}"
	printf 'sch\303\266n\n' >pass
	refused "pass: $text" "${pfx[@]}"
	printf 'a\rb\n' >pass
	refused "pass: $text" "${pfx[@]}"
	head -c 5000 /dev/zero >pass
	refused 'pass: larger than the limit of 4096 bytes' "${pfx[@]}"
	mkdir dir
	refused 'dir: Is a directory' -f pfx -U dir -k a.key st a.pem
	printf '%128s\n' x >pass
	chmod 0644 pass
	refused 'pass: mode 0644: a secret must not be open to others or writable by its group; chmod 0600 or 0640' "${pfx[@]}"
	chmod 0640 pass
	run -0 cert-deploy "${pfx[@]}"
	run -0 in_pfx st/current/client.pfx -noout
}

@test "cert-deploy -f wants a form it knows, and -U with pfx" {
	echo secret >pass
	chmod 600 pass
	for args in '-f pem' '-f pfx' '-U pass' '-f minio -U pass' \
	    '-f pfx -U - -k -'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr cert-deploy $args -k a.key st
		[[ $stderr == 'usage: cert-deploy '* ]]
	done
	[ ! -e st ]
}
