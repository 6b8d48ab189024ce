#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper

# What a leaf and a CA have when a test changes one thing.
leaf='basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature'
ca='basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign'

setup_file() {
	cp -R "$CA" "$BATS_FILE_TMPDIR/ca" || return
	cd "$BATS_FILE_TMPDIR/ca" || return
	cat a.example.chain.pem root.pem >full.pem
	make_cert . names san="DNS:a.example,DNS:*.w.example,DNS:B.Example,\
IP:192.0.2.1,IP:2001:db8::1,URI:urn:x,email:j@a.example"
}

setup() {
	cd "$BATS_FILE_TMPDIR/ca" || return
}

# Certificates of one test go to a copy.
own() {
	cp -Rp . "$BATS_TEST_TMPDIR/ca" && cd "$BATS_TEST_TMPDIR/ca" || return
}

# good ARGS...: exit 0, ok, no reasons.
good() {
	run -0 --separate-stderr cert-verify "$@"
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == '{"ok":true,"reasons":[],"subject":"'* ]]
}

# bad REASONS ARGS...: exit 1 for exactly these, in this order.
bad() {
	run -1 --separate-stderr cert-verify "${@:2}"
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == '{"ok":false,"reasons":["'"${1//,/\",\"}"'"],"subject":"'* ]] || {
		echo "expected $1: $output"
		false
	}
}

# refused MESSAGE ARGS...: exit 2, this line, no output.
refused() {
	run -2 --separate-stderr cert-verify "${@:2}"
	[ -z "$output" ]
	[ "$stderr" = "cert-verify: $1" ] || {
		echo "said: $stderr"
		false
	}
}

@test "cert-verify keeps the contract of all commands" {
	run -0 contract cert-verify
}

@test "cert-verify says yes to a good chain for everything asked" {
	good -B root.pem -k a.example.key -n a.example -p server \
	    a.example.chain.pem
	good -B root.pem -n 127.0.0.1 -p client a.example.chain.pem
}

@test "cert-verify shows the leaf as JSON" {
	own
	make_cert . leaf subject=$'/O=F\xe4b "1"/CN=a.example' from=2026-01-01 \
	    to=2026-12-31 \
	    san='DNS:a.example,IP:2001:db8::1,URI:urn:x,email:a@b.example'
	serial=$(openssl x509 -in leaf.pem -noout -serial)
	run -0 cert-verify -B root.pem -T 1780000000 leaf.chain.pem
	[ "$output" = '{"ok":true,"reasons":[],'\
'"subject":"CN=a.example,O=Fäb \\\"1\\\"","issuer":"CN=Test Intermediate",'\
'"serial":"'"${serial#serial=}"'","not_before":"2026-01-01T00:00:00Z",'\
'"not_after":"2026-12-31T00:00:00Z","names":["a.example","2001:db8::1",'\
'"URI:urn:x","email:a@b.example"],"chain":2}' ]
}

@test "cert-verify reads standard input, once" {
	run -0 sh -c 'cert-verify -B root.pem <a.example.chain.pem'
	run -0 sh -c 'cert-verify -B root.pem - <a.example.chain.pem'
	run -0 sh -c 'cert-verify -B - a.example.chain.pem <root.pem'
	run -0 sh -c 'cert-verify -k - a.example.chain.pem <a.example.key'
	for args in '-B -' '-k -' '-B - -' '-B - -k - full.pem'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr cert-verify $args
		[[ $stderr == 'usage: cert-verify '* ]]
	done
}

@test "cert-verify tolerates the root at the end of the chain" {
	good -B root.pem full.pem
	good full.pem
}

@test "cert-verify takes an intermediate as the anchor" {
	good -B int.pem a.example.pem
	good -B int.pem a.example.chain.pem
	good -B int.pem full.pem
}

@test "cert-verify takes any of several anchors" {
	own
	make_cert . other issuer=self ext="$ca"
	cat other.pem root.pem >anchors.pem
	good -B anchors.pem a.example.chain.pem
	bad untrusted -B other.pem a.example.chain.pem
}

@test "cert-verify without -B checks links, key and name all the same" {
	good -k a.example.key -n a.example a.example.chain.pem
	good -k a.example.key -n a.example a.example.pem
	bad name_mismatch -n b.example a.example.chain.pem
	bad key_mismatch -k names.key a.example.chain.pem
	cat a.example.pem root.pem >"$BATS_TEST_TMPDIR/gap.pem"
	bad untrusted,broken_link "$BATS_TEST_TMPDIR/gap.pem"
}

