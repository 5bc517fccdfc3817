#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""keysd.py FOLDER [HOST]: those who give keys for S3, all in one: the agent of a container,
the metadata service of a machine, and STS.

Listens on a free port of HOST (127.0.0.1), written to FOLDER/port; another one with TLS, written
to FOLDER/port-tls, when FOLDER/cert.pem and FOLDER/key.pem are there. What it gives:

  PUT  /latest/api/token                                    a token, as IMDSv2 wants it
  GET  /latest/meta-data/iam/security-credentials/[ROLE]    the role's name, its keys; token needed
  GET  /agent/...                                           keys as ECS and EKS give them
  POST /                                                    AssumeRole (its signature is verified),
                                                            AssumeRoleWithWebIdentity

Everybody gets the same key pair (FOLDER/pair: access and secret key, a line each) and a session
token of its own: session-token-1, session-token-2 and so on. FOLDER/life: seconds until they expire (3600);
FOLDER/script: a script of s3d, to which a line is added when a token expires. FOLDER/agent-token,
FOLDER/web-token: what must be shown, if they are there; FOLDER/role: the machine's role.

FOLDER/plan, a line each, the first that fits is used up: WHO ACTION [ARGUMENT]. WHO is one of
token, role, keys, agent, sts; ACTION one of

  status N [CODE]   that status, with an error document
  delay S           the answer comes so much later
  stall             no answer, ever
  cut               the connection is closed
  body TEXT         200 with this body
  endless WHAT      a head or a body that goes on until nobody wants it
  life S            the keys expire after so many seconds

