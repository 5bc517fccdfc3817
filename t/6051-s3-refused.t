#!/bin/sh
# SPDX-License-Identifier: MIT
# What is wrong with an end at S3 is said in one line, with what to do about it, and nothing is touched.
# shellcheck disable=SC2015,SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets NAME_url and the like

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
s3_needed
s3d_up server --public from || no_s3d
tool make from into && tool fill from 8 a/ && tool fill from 8 b/ || { echo 'Bail out! no buckets'; exit 99; }
tool show from >from.txt

number=0
s3() { # BUCKET [URL [OPTIONS]]
	echo "{plugin: s3, endpoint: '${2:-$server_url}', bucket: $1, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}'${3:+, $3}}"
}
job() { # SOURCE DESTINATION
	number=$((number + 1))
	printf 'job: job-%s\nsource: %s\ndestination: %s\npatience: %s\ncopy: {concurrency: 4}\n' "$number" "$1" "$2" \
		"${patience:-10s}" | write_job job.yml
}
mkdir files && write_file files/one one
# refused TEXT...: as the destination it is refused before anything happens, in one line with all texts
refused() {
	exits_with 2 migrate-run job.yml && last_output_has "$@" && last_output_lacks "$SECRET" || return 1
	t_got=$(wc -l <"$t_out/stderr")
	[ "$t_got" -eq 1 ] || { echo "said in $t_got lines"; return 1; }
}
untouched() {
	tool show from >now.txt && diff from.txt now.txt && tool show into >now.txt && is_empty now.txt &&
		holds_files files 1
}
wrong() { # PROMISE OPTIONS-OF-S3 TEXT...
	promise=$1
	job '{plugin: posix, root: files}' "$2"
	shift 2
	check "$promise" refused "$@"
}

# ---- Who we are ----------------------------------------------------------------------------------

wrong 'a bucket that is not there' "$(s3 nowhere)" "there is no 'nowhere'"
sed "s/$s3_access_key/AKIDOTHER/" job.yml >other.yml && sed 's/nowhere/into/' other.yml >job.yml
check 'an access key that nobody knows' refused InvalidAccessKeyId 'look at access_key and secret_key'
SECRET=sk/wrong+secret
wrong 'a secret that is wrong' "$(s3 into)" SignatureDoesNotMatch 'look at access_key and secret_key'
SECRET=$s3_secret_key
wrong 'keys that do not expire, with a session token' "$(s3 into '' "session_token: '\${SECRET}'")" InvalidToken

anonymous() { # BUCKET: without any keys
	rm -rf down && mkdir down && job "{plugin: s3, endpoint: '$server_url', bucket: $1, anonymous: true}" \
		'{plugin: posix, root: down}'
}
anonymous from
check 'a bucket that everybody may read' exits_with 0 migrate-run job.yml
check 'is read without a signature' s3d_log_says server \
	'[.[] | select(.op == "GetObject" and .sig == "none")] | length' 16
anonymous into
check 'any other is not' exits_with 2 migrate-run job.yml
check 'which is said' last_output_has AccessDenied
rm -rf down

# ---- What is not S3 ------------------------------------------------------------------------------

cat >web.py <<'END'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_):
        pass
    def do_GET(self):
        n = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(n)
        status, headers = int(self.path.split("/")[1]), {}
        body = b"<!DOCTYPE html><html><body>Welcome</body></html>"
        self.send_response(status)
        if status // 100 == 3:
            self.send_header("Location", "/login")
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_PUT = do_POST = do_DELETE = do_HEAD = do_GET
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(s.server_address[1], flush=True)
s.serve_forever()
END
start web python3 web.py
wait_until 10 test -s "$t_out/web.stdout"
web=http://127.0.0.1:$(cat "$t_out/web.stdout")
wrong 'a page of the web' "$(s3 into "$web/200")" 'not as S3 does' 'look at endpoint'
wrong 'one that is not there' "$(s3 into "$web/404")" 'not as S3 does' 'look at endpoint'
wrong 'one that is forbidden' "$(s3 into "$web/403")" 'not as S3 does' 'look at endpoint'
wrong 'one that leads elsewhere' "$(s3 into "$web/302")" 'not followed' 'look at endpoint'
wrong 'one behind which nobody is' "$(s3 into "$web/502")" '502'
wrong 'nobody listens' "$(s3 into http://127.0.0.1:1)" "connect to 127.0.0.1 port 1" 'look at endpoint'
wrong 'a name that nobody has' "$(s3 into http://nobody.invalid)" 'nobody.invalid' 'look at endpoint'