@test "cert-verify says expired and not_yet_valid, by -T" {
	own
	make_cert . leaf from=2026-01-01 to=2026-12-31 san=DNS:a.example
	good -B root.pem -T 1767225600 leaf.chain.pem
	good -B root.pem -T 1798675199 leaf.chain.pem
	bad not_yet_valid -B root.pem -T 1767225599 leaf.chain.pem
	bad expired -B root.pem -T 1798675201 leaf.chain.pem
	bad not_yet_valid -T 0 leaf.chain.pem
	bad expired -T 1798675201 leaf.pem
}

@test "cert-verify without -T uses the clock" {
	own
	make_cert . old from='2 days ago' to='1 day ago'
	bad expired -B root.pem old.chain.pem
	make_cert . new from=tomorrow to='3 days'
	bad not_yet_valid -B root.pem new.chain.pem
}

@test "cert-verify says expired for an intermediate and for the anchor" {
	own
	make_cert . oldint issuer=root subject='/CN=Test Intermediate' \
	    key=int.key ext="$ca" from=2020-01-01 to=2021-01-01
	cat a.example.pem oldint.pem >chain.pem
	bad expired -B root.pem chain.pem
	make_cert . oldroot issuer=self subject='/CN=Test Root' key=root.key \
	    ext="$ca" from=2020-01-01 to=2021-01-01
	bad expired -B oldroot.pem a.example.chain.pem
}

@test "cert-verify says expired for one that the path does without" {
	own
	make_cert . oldroot issuer=self subject='/CN=Old Root' ext="$ca"
	make_cert . cross issuer=oldroot subject='/CN=Test Root' key=root.key \
	    ext="$ca" from=2020-01-01 to=2030-01-01
	cat a.example.chain.pem cross.pem >chain.pem
	good -B root.pem chain.pem
	make_cert . cross issuer=oldroot subject='/CN=Test Root' key=root.key \
	    ext="$ca" from=2020-01-01 to=2021-01-01
	cat a.example.chain.pem cross.pem >chain.pem
	bad expired -B root.pem chain.pem
}

@test "cert-verify says untrusted without a way to an anchor" {
	own
	bad untrusted -B root.pem a.example.pem
	make_cert . root2 issuer=self subject='/CN=Other Root' ext="$ca"
	bad untrusted -B root2.pem a.example.chain.pem
	bad untrusted -B root2.pem full.pem
	make_cert . self issuer=self san=DNS:a.example
	bad untrusted -B root.pem self.pem
	good -B self.pem -n a.example self.pem
	good self.pem
}

@test "cert-verify is not taken in by an anchor of the same name" {
	own
	make_cert . fake issuer=self subject='/CN=Test Root' ext="$ca"
	bad untrusted -B fake.pem a.example.chain.pem
}

@test "cert-verify says broken_link for a wrong order and for surplus" {
	own
	cat int.pem a.example.pem >reversed.pem
	bad broken_link,not_a_ca,name_mismatch -B root.pem -n a.example \
	    reversed.pem
	cat a.example.pem root.pem int.pem >swapped.pem
	bad broken_link -B root.pem swapped.pem
	cat a.example.chain.pem names.pem >surplus.pem
	bad broken_link,not_a_ca -B root.pem surplus.pem
	cat a.example.pem a.example.pem int.pem >twice.pem
	bad broken_link,not_a_ca -B root.pem twice.pem
	make_cert . other issuer=self ext="$ca"
	cat a.example.chain.pem other.pem >foreign.pem
	bad broken_link -B root.pem foreign.pem
}

@test "cert-verify says bad_signature when only the names fit" {
	own
	make_cert . fakeint issuer=root subject='/CN=Test Intermediate' \
	    ext="$ca"
	bad untrusted,broken_link -B root.pem <(cat a.example.pem fakeint.pem)
	# without key identifiers only the signature tells
	openssl x509 -req -in db/a.example.csr -CA int.pem -CAkey int.key \
	    -days 30 -out plain.pem
	cat plain.pem fakeint.pem >chain.pem
	bad bad_signature -B root.pem chain.pem
	bad bad_signature chain.pem
	openssl x509 -in a.example.pem -outform DER -out leaf.der
	size=$(wc -c <leaf.der)
	printf '\001' | dd of=leaf.der bs=1 seek=$((size - 3)) conv=notrunc \
	    2>/dev/null
	openssl x509 -inform DER -in leaf.der -out broken.pem
	cat broken.pem int.pem >chain.pem
	bad bad_signature -B root.pem chain.pem
}

