#!/bin/sh
# SPDX-License-Identifier: MIT
# The plugin redis keeps the contract of migrate-plugin(3), whatever it is told to do
# and however it reaches the server; an option that cannot be is refused with its place.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/redis.sh"
redis_needed
redis_up || { echo 'Bail out! the server does not start'; exit 99; }

keeps_the_contract() { # LINE...
	printf '%s\n' "$@" >battery.yml
	exits_with 0 migrate-plugin check redis battery.yml ||
		{ last_stdout | grep -A1 '^not ok'; return 1; }
	[ "$(last_stdout | grep -c '^ok')" -ge 2 ]
}

refused() { # MESSAGE LINE...
	t_message=$1
	shift
	printf '%s\n' "$@" >wrong.yml
	exits_with 2 migrate-plugin check redis wrong.yml && last_stderr_has "$t_message"
}

url="url: \${redis_url}"

check 'keys that are removed' keeps_the_contract "$url" \
	'invalidate: ["avatar:{row.id}", "path:{old}", "{new}{{}}{old_value}", "{new_value}", fixed]'
check 'channels that are told' keeps_the_contract "$url" \
	'publish: {"avatars": "{row.id} {old} {new}", "{old}": "{old_value}"}'
check 'values that are rewritten' keeps_the_contract "$url" \
	'rewrite: ["path:{old}", "avatar:{row.id} url", "{new_value} {old}"]'
check 'all of it, over a socket and in another database' keeps_the_contract \
	"socket: '$REDIS_SOCKET'" 'database: 3' 'invalidate: ["{old}"]' 'publish: {c: "{new}"}' \
	'rewrite: ["{old}"]'
check 'nothing was made by that' redis_says 0 dbsize

# ---- What is wrong is said before anything is opened ----------------------------------------

check 'nothing to do' refused 'invalidate: is missing' "$url"
check 'no server' refused 'url: is missing: give url or socket' 'invalidate: [a]'
check 'two servers' refused 'url: and socket exclude each other' "$url" 'socket: s' 'invalidate: [a]'
check 'a placeholder that is none' refused \
	"wrong.yml:2:19: invalidate: 'b{rowid}': only {row.COLUMN}, {old}" "$url" \
	'invalidate: ["a", "b{rowid}"]'
check 'a brace that is not closed' refused 'wrong.yml:2:14: invalidate:' "$url" 'invalidate: ["b{old"]'
check 'one that is not opened' refused "'}' without '{'" "$url" 'invalidate: ["b}"]'
check 'an empty template' refused "wrong.yml:3:3: invalidate: '': is empty" "$url" 'invalidate:' '- ""'
check 'in a field of a hash' refused 'wrong.yml:2:11: rewrite:' "$url" 'rewrite: ["a {b}"]'
check 'in a message' refused 'publish:' "$url" 'publish: {a: "{b}"}'
check 'another scheme' refused 'begins neither with redis:// nor with rediss://' \
	'url: http://h' 'invalidate: [a]'
check 'a database that is no number' refused 'the number of a database' 'url: redis://h/a' \
	'invalidate: [a]'
check 'two databases' refused 'database: is another one' 'url: redis://h/2' 'database: 3' \
	'invalidate: [a]'
check 'a user without a password' refused 'names a user without a password' 'url: redis://u@h' \
	'invalidate: [a]'
check 'TLS that is not switched on' refused 'must begin with rediss://' "$url" 'tls_ca: a' \
	'invalidate: [a]'
check 'half of a certificate' refused 'tls_certificate and tls_key belong together' \
	'url: rediss://h' 'tls_key: a' 'invalidate: [a]'

# ---- Passwords -------------------------------------------------------------------------------

rcli config set requirepass 'p@ss:word/%' >/dev/null
REDISCLI_AUTH='p@ss:word/%'
export REDISCLI_AUTH
check 'no password' refused 'give password or password_file' "$url" 'invalidate: [a]'
(umask 077 && echo 'wrong-one' >wrong && echo 'p@ss:word/%' >right)
check 'a wrong one' refused 'check user and password' "$url" 'password_file: wrong' 'invalidate: [a]'
check 'is not repeated' last_output_lacks wrong-one
check 'from a file' keeps_the_contract "$url" 'password_file: right' 'invalidate: ["{old}"]'
t_inline="url: redis://:p%40ss%3Aword%2F%25@127.0.0.1:$REDIS_PORT"
check 'in a url that others can read' refused 'holds a secret, but others may read this file' \
	"$t_inline" 'invalidate: [a]'
