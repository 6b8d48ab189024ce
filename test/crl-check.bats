#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# R1 to R16 are the rules of RFC 5280 that a list and its use must keep.

load helper

# The lists are of this time, and so are the questions.
now=1800000000		# 2027-01-15 08:00:00 UTC

setup_file() {
	cp -R "$CA" "$BATS_FILE_TMPDIR/ca" || return
	cd "$BATS_FILE_TMPDIR/ca" || return
	local from='2026-12-01' to='2028-01-01'
	local leaf='basicConstraints = critical,CA:FALSE
'
	make_cert . a from="$from" to="$to"
	make_cert . b from="$from" to="$to"
	make_cert . url from="$from" to="$to" \
	    ext="${leaf}crlDistributionPoints = URI:http://ca.example/ca.crl"
	make_cert . past from=2026-01-01 to=2027-01-01
	make_cert . mute issuer=root subject=/CN=mute from="$from" to="$to" \
	    ext='basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign'
	make_cert . under issuer=mute from="$from" to="$to"
	# another CA of the same name, below a root of its own
	make_ca twin
	make_cert twin c from="$from" to="$to"
	list good.crl
	list revoked.crl "$(serial a),keyCompromise"
	list url.crl ext='issuingDistributionPoint = critical,@idp
[idp]
fullname = URI:http://ca.example/ca.crl'
}

setup() {
	cd "$BATS_FILE_TMPDIR/ca" || return
}

serial() {
	local s
	s=$(openssl x509 -in "$1.pem" -noout -serial)
	echo "${s#*=}"
}

# list FILE [issuer=NAME] [from=TIME] [to=TIME] [number=HEX] [ext=LINES] [v1=1]
#     [SERIAL[,REASON]...]: a revocation list in DER, made by openssl ca.
list() {
	local file=$1 issuer=int from='2027-01-15 07:00' to='2027-01-16'
	local number=10 ext='' v1='' word d
	d=$(mktemp -d "$BATS_FILE_TMPDIR/list.XXXXXX")
	: >"$d/index"
	for word in "${@:2}"; do
		case $word in
		*=*) local "$word" ;;
		*,*) printf 'R\t280101000000Z\t270115060000Z,%s\t%s\tunknown\t/CN=x\n' \
			"${word#*,}" "${word%%,*}" ;;
		*) printf 'R\t280101000000Z\t270115060000Z\t%s\tunknown\t/CN=x\n' \
			"$word" ;;
		esac
	done >"$d/index"
	echo "$number" >"$d/number"
	{
		printf '[ca]\ndefault_ca = db\n[db]\ndatabase = %s/index\n' "$d"
		printf 'default_md = sha256\n'
		[ "$v1" ] || printf 'crlnumber = %s/number\n' "$d"
		[ "$v1" ] || printf 'crl_extensions = ext\n[ext]\n'
		[ "$v1" ] || printf 'authorityKeyIdentifier = keyid\n%s\n' "$ext"
	} >"$d/cnf"
	openssl ca -gencrl -config "$d/cnf" -keyfile "$issuer.key" \
	    -cert "$issuer.pem" -out "$d/pem" \
	    -crl_lastupdate "$(date -u -d "$from" +%Y%m%d%H%M%SZ)" \
	    -crl_nextupdate "$(date -u -d "$to" +%Y%m%d%H%M%SZ)" 2>"$d/err" || {
		cat "$d/err" >&2
		return 1
	}
	openssl crl -in "$d/pem" -outform DER -out "$file"
}

# says CODE STATUS REASON ARGS...: the answer for one certificate; REASON is a
# word, or null.
says() {
	run "-$1" --separate-stderr crl-check -T "$now" -B root.pem "${@:4}"
	[ "${#lines[@]}" -eq 1 ]
	[ "$(jq -r '"\(.status) \(.reason)"' <<<"$output")" = "$2 $3" ] || {
		echo "expected $2 $3: $output"
		false
	}
}

