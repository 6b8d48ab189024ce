# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # tmp, dir, top: of demo
# est: devices get their certificates by EST from est-ra, which stands in front
# of step-ca: the first by a token, the next by the present one. A wrong token,
# a spent one and a revoked certificate are refused.

est=https://localhost:4222
est_life=1h

# refused CODE COMMAND-LINE: show it; it has to end with that code.
refused() {
	printf '$ %s\n' "$2"
	rc=0
	eval "$2" || rc=$?
	[ "$rc" -eq "$1" ] || broken "$2"
	printf '# exit %s, as it should be\n' "$rc"
}

est_answers() {
	curl -sf --cacert ca/certs/root_ca.crt \
	    "$est/.well-known/est/cacerts"
}

crl_published() {
	curl -sf http://127.0.0.1:4211/health
}

serial_of() {
	cert-expiry "$1" | sed -n '1s/.*"serial":"\([^"]*\)".*/\1/p'
}

est_prepare() {
	need step-ca lighttpd curl openssl jq
	port_free 4210 step-ca
	port_free 4211 'the revocation list'
	port_free 4222 est-ra
	new_dir
}

est_ca() {
	say "A CA. Certificates live for $est_life."
	run "ca-init -L $est_life -d ca >ca.json"
	start step-ca.log 'sh -c "cd ca && exec step-ca --insecure \
    --acme-http-port 4212 --password-file secrets/password config/ca.json"'
	wait_for 'step-ca, see step-ca.log' 20 healthy
	run 'cat ca/certs/intermediate_ca.crt ca/certs/root_ca.crt >cas.pem'
	say 'Its revocation list, checked and published at port 4211.'
	run 'mkdir www && crl-agent -1 -u https://localhost:4210/1.0/crl \
    -A ca/certs/root_ca.crt -B cas.pem -w www'
	run "cp '$top/etc/lighttpd/crl.conf' crl.conf"
	start crl.log 'lighttpd -D -f crl.conf'
	wait_for 'lighttpd, see crl.log' 10 crl_published
}

est_server() {
	say 'A certificate for the EST server, by a one-time token of step-ca.'
	run 'mkkey -o est.key && mkcsr -k est.key -d localhost >est.csr'
	run 'step-ott -u https://localhost:4210 -k ca/secrets/jwk.key -P jwk \
    est.csr | step-sign -u https://localhost:4210 -A ca/certs/root_ca.crt \
    -U - est.csr >est.pem'
	say 'Who may enroll, and for what: est-ra has a file for each label.'
	run 'mkdir -p conf state tokens run'
	run "cat >conf/default.conf <<EOF
CA_URL=https://localhost:4210
CA_ROOT=$dir/ca/certs/root_ca.crt
CACERTS=$dir/cas.pem
PROVISIONER=jwk
PROVISIONER_KEY=$dir/ca/secrets/jwk.key
STATE_DIR=$dir/state
ENROLL=token
TOKEN_DIR=$dir/tokens
CRL=$dir/www/crl/ca.crl
DNS_NAMES=.devices.example
SUBJECT=O
EOF"
	run 'est-ra -t conf'
	run "cat >est.conf <<EOF
var.est_bind = \"127.0.0.1\"
var.est_port = 4222
var.est_ra   = \"$top/bin/est-ra\"
var.est_conf = \"$dir/conf\"
var.est_cert = \"$dir/est.pem\"
var.est_key  = \"$dir/est.key\"
var.est_cas  = \"$dir/cas.pem\"
var.est_run  = \"$dir/run\"
var.est_log  = \"$dir/est-ra.json\"
include \"$top/etc/lighttpd/est.conf\"
EOF"
	start est.log 'lighttpd -D -f est.conf'
	wait_for 'lighttpd, see est.log' 10 est_answers
}

est_first() {
	say 'The device knows the fingerprint of the root, and nothing else.'
	# shellcheck disable=SC2016 # as it is pasted
	run 'fp=$(openssl x509 -in ca/certs/root_ca.crt -outform DER |
    sha256sum | cut -c 1-64)'
	# shellcheck disable=SC2016
	run "est-cacerts -u $est -F \"\$fp\" >device-cas.pem"
	say 'A token for one enrollment, shown once.'
	run 'est-token -d tokens add -1 dev1.devices.example >token.txt'
	run 'chmod 600 token.txt && est-token -d tokens list'
	say 'A key, a request, a certificate. The key never leaves the device.'
	run 'mkkey -o dev1.key'
	run "mkcsr -k dev1.key -N CN=dev1.devices.example \\
    -d dev1.devices.example |
    est-enroll -u $est -A device-cas.pem -B device-cas.pem \\
    -U token.txt >dev1.pem"
	run 'cert-verify -B device-cas.pem -k dev1.key \
    -n dev1.devices.example -p client dev1.pem'
	before=$(serial_of dev1.pem)
}

est_renew() {
	say 'Renewal: a fresh key, the same names, the present certificate.'
	run 'mkkey -o new.key'
	run "mkcsr -k new.key -x dev1.pem |
    est-enroll -r -u $est -A device-cas.pem -B device-cas.pem \\
    -c dev1.pem -k dev1.key >new.pem"
	run 'cert-verify -B device-cas.pem -k new.key -p client new.pem'
	after=$(serial_of new.pem)
}

est_refusals() {
	say 'The token is spent; another one is wrong.'
	refused 2 "mkcsr -k dev1.key -x dev1.pem |
    est-enroll -u $est -A device-cas.pem -U token.txt"
	run 'umask 077 && echo 00000-00000-00000-00000-00000-00000-00000 >wrong.txt'
	refused 2 "mkcsr -k dev1.key -x dev1.pem |
    est-enroll -u $est -A device-cas.pem -U wrong.txt"
	say 'The certificate is revoked, the list is published again at once.'
	run 'step-revoke -u https://localhost:4210 -A ca/certs/root_ca.crt \
    -c new.pem -k new.key -G superseded'
	run 'crl-agent -1 -u https://localhost:4210/1.0/crl \
    -A ca/certs/root_ca.crt -B cas.pem -w www'
	run 'crl-fetch -u http://localhost:4211/crl/ca.crl -B cas.pem -C ca.crl'
	refused 1 'crl-check -B cas.pem -R ca.crl new.pem'
	run 'mkkey -o third.key'
	refused 2 "mkcsr -k third.key -x new.pem |
    est-enroll -r -u $est -A device-cas.pem -c new.pem -k new.key"
}

est() {
	est_prepare
	est_ca
	est_server
	est_first
	est_renew
	est_refusals
	say 'What est-ra says of each request'
	run "jq -r '[.time, .event, .reason // \"-\", .who // \"-\"] | @tsv' \\
    est-ra.json"
	say 'Outcome'
	printf 'serial first    %s\nserial renewed  %s\n' "$before" "$after"
	[ "$before" != "$after" ] || broken 'renewal: the serial is the same'
	why=$(jq -r 'select(.decision == "refused") | .reason' est-ra.json |
	    sort -u | paste -sd ' ' -)
	printf 'refused         %s\n' "$why"
}

est_keep() {
	cat <<-END
	est-token -d tokens add -1 >token.txt
	mkkey -o k.pem && mkcsr -k k.pem -d any.devices.example |
	    est-enroll -u $est -A device-cas.pem -U token.txt
	curl --cacert cas.pem $est/.well-known/est/cacerts
	tail -f est-ra.json
	END
}