@test "cert-verify says not_a_ca for an issuer that is none" {
	own
	make_cert . no issuer=root ext="$leaf"
	make_cert . leaf issuer=no
	cat leaf.pem no.pem >chain.pem
	bad not_a_ca -B root.pem chain.pem
	bad not_a_ca -B root.pem -p server chain.pem
	make_cert . v1 issuer=root ext='nsComment = x'
	make_cert . leaf2 issuer=v1
	cat leaf2.pem v1.pem >chain.pem
	bad not_a_ca -B root.pem chain.pem
	make_cert . nosign issuer=root ext='basicConstraints = CA:TRUE
keyUsage = critical,cRLSign'
	make_cert . leaf3 issuer=nosign
	cat leaf3.pem nosign.pem >chain.pem
	bad not_a_ca -B root.pem chain.pem
}

@test "cert-verify says not_allowed past a path length or a constraint" {
	own
	make_cert . sub issuer=int ext="$ca"
	make_cert . leaf issuer=sub
	cat leaf.pem sub.pem int.pem >chain.pem
	bad not_allowed -B root.pem chain.pem
	make_cert . nc issuer=root ext="$ca
nameConstraints = critical,permitted;DNS:good.example"
	make_cert . in issuer=nc subject=/O=x san=DNS:a.good.example
	make_cert . out issuer=nc subject=/O=x san=DNS:a.bad.example
	cat in.pem nc.pem >chain.pem
	good -B root.pem chain.pem
	cat out.pem nc.pem >chain.pem
	bad not_allowed -B root.pem chain.pem
}

@test "cert-verify says weak_key for RSA-1024, in leaf and issuer" {
	own
	make_key weak.key rsa1024
	make_cert . weak key=weak.key
	bad weak_key -B root.pem weak.chain.pem
	bad weak_key weak.pem
	make_cert . weakca issuer=root key=weak.key ext="$ca"
	make_cert . leaf issuer=weakca
	cat leaf.pem weakca.pem >chain.pem
	bad weak_key -B root.pem chain.pem
	make_key strong.key rsa2048
	make_cert . strong key=strong.key
	good -B root.pem -k strong.key strong.chain.pem
}

@test "cert-verify says weak_key for a signature with SHA-1" {
	own
	openssl x509 -req -in db/a.example.csr -sha1 -CA int.pem \
	    -CAkey int.key -days 30 -out sha1.pem
	cat sha1.pem int.pem >chain.pem
	bad weak_key -B root.pem chain.pem
}

@test "cert-verify -p says wrong_purpose" {
	own
	make_cert . server ext="$leaf
extendedKeyUsage = serverAuth"
	make_cert . client ext="$leaf
extendedKeyUsage = clientAuth"
	make_cert . both ext="$leaf"
	good -B root.pem -p server server.chain.pem
	bad wrong_purpose -B root.pem -p client server.chain.pem
	good -B root.pem -p client client.chain.pem
	bad wrong_purpose -B root.pem -p server client.chain.pem
	bad wrong_purpose -p server client.pem
	good -B root.pem -p server both.chain.pem
	good -B root.pem -p client both.chain.pem
	for name in server client both; do
		good -B root.pem -p any "$name.chain.pem"
		bad wrong_purpose -B root.pem -p ca "$name.chain.pem"
	done
	good -B root.pem -p ca int.pem
	good -B root.pem -p ca root.pem
	make_cert . narrow issuer=root ext="$ca
extendedKeyUsage = clientAuth"
	make_cert . leaf issuer=narrow
	cat leaf.pem narrow.pem >chain.pem
	good -B root.pem -p client chain.pem
	bad wrong_purpose -B root.pem -p server chain.pem
}

@test "cert-verify -n matches names as RFC 9525 says" {
	for name in a.example A.EXAMPLE b.example x.w.example X.W.example \
	    '*.w.example' 192.0.2.1 2001:db8::1 2001:DB8:0::0:1; do
		good -B root.pem -n "$name" names.chain.pem
	done
	for name in example c.example a.a.example w.example x.y.w.example \
	    '*.a.example' 192.0.2.2 2001:db8::2 ::ffff:192.0.2.1 xa.example \
	    a.example.com j.a.example; do
		bad name_mismatch -B root.pem -n "$name" names.chain.pem
	done
}

@test "cert-verify -n never looks at the common name" {
	own
	make_cert . cn subject=/CN=a.example
	bad name_mismatch -B root.pem -n a.example cn.chain.pem
	make_cert . ip subject=/CN=192.0.2.1 san=URI:urn:x
	bad name_mismatch -B root.pem -n 192.0.2.1 ip.chain.pem
	make_cert . email subject=/CN=a.example san=email:x@a.example
	bad name_mismatch -B root.pem -n a.example email.chain.pem
}

@test "cert-verify -n takes no address for a name and no name for an address" {
	own
	make_cert . dns san=DNS:192.0.2.1
	bad name_mismatch -B root.pem -n 192.0.2.1 dns.chain.pem
}