# first CODE STATUS REASON ARGS...: the same for the first of several.
first() {
	run "-$1" --separate-stderr crl-check -T "$now" -B root.pem "${@:4}"
	[ "${#lines[@]}" -gt 1 ]
	[ "$(jq -r '"\(.status) \(.reason)"' <<<"${lines[0]}")" = "$2 $3" ] || {
		echo "expected $2 $3: $output"
		false
	}
}

# patched FILE HEX HEX: FILE as $BATS_TEST_TMPDIR/crl with other bytes, once.
patched() {
	od -An -v -tx1 "$1" | tr -d ' \n' | sed "s/$2/$3/" |
	    sed 's/../\\x&/g' >"$BATS_TEST_TMPDIR/hex"
	printf %b "$(<"$BATS_TEST_TMPDIR/hex")" >"$BATS_TEST_TMPDIR/crl"
	[ "$(cksum <"$1")" != "$(cksum <"$BATS_TEST_TMPDIR/crl")" ]
}

# key_id NAME: the identifier of its key, in hex.
key_id() {
	openssl x509 -in "$1.pem" -noout -ext subjectKeyIdentifier |
	    sed -n 's/[ :]//g;2p' | tr A-F a-f
}

field() { jq -r ".$1" <<<"$output"; }

@test "crl-check keeps the contract of all commands" {
	run -0 contract crl-check
}

@test "crl-check: good, with all it knows" {
	says 0 good null -R good.crl a.chain.pem
	[ -z "$stderr" ]
	[ "$(jq -r keys_unsorted[] <<<"$output" | xargs)" = 'subject issuer'\
' serial status reason revoked_at temporary soft_fail note crl_number'\
' this_update next_update' ]
	[ "$(field subject)" = CN=a ]
	[ "$(field issuer)" = 'CN=Test Intermediate' ]
	[ "$(field serial)" = "$(serial a)" ]
	[ "$(field note)" = null ]
	[ "$(field crl_number)" = 16 ]
	[ "$(field this_update)" = 2027-01-15T07:00:00Z ]
	[ "$(field next_update)" = 2027-01-16T00:00:00Z ]
}

@test "crl-check: revoked, why and when; not its neighbour" {
	says 1 revoked keyCompromise -R revoked.crl a.chain.pem
	[ -z "$stderr" ]
	[ "$(field revoked_at)" = 2027-01-15T06:00:00Z ]
	says 0 good null -R revoked.crl b.chain.pem
	[ "$(field revoked_at)" = null ]
}

@test "crl-check: a list in PEM, and on stdin" {
	openssl crl -inform DER -in revoked.crl -out "$BATS_TEST_TMPDIR/pem"
	says 1 revoked keyCompromise -R "$BATS_TEST_TMPDIR/pem" a.chain.pem
	says 1 revoked keyCompromise -R - a.chain.pem <revoked.crl
	# two blocks are two lists: which one counts?
	cat "$BATS_TEST_TMPDIR/pem" "$BATS_TEST_TMPDIR/pem" \
	    >"$BATS_TEST_TMPDIR/two"
	says 2 unknown broken -R "$BATS_TEST_TMPDIR/two" a.chain.pem
	assert_stderr_line \
	    "crl-check: $BATS_TEST_TMPDIR/two: more than one PEM block"
}

@test "crl-check: many certificates, a line each, the worst decides" {
	cat a.pem b.pem int.pem past.pem url.pem >"$BATS_TEST_TMPDIR/all"
	run -1 --separate-stderr crl-check -T "$now" -B root.pem \
	    -R revoked.crl "$BATS_TEST_TMPDIR/all"
	[ "$(jq -r '"\(.subject) \(.status)"' <<<"$output" | xargs)" = \
	    'CN=a revoked CN=b good CN=past unknown CN=url good' ]
	# 2 is worse than 75, and 1 is worse than both
	cat b.pem past.pem int.pem >"$BATS_TEST_TMPDIR/two"
	run -2 --separate-stderr crl-check -T "$now" -B root.pem \
	    -R revoked.crl "$BATS_TEST_TMPDIR/two"
	list old.crl to='2027-01-15 07:59' "$(serial a)"
	run -75 --separate-stderr crl-check -T "$now" -B root.pem -R old.crl \
	    b.chain.pem
	run -1 --separate-stderr crl-check -T "$now" -B root.pem -R old.crl \
	    "$BATS_TEST_TMPDIR/all"
}