private() {
	(umask 077 && printf '%s\n' "$t_inline" 'invalidate: ["{old}"]' >private.yml) &&
		exits_with 0 migrate-plugin check redis private.yml
}
check 'in a url, in a file that nobody else can read' private
rcli config set requirepass '' >/dev/null
unset REDISCLI_AUTH
check 'a password where there is none' refused 'the server has no password: leave it out' "$url" \
	'password_file: right' 'invalidate: [a]'

# ---- Access rules ------------------------------------------------------------------------------

rcli acl setuser mover reset on '>secret-of-mover' '~avatar:*' '&avatars' +ping +unlink +publish \
	+multi +discard +client >/dev/null
(umask 077 && echo secret-of-mover >mover)
as_mover() {
	printf '%s\n' "$url" 'user: mover' 'password_file: mover' "$@"
}
check 'a user who may do just that' keeps_the_contract "$(as_mover 'invalidate: ["avatar:{row.id}"]' \
	'publish: {avatars: "{row.id}"}')"
rcli acl setuser writer reset on '>secret-of-mover' '~user:*' +ping +client +multi +discard +evalsha +script \
	+type +get +set +pttl +pexpire +hget +hset >/dev/null
check 'one who may rewrite' keeps_the_contract "$(as_mover 'rewrite: ["user:{row.id}", "user:{row.id} f"]' |
	sed 's/user: mover/user: writer/')"
denied() { # MESSAGE LINE...
	t_message=$1
	shift
	printf '%s\n' "$@" >battery.yml
	exits_with 3 migrate-plugin check redis battery.yml && last_stdout_has "$t_message" &&
		last_stdout_has "the user's access rules must allow"
}
check 'keys that the rules do not cover' denied 'one of the keys' "$(as_mover 'invalidate: ["path:{old}"]')"
check 'a channel that they do not cover' denied 'one of the channels' \
	"$(as_mover 'publish: {others: "{old}"}')"
check 'a command that they do not allow' denied "the 'set' command" \
	"$(as_mover 'rewrite: ["avatar:{row.id}"]')"

# ---- TLS ---------------------------------------------------------------------------------------

redis_down TERM
. "$srcdir/t/servers/tls.sh"
{
	tls_authority ca && tls_authority other && tls_certificate ca server elsewhere 127.0.0.1 &&
		tls_certificate ca client somebody
} || { echo 'Bail out! no certificates'; exit 99; }
redis_options="--tls-port $(free_port) --tls-cert-file $PWD/server.pem --tls-key-file $PWD/server.key
	--tls-ca-cert-file $PWD/ca.pem"
if ldd "$(command -v redis-server)" | grep -q libssl; then
	redis_up || { echo 'Bail out! Redis does not start with TLS'; exit 99; }
	tls="url: rediss://127.0.0.1:$(rcli config get tls-port | tail -n 1)"
	ours='tls_certificate: client.pem
tls_key: client.key'
	check 'over TLS, when each knows the other' keeps_the_contract "$tls" 'tls_ca: ca.pem' "$ours" \
		'invalidate: ["{old}"]' 'publish: {c: "{new}"}' 'rewrite: ["{old}"]'
	check 'a server whose authority is not known' refused 'is not to be trusted' "$tls" "$ours" \
		'invalidate: [a]'
	check 'one of another authority' refused 'name the authority with tls_ca' "$tls" "$ours" \
		'tls_ca: other.pem' 'invalidate: [a]'
	check 'one of another name' refused 'is not to be trusted' "$ours" 'tls_ca: ca.pem' \
		"$(echo "$tls" | sed 's/127.0.0.1/localhost/')" 'invalidate: [a]'
	check 'a server that wants our certificate' refused 'tls_certificate' "$tls" 'tls_ca: ca.pem' 'invalidate: [a]'
	check 'an authority that is none' refused 'tls_ca: cannot use' "$tls" 'tls_ca: right' \
		'invalidate: [a]'
else
	skip 'over TLS' 'the server was built without it'
fi
redis_down TERM

# ---- What is not served ------------------------------------------------------------------------

redis_options="--cluster-enabled yes --cluster-port $(free_port)"
redis_up
check 'a cluster is refused at once' refused 'a cluster is not supported' "$url" 'invalidate: [a]'
redis_down
rm -rf "$redis_dir"
redis_options=
redis_up
rcli replicaof 127.0.0.1 1 >/dev/null
rcli config set replica-serve-stale-data yes >/dev/null
printf '%s\n' "$url" 'invalidate: [a]' >battery.yml
check 'a replica' exits_with 3 migrate-plugin check redis battery.yml
check 'is told to be one' last_stdout_has 'the address must lead to the master'
redis_down
check 'a server that is not there' refused 'cannot connect to 127.0.0.1' "$url" 'invalidate: [a]'
check 'a host that is not there' refused "cannot find the host 'nowhere.invalid'" \
	'url: redis://nowhere.invalid' 'invalidate: [a]'

finish