FOLDER/log: a line when somebody asks ("asked WHO WHAT") and when it got keys ("gave TOKEN").
"""

import datetime
import hashlib
import hmac
import http.server
import json
import os
import ssl
import sys
import threading
import time
import urllib.parse

FOLDER, HOST = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
LOCK = threading.Lock()
COUNT = [0]
METADATA_TOKEN = "metadata-token-" + "x" * 24


def text_of(name, default=None):
    try:
        with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
            return f.read().strip()
    except FileNotFoundError:
        return default


def log(*words):
    with LOCK, open(os.path.join(FOLDER, "log"), "a", encoding="utf-8") as f:
        f.write(" ".join(words) + "\n")


def plan_for(who):
    """The first line that is for them, which is taken off the plan."""
    with LOCK:
        lines = (text_of("plan") or "").splitlines()
        for i, line in enumerate(lines):
            words = line.split(None, 2)
            if words and words[0] == who:
                path = os.path.join(FOLDER, "plan")
                with open(path + ".new", "w", encoding="utf-8") as f:
                    f.write("".join(x + "\n" for x in lines[:i] + lines[i + 1:]))
                os.rename(path + ".new", path)
                return words[1:]
    return []


def expire(token):
    path = text_of("script")
    if path:
        with LOCK, open(path, "a", encoding="utf-8") as f:
            f.write(f"* * * expired {token}\n")


def grant(life):
    """Access key, secret key, token, and the time when they end."""
    access, secret = text_of("pair").splitlines()
    with LOCK:
        COUNT[0] += 1
        token = f"session-token-{COUNT[0]}"
    # whole seconds are said, and never more than the truth
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=life)
    timer = threading.Timer(life, expire, [token])
    timer.daemon = True
    timer.start()
    log("gave", token)
    return access, secret, token, end.strftime("%Y-%m-%dT%H:%M:%SZ")


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def is_signed(handler, body):
    """Signature version 4 for STS, as this program would make it."""
    access, secret = text_of("pair").splitlines()
    given = handler.headers.get("Authorization", "")
    if not given.startswith("AWS4-HMAC-SHA256 "):
        return False
    parts = dict(p.strip().split("=", 1) for p in given[17:].split(","))
    scope = parts["Credential"].split("/")
    names = parts["SignedHeaders"].split(";")
    if scope[0] != access or scope[3:] != ["sts", "aws4_request"] or names != sorted(names):
        return False
    if "host" not in names or "x-amz-date" not in names:
        return False
    if "X-Amz-Security-Token" in handler.headers and "x-amz-security-token" not in names:
        return False
    stamp = handler.headers["X-Amz-Date"]
    canonical = "\n".join(
        ["POST", handler.path, ""] + [f"{n}:{handler.headers[n].strip()}" for n in names]
        + ["", parts["SignedHeaders"], hashlib.sha256(body).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (stamp[:8], scope[2], "sts", "aws4_request"):
        key = mac(key, part)
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope[1:]),
                      hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.compare_digest(mac(key, text).hex(), parts["Signature"])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def error(self, who, status, code):
        message = f"the {who} says no"
        if who == "sts":
            self.answer(status, "<ErrorResponse><Error><Type>Sender</Type>"
                        f"<Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>",
                        "text/xml")
        else:
            self.answer(status, json.dumps({"code": code, "message": message}))

    def go_on(self, head):
        """Lines of the head, or bytes of the body, for as long as somebody takes them."""
        self.close_connection = True
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            if not head:
                self.wfile.write(b"\r\n")
            while True:
                self.wfile.write(b"X-Endless: and so on\r\n" * 1000)
        except OSError:
            pass

    def planned(self, who):
        """What the plan says is done; the life of the keys, or None when that was the answer."""
        life = float(text_of("life", "3600"))
        plan = plan_for(who)
        if not plan:
            return life
        argument = plan[1] if len(plan) > 1 else ""
        if plan[0] == "status":
            status, _, code = argument.partition(" ")
            self.error(who, int(status), code or "Broken")
        elif plan[0] == "body":
            self.answer(200, argument)
        elif plan[0] == "endless":
            self.go_on(argument == "head")
        elif plan[0] == "stall":
            time.sleep(60)
            self.close_connection = True
        elif plan[0] == "cut":
            self.close_connection = True
        elif plan[0] == "delay":
            time.sleep(float(argument))
            return life
        elif plan[0] == "life":
            return float(argument)
        return None

    def give_json(self, life, token_name):
        access, secret, token, end = grant(life)
        self.answer(200, json.dumps({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": access,
                                     "SecretAccessKey": secret, token_name: token,
                                     "Expiration": end}))

    def do_PUT(self):
        log("asked", "token", self.path)
        if self.planned("token") is None:
            return
        if self.path != "/latest/api/token" or self.headers.get("X-Forwarded-For") or not \
                self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "").isdigit():
            self.answer(400, "")
            return
        self.answer(200, METADATA_TOKEN, "text/plain")

    def do_GET(self):
        roles = "/latest/meta-data/iam/security-credentials/"
        if self.path.startswith("/agent/"):
            who = "agent"
        else:
            who = "role" if self.path == roles else "keys"
        log("asked", who, self.path)
        life = self.planned(who)
        if life is None:
            return
        if who == "agent":
            wanted = text_of("agent-token")
            if wanted and self.headers.get("Authorization") != wanted:
                self.error(who, 401, "Unauthorized")
            else:
                self.give_json(life, "Token")
        elif self.headers.get("X-aws-ec2-metadata-token") != METADATA_TOKEN:
            self.answer(401, "")
        elif who == "role" and text_of("role"):
            self.answer(200, text_of("role"), "text/plain")
        elif who == "keys" and self.path == roles + urllib.parse.quote(text_of("role", "?")):
            self.give_json(life, "Token")
        else:
            self.answer(404, "")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        field = {k: v[0] for k, v in urllib.parse.parse_qs(body.decode()).items()}
        action = field.get("Action", "")
        log("asked", "sts", action, field.get("RoleArn", "-"), field.get("RoleSessionName", "-"),
            field.get("ExternalId", "-"), field.get("DurationSeconds", "-"),
            self.headers.get("X-Amz-Security-Token", "-"))
        life = self.planned("sts")
        if life is None:
            return
        if action == "AssumeRole" and not is_signed(self, body):
            self.error("sts", 403, "SignatureDoesNotMatch")
        elif action == "AssumeRoleWithWebIdentity" and \
                field.get("WebIdentityToken") != text_of("web-token"):
            self.error("sts", 400, "InvalidIdentityToken")
        elif action not in ("AssumeRole", "AssumeRoleWithWebIdentity"):
            self.error("sts", 400, "InvalidAction")
        else:
            access, secret, token, end = grant(life)
            self.answer(200, f"""<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<{action}Result><AssumedRoleUser><Arn>arn</Arn></AssumedRoleUser><Credentials>
<AccessKeyId>{access}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>
<SessionToken>{token}</SessionToken><Expiration>{end}</Expiration></Credentials></{action}Result>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>""", "text/xml")


def serve(name, context=None):
    server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = os.path.join(FOLDER, name)
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(f"{server.server_address[1]}\n")
    os.rename(path + ".new", path)


def main():
    certificate = os.path.join(FOLDER, "cert.pem")
    if os.path.exists(certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, os.path.join(FOLDER, "key.pem"))
        serve("port-tls", context)
    serve("port")
    threading.Event().wait()


main()