@test "crl-check: a CA that every chain repeats is nobody's leaf" {
	local part=$BATS_TEST_TMPDIR/part
	cat a.chain.pem b.chain.pem past.pem root.pem >"$part"
	cat "$part" "$part" >"$BATS_TEST_TMPDIR/all"
	run -1 --separate-stderr crl-check -T "$now" -B root.pem \
	    -R revoked.crl "$BATS_TEST_TMPDIR/all"
	[ "$(jq -r '"\(.subject) \(.status)"' <<<"$output" | xargs)" = \
	    'CN=a revoked CN=b good CN=past unknown'\
' CN=a revoked CN=b good CN=past unknown' ]
}

@test "crl-check: a CA is left out only for what it has signed" {
	local ca='basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign'
	list ca.crl issuer=root "$(serial int),keyCompromise"
	# under the name of int, but not by it; as if it had certified mute
	make_cert . sham issuer=self subject='/CN=Test Intermediate' \
	    from=2026-12-01 to=2028-01-01 ext="$ca"
	make_cert . junk issuer=sham subject='/CN=Test Root' from=2026-12-01 \
	    to=2028-01-01 ext="$ca"
	cat int.pem junk.pem mute.pem >"$BATS_TEST_TMPDIR/in"
	run -1 --separate-stderr crl-check -T "$now" -B root.pem -R ca.crl \
	    "$BATS_TEST_TMPDIR/in"
	[ "$(jq -r 'select(.subject == "CN=Test Intermediate").status' \
	    <<<"$output")" = revoked ]
	# what it has signed is judged in its stead
	says 0 good null -R good.crl -R ca.crl a.chain.pem
}

@test "crl-check: a certificate in a block of another sort is not passed by" {
	openssl x509 -in a.pem -trustout -out "$BATS_TEST_TMPDIR/in"
	grep -q '^-----BEGIN TRUSTED CERT' "$BATS_TEST_TMPDIR/in"
	cat int.pem >>"$BATS_TEST_TMPDIR/in"
	list ca.crl issuer=root
	run -2 --separate-stderr crl-check -T "$now" -B root.pem \
	    -R revoked.crl -R ca.crl "$BATS_TEST_TMPDIR/in"
	[ -z "$output" ]
	assert_stderr_line "crl-check: $BATS_TEST_TMPDIR/in: a block \"TRUSTED"\
' CERTIFICATE", which is not read here; openssl x509 makes it plain'
}

@test "crl-check: several lists, each for its own" {
	list mute.crl issuer=root "$(serial mute)"
	cat a.pem int.pem mute.pem >"$BATS_TEST_TMPDIR/all"
	run -1 --separate-stderr crl-check -T "$now" -B root.pem -R good.crl \
	    -R mute.crl "$BATS_TEST_TMPDIR/all"
	[ "$(jq -r '"\(.subject) \(.status)"' <<<"$output" | xargs)" = \
	    'CN=a good CN=mute revoked' ]
}

@test "crl-check: the intermediate among the anchors will do" {
	cat root.pem int.pem >"$BATS_TEST_TMPDIR/cas"
	for cas in "$BATS_TEST_TMPDIR/cas" int.pem; do
		run -0 crl-check -T "$now" -B "$cas" -R good.crl a.pem
		run -1 crl-check -T "$now" -B "$cas" -R revoked.crl a.pem
	done
}

@test "crl-check: -S lets what is unknown pass, and says so" {
	says 0 unknown missing -S -R none.crl a.chain.pem
	[ "$(field soft_fail)" = true ]
	[ "$stderr" = 'crl-check: a.chain.pem: certificate 1: unknown'\
' (missing), counted as good' ]
	says 0 unknown other_issuer -S -R good.crl under.pem
	# but not what is revoked, and not an error
	says 1 revoked keyCompromise -S -R revoked.crl a.chain.pem
	[ "$(field soft_fail)" = false ]
	run -2 --separate-stderr crl-check -S -B root.pem -R good.crl root.key
	[ -z "$output" ]
}