@test "cert-verify -n is not taken in by a NUL or by half a wildcard" {
	own
	make_cert . nul ext="$leaf
subjectAltName = DER:30:10:82:0e:61:2e:65:78:00:65:76:69:6c:2e:74:65:73:74"
	bad name_mismatch -B root.pem -n a.ex nul.chain.pem
	bad name_mismatch -B root.pem -n a.ex.evil.test nul.chain.pem
	[[ $output == *'"names":["a.ex\u0000evil.test"]'* ]]
	make_cert . part san='DNS:w*.a.example,DNS:x.*.a.example,DNS:*.b'
	for name in www.a.example x.y.a.example a.b w.a.example; do
		bad name_mismatch -B root.pem -n "$name" part.chain.pem
	done
}

@test "cert-verify -n refuses what can be no name" {
	while IFS='|' read -r name why; do
		refused "name $name: $why" -n "$name" full.pem
	done <<-'END'
	|an empty label
	.a.example|an empty label
	a.example.|a DNS name here has no dot at its end
	a_b.example|a label may have letters, digits and hyphens only
	ä.example|not ASCII: write it as an A-label (xn--...)
	192.0.2|the last label is a number
	https://a.example|a label may have letters, digits and hyphens only
	END
}

@test "cert-verify -k wants the private key, of any kind, kept private" {
	own
	make_key other.key
	bad key_mismatch -B root.pem -k other.key a.example.chain.pem
	for type in ed25519 p384 rsa2048; do
		make_key "$type.key" "$type"
		make_cert . "$type" key="$type.key"
		good -B root.pem -k "$type.key" "$type.chain.pem"
		bad key_mismatch -B root.pem -k "$type.key" a.example.chain.pem
	done
	chmod 0644 other.key
	refused 'other.key: mode 0644: a private key must not be open to others'\
' or writable by its group; chmod 0600 or 0640' -k other.key full.pem
	openssl pkey -in other.key -pubout -out pub.key
	refused 'pub.key: mode 0644: a private key must not be open to others'\
' or writable by its group; chmod 0600 or 0640' -k pub.key full.pem
	chmod 0600 pub.key
	refused 'pub.key: no private key in PEM form found' -k pub.key full.pem
}

@test "cert-verify says invalid for a critical extension it does not know" {
	own
	make_cert . crit ext="$leaf
1.2.3.4 = critical,ASN1:UTF8String:x"
	bad invalid -B root.pem crit.chain.pem
}

@test "cert-verify names all reasons, not only the first" {
	own
	make_cert . client ext="$leaf
extendedKeyUsage = clientAuth" from=2020-01-01 to=2021-01-01
	make_cert . root2 issuer=self subject='/CN=Other Root' ext="$ca"
	bad expired,untrusted,wrong_purpose,name_mismatch,key_mismatch \
	    -B root2.pem -n a.example -k a.example.key -p server \
	    client.chain.pem
}

@test "cert-verify wants nothing but certificates in a chain" {
	own
	cat a.example.key a.example.chain.pem >keychain.pem
	refused 'keychain.pem: a block "PRIVATE KEY" where only certificates are allowed' \
	    keychain.pem
	cat a.example.chain.pem a.example.key >keychain.pem
	refused 'keychain.pem: a block "PRIVATE KEY" where only certificates are allowed' \
	    keychain.pem
	refused 'root.key: no certificate in PEM form found' -B root.key full.pem
	{
		echo 'text between'
		cat a.example.pem
		echo 'and more'
		cat int.pem
	} >text.pem
	good -B root.pem text.pem
}

@test "cert-verify refuses broken PEM and broken certificates" {
	own
	head -c 400 a.example.pem >half.pem
	refused 'half.pem: bad end line' half.pem
	head -c -60 a.example.chain.pem >half.pem
	run -2 --separate-stderr cert-verify half.pem
	[ -z "$output" ]
	[[ $stderr == 'cert-verify: half.pem: '* ]]
	{
		echo '-----BEGIN CERTIFICATE-----'
		head -c 300 /dev/zero | base64
		echo '-----END CERTIFICATE-----'
	} >zero.pem
	run -2 --separate-stderr cert-verify zero.pem
	[[ $stderr == 'cert-verify: zero.pem: '* ]]
	run -2 --separate-stderr cert-verify -B zero.pem full.pem
	[[ $stderr == 'cert-verify: zero.pem: '* ]]
}

@test "cert-verify refuses purposes and times it does not know" {
	refused '-p tls: none of server, client, ca, any' -p tls full.pem
	for t in -1 x '' 1.5 253402300800; do
		refused "-T $t: not a whole number between 0 and 253402300799" \
		    -T "$t" full.pem
	done
}