start talker python3 -c 'import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
while True:
    c = s.accept()[0]
    c.recv(100)
    c.sendall(b"-ERR unknown command\r\n" * 3)
    c.close()'
wait_until 10 test -s "$t_out/talker.stdout"
wrong 'another protocol' "$(s3 into "http://127.0.0.1:$(cat "$t_out/talker.stdout")")" 'look at endpoint'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext 'subjectAltName=IP:127.0.0.1' -keyout key.pem -out cert.pem 2>openssl.log
s3d_up tls --tls cert.pem key.pem
wrong 'a server that speaks TLS only' "$(s3 into "http://127.0.0.1:$tls_port")" 'it is https://'
wrong 'an address that is none' "$(s3 into 'ftp://127.0.0.1')" 'endpoint'
check 'nothing was touched by any of them' untouched

# ---- What is not allowed ----------------------------------------------------------------------------

s3d_faults server '* * * status 403 AccessDenied'
job "$(s3 from)" '{plugin: posix, root: files}'
check 'nothing at all is allowed' exits_with 2 migrate-run job.yml
check 'which is said' last_output_has 'may not be listed with these credentials' 'AccessDenied'
check 'and touches nothing' holds_files files 1
s3d_faults server

one_prefix() {
	s3d_faults server 'GetObject b/* * status 403 AccessDenied' 'CopyObject b/* * status 403 AccessDenied'
	rm -rf down && mkdir down && job "$(s3 from)" '{plugin: posix, root: down}' && exits_with 3 migrate-run job.yml &&
		holds_files down 8 && status_counts job.yml done=8 failed=8 && last_output_has 'b/00001: denied' AccessDenied
	t_got=$?
	s3d_faults server
	return "$t_got"
}
check 'one prefix may not be read: the others are' one_prefix
check 'and what failed goes once it may' exits_with 0 migrate-run --retry-failed job.yml
check 'with all of it' holds_files down 16
one_prefix_written() {
	s3d_faults server 'PutObject b/* * status 403 AccessDenied' 'CopyObject b/* * status 403 AccessDenied'
	job "$(s3 from)" "$(s3 into)" && exits_with 3 migrate-run job.yml && status_counts job.yml done=8 failed=8
	t_got=$?
	s3d_faults server
	[ "$t_got" -eq 0 ] && exits_with 0 migrate-run --retry-failed job.yml && status_counts job.yml failed=0
}
check 'nor written' one_prefix_written

# ---- A server that wants to be left alone -----------------------------------------------------------

slows_down() {
	tool make calm && s3d_faults server 'CopyObject * 3-10 status 503 SlowDown Retry-After=1' &&
		job "$(s3 from)" "$(s3 calm)" && began=$(date +%s%N) &&
		exits_with 0 migrate-run job.yml || return 1
	took=$((($(date +%s%N) - began) / 1000000))
	s3d_faults server
	[ "$took" -ge 1000 ] || { echo "only $took ms, though it asked for a second and more"; return 1; }
	status_counts job.yml done=16 failed=0
}
check '503 with Retry-After: it waits as long' slows_down
check 'and asks little meanwhile' s3d_log_says server \
	'[.[] | select(.op == "CopyObject" and .bucket == "calm")] | length <= 26' true
storm() {
	tool make storm && s3d_faults server 'CopyObject * * status 503 SlowDown' && patience=2s &&
		job "$(s3 from)" "$(s3 storm)" && exits_with 9 migrate-run job.yml && last_output_has SlowDown &&
		status_counts job.yml failed=0 && s3d_faults server && exits_with 0 migrate-run job.yml &&
		status_counts job.yml done=16
}
check 'a storm without end is given up, and the next run goes on' storm

finish