@test "crl-check: a certificate that has expired may have been dropped" {
	cat past.pem int.pem >"$BATS_TEST_TMPDIR/past"
	says 2 unknown expired -R good.crl "$BATS_TEST_TMPDIR/past"
	list gone.crl "$(serial past),superseded"
	says 1 revoked superseded -R gone.crl "$BATS_TEST_TMPDIR/past"
}

@test "crl-check: R1 version 1 has no extensions, the signature one algorithm" {
	list v1.crl v1=1 "$(serial a)"
	openssl crl -inform DER -in v1.crl -noout -text | grep -q 'Version 1'
	says 1 revoked unspecified -R v1.crl a.chain.pem
	[ "$(field crl_number)" = null ]
	says 0 good null -R v1.crl b.chain.pem
	# the first ecdsa-with-SHA256 becomes SHA384, the second stays
	patched good.crl 2a8648ce3d040302 2a8648ce3d040303
	says 2 unknown broken -R "$BATS_TEST_TMPDIR/crl" a.chain.pem
	assert_stderr_line "crl-check: $BATS_TEST_TMPDIR/crl: two different"\
' signature algorithms'
}

@test "crl-check: R2 a list of another issuer says nothing" {
	list root.crl issuer=root "$(serial a)"
	says 2 unknown other_issuer -R root.crl a.chain.pem
	[ "$(field crl_number)" = null ]
}

@test "crl-check: R3 the signer must lead to the same anchor" {
	list twin.crl issuer=twin/int "$(serial a)"
	# of the same name, but nobody here knows that key
	says 2 unknown no_signer -R twin.crl a.chain.pem
	# known, but below a root that is not trusted
	cat a.chain.pem twin/int.pem >"$BATS_TEST_TMPDIR/in"
	first 2 unknown untrusted -R twin.crl "$BATS_TEST_TMPDIR/in"
	# below one that is trusted, but another one
	cat root.pem twin/root.pem >"$BATS_TEST_TMPDIR/cas"
	first 2 unknown other_anchor -R twin.crl -B "$BATS_TEST_TMPDIR/cas" \
	    "$BATS_TEST_TMPDIR/in"
}

@test "crl-check: R3 a CA of the same name elsewhere is somebody else" {
	local in=$BATS_TEST_TMPDIR/in ca='basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign'
	make_cert . evil issuer=root from=2026-12-01 to=2028-01-01 ext="$ca"
	make_cert . fake issuer=evil subject='/CN=Test Intermediate' \
	    from=2026-12-01 to=2028-01-01 ext="$ca"
	list fake.crl issuer=fake
	cat a.chain.pem fake.pem evil.pem >"$in"
	first 2 unknown other_issuer -R fake.crl "$in"
	first 1 revoked keyCompromise -R fake.crl -R revoked.crl "$in"
	# another key of the same CA, for lists alone, says as much as the first
	make_cert . lists issuer=root subject='/CN=Test Intermediate' \
	    from=2026-12-01 to=2028-01-01 ext='keyUsage = critical,cRLSign'
	list lists.crl issuer=lists
	list ca.crl issuer=root
	cat a.chain.pem lists.pem >"$in"
	first 0 good null -R lists.crl -R ca.crl "$in"
	# so does one that it has certified itself
	make_cert . lists issuer=int subject='/CN=Test Intermediate' \
	    from=2026-12-01 to=2028-01-01 ext='keyUsage = critical,cRLSign'
	list lists.crl issuer=lists
	cat a.chain.pem lists.pem >"$in"
	first 0 good null -R lists.crl "$in"
}

@test "crl-check: R3 who may not sign lists is not believed" {
	list mute.crl issuer=mute
	cat under.pem mute.pem >"$BATS_TEST_TMPDIR/in"
	says 2 unknown no_crl_sign -R mute.crl "$BATS_TEST_TMPDIR/in"
}

@test "crl-check: R4 the key identifier says which key signed" {
	list plain.crl issuer=int ext='subjectAltName = DNS:ignored.example'
	says 0 good null -R plain.crl a.chain.pem
	# the identifier of the twin, the signature of int
	patched good.crl "$(key_id int)" "$(key_id twin/int)"
	says 2 unknown no_signer -R "$BATS_TEST_TMPDIR/crl" a.chain.pem
	# and when int is an anchor
	cat root.pem int.pem >"$BATS_TEST_TMPDIR/cas"
	says 2 unknown no_signer -B "$BATS_TEST_TMPDIR/cas" \
	    -R "$BATS_TEST_TMPDIR/crl" a.pem
}

@test "crl-check: R5 a signature that does not fit" {
	patched revoked.crl 551d14040302011 551d14040302012
	says 2 unknown bad_signature -R "$BATS_TEST_TMPDIR/crl" a.chain.pem
}

@test "crl-check: R6 missing, stale, to come: try later" {
	says 75 unknown missing -R none.crl a.chain.pem
	[ "$(field temporary)" = true ]
	[ "$(field next_update)" = null ]
	says 75 unknown stale -T 1800057600 -R good.crl a.chain.pem
	says 0 good null -T 1800057599 -R good.crl a.chain.pem
	says 75 unknown not_yet_valid -T 1799996339 -R good.crl a.chain.pem
	# a clock that is a minute behind
	says 0 good null -T 1799996340 -R good.crl a.chain.pem
	# stale, but what is on it stays revoked
	says 1 revoked keyCompromise -T 1800057600 -R revoked.crl a.chain.pem
}

@test "crl-check: R6 -M bounds the age, in hours" {
	says 0 good null -M 1 -R good.crl a.chain.pem
	says 75 unknown stale -M 0.9 -R good.crl a.chain.pem
	says 0 good null -M 168 -R good.crl a.chain.pem
	for hours in 0 0.09 168.1 -1 1h '' . 1e1; do
		run -2 --separate-stderr crl-check -M "$hours" -B root.pem \
		    -R good.crl a.chain.pem
		[ "$stderr" = "crl-check: -M $hours: not a number of hours"\
' from 0.1 to 168' ]
	done
}

@test "crl-check: R7 a critical extension that is unknown" {
	list ext.crl ext='1.2.3.4 = critical,ASN1:NULL'
	says 2 unknown unknown_critical_extension -R ext.crl a.chain.pem
	list ext.crl ext='1.2.3.4 = ASN1:NULL'
	says 0 good null -R ext.crl a.chain.pem
}

@test "crl-check: R8 which certificates and reasons a list is for" {
	list idp.crl ext='issuingDistributionPoint = critical,@idp
[idp]
onlyuser = TRUE'
	says 0 good null -R idp.crl a.chain.pem
	for only in CA AA; do
		list idp.crl ext="issuingDistributionPoint = critical,@idp
[idp]
only$only = TRUE" "$(serial a)"
		says 2 unknown out_of_scope -R idp.crl a.chain.pem
	done
	list idp.crl "$(serial a),superseded" \
	    ext='issuingDistributionPoint = critical,@idp
[idp]
onlysomereasons = superseded'
	says 1 revoked superseded -R idp.crl a.chain.pem
	says 2 unknown some_reasons -R idp.crl b.chain.pem
	# a CA, by a list for CAs only
	list idp.crl issuer=root ext='issuingDistributionPoint = critical,@idp
[idp]
onlyCA = TRUE'
	says 0 good null -R idp.crl int.pem
}

@test "crl-check: R8 the distribution point of list and certificate" {
	says 0 good null -R url.crl url.chain.pem
	[ "$(field note)" = null ]
	list idp.crl ext='issuingDistributionPoint = critical,@idp
[idp]
fullname = URI:https://ca.example/ca.crl'
	says 2 unknown idp_mismatch -R idp.crl url.chain.pem
	# one that has none is for all
	says 0 good null -R good.crl url.chain.pem
}

@test "crl-check: R9 a certificate that names no distribution point" {
	says 0 good null -R url.crl a.chain.pem
	[ "$(field note)" = no_distribution_point ]
	list idp.crl ext='issuingDistributionPoint = critical,@idp
[idp]
fullname = dirName:dn
[dn]
CN = Test Intermediate'
	says 0 good null -R idp.crl a.chain.pem
	[ "$(field note)" = null ]
	list idp.crl ext='issuingDistributionPoint = critical,@idp
[idp]
fullname = dirName:dn
[dn]
CN = Other'
	says 2 unknown idp_mismatch -R idp.crl a.chain.pem
}

@test "crl-check: R10 a number of 20 octets, and no more" {
	list long.crl number=7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF
	says 0 good null -R long.crl a.chain.pem
	[ "$(field crl_number)" = \
	    730750818665451459101842416358141509827966271487 ]
	list long.crl number=01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF
	says 2 unknown broken -R long.crl a.chain.pem
}

@test "crl-check: R11 a delta list is no complete one" {
	list delta.crl ext='2.5.29.27 = critical,ASN1:INTEGER:15' \
	    "$(serial a),keyCompromise"
	says 2 unknown delta -R delta.crl b.chain.pem
	says 2 unknown delta -R good.crl -R delta.crl b.chain.pem
	says 1 revoked keyCompromise -R good.crl -R delta.crl a.chain.pem
}

@test "crl-check: R12 every reason, and a hold is revoked" {
	for reason in unspecified keyCompromise CACompromise \
	    affiliationChanged superseded cessationOfOperation \
	    certificateHold; do
		list reason.crl "$(serial a),$reason"
		says 1 revoked "${reason/#CA/cA}" -R reason.crl a.chain.pem
	done
	list reason.crl "$(serial a)"
	says 1 revoked unspecified -R reason.crl a.chain.pem
	# off hold
	list reason.crl "$(serial a),removeFromCRL"
	says 0 good null -R reason.crl a.chain.pem
}

@test "crl-check: R13 numbers are compared as numbers" {
	a=$(serial a)
	list near.crl "${a}00" "01$a" "${a%??}" "${a#??}" "-$a"
	says 0 good null -R near.crl a.chain.pem
	list near.crl "00$a"
	says 1 revoked unspecified -R near.crl a.chain.pem
}

@test "crl-check: R14 an empty list revokes nobody" {
	openssl crl -inform DER -in good.crl -noout -text |
	    grep -q 'No Revoked Certificates'
	says 0 good null -R good.crl a.chain.pem
}

@test "crl-check: R15 times from 2050 on" {
	list late.crl to=2051-01-01
	says 0 good null -R late.crl a.chain.pem
	[ "$(field next_update)" = 2051-01-01T00:00:00Z ]
}

@test "crl-check: R16 what is not understood makes nobody good" {
	list indirect.crl ext='issuingDistributionPoint = critical,@idp
[idp]
indirectCRL = TRUE'
	says 2 unknown indirect -R indirect.crl a.chain.pem
	for bytes in 0 1 100 200 $(($(wc -c <good.crl) - 1)); do
		head -c "$bytes" good.crl >"$BATS_TEST_TMPDIR/crl"
		says 2 unknown broken -R "$BATS_TEST_TMPDIR/crl" a.chain.pem
	done
	cat good.crl good.crl >"$BATS_TEST_TMPDIR/crl"
	says 2 unknown broken -R "$BATS_TEST_TMPDIR/crl" a.chain.pem
	assert_stderr_line "crl-check: $BATS_TEST_TMPDIR/crl: bytes after the"\
' end of the CRL'
	says 2 unknown unreadable -R . a.chain.pem
	truncate -s 67108865 "$BATS_TEST_TMPDIR/crl"
	says 2 unknown unreadable -R "$BATS_TEST_TMPDIR/crl" a.chain.pem
	says 2 unknown broken -R root.pem a.chain.pem
}
