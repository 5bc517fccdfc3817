# SPDX-License-Identifier: MIT
"""s3d's script of faults."""
import datetime
import hashlib
import http.client
import json
import time

from checks import check
from s3client import b64, md5, ok, raises, refused, same


@check("strict")
def fault_answers(w):
    """a scripted answer comes instead of the operation, at the request that was meant"""
    w.script("PutObject a* 2 status 503 SlowDown Retry-After=7", "GetObject * 1@ error-200 InternalError",
             "CopyObject * * empty-200", "HeadObject * * redirect 127.0.0.1:1 307",
             "DeleteObject * * body 200 <x>y z</x>")
    ok(w.c.put(w.b, "a1"))
    ok(w.c.put(w.b, "b"))
    same(refused(w.c.put(w.b, "a2"), 503, "SlowDown")["retry-after"], "7")
    ok(w.c.put(w.b, "a3"))
    for key in ("a1", "b"):
        same(ok(w.c.get(w.b, key)).code, "InternalError")
        same(ok(w.c.get(w.b, key)).body, b"")
    same(ok(w.c.copy(w.b, "d", w.b, "a1")).body, b"")
    same(ok(w.c.head(w.b, "a1"), 307)["location"], f"http://127.0.0.1:1/{w.b}/a1")
    same(ok(w.c.call("DELETE", w.b, "a1")).body, b"<x>y z</x>")
    report = w.control("GET", "script").splitlines()
    same([line.split()[:2] for line in report], [["3", "1"], ["4", "2"], ["1", "1"], ["1", "1"], ["1", "1"]])
    w.script()
    same(w.c.list(w.b)[0], [b"a1", b"a3", b"b"])


@check("strict")
def fault_commits(w):
    """an answer is lost before or after the change, and the store knows which"""
    cut = (http.client.HTTPException, ConnectionError)
    for rule, done in (("reset-before", False), ("reset-during 2", False), ("reset-after", False),
                       ("reset-committed", True)):
        w.script(f"PutObject * 1 {rule}")
        raises(lambda: w.c.put(w.b, rule, b"data"), *cut)
        ok(w.c.head(w.b, rule), 200 if done else 404)
    w.script("PutObject * 1 status-committed 500 InternalError", "PutObject * 2 forget",
             "PutObject * 3 flip-stored 1")
    refused(w.c.put(w.b, "x", b"data"), 500, "InternalError")
    same(w.c.get(w.b, "x").body, b"data")
    ok(w.c.put(w.b, "y", b"data"))
    ok(w.c.head(w.b, "y"), 404)
    same(ok(w.c.put(w.b, "z", b"data")).etag, md5(b"data"))
    same(w.c.get(w.b, "z").body, b"d`ta")
    w.set("min-part=1")
    up = w.c.start_upload(w.b, "m")
    part = [(1, ok(w.c.part(w.b, "m", up, 1, b"1")).etag)]
    w.script("CompleteMultipartUpload * 1 reset-committed")
    raises(lambda: w.c.complete(w.b, "m", up, part), *cut)
    refused(w.c.complete(w.b, "m", up, part), 404, "NoSuchUpload")
    same(w.c.get(w.b, "m").body, b"1")
    w.set("min-part=5242880")


@check("strict")
def fault_bodies(w):
    """a body is cut, changed, slow or late"""
    data = b"0123456789"
    ok(w.c.put(w.b, "k", data))
    for rule in ("cut 4", "cut 4 reset", "chunked 4", "stall 0 4"):
        w.script(f"GetObject * 1 {rule}")
        raises(lambda: w.c.get(w.b, "k"), http.client.HTTPException, ConnectionError)
    w.script("GetObject * 1 flip 3", "GetObject * 2 drip 50", "GetObject * 3 delay 1", "GetObject * 4 chunked",
             "GetObject * 5 code 206", "GetObject * 6 header Content-Encoding=gzip", "GetObject * 7 no-header ETag",
             "GetObject * 8 date 86400")
    same(w.c.get(w.b, "k").body, b"0122456789")
    for least in (0.15, 1.0):
        start = time.monotonic()
        same(w.c.get(w.b, "k").body, data)
        assert time.monotonic() - start >= least, "it was not slow"
    same(w.c.get(w.b, "k").body, data)
    same(w.c.get(w.b, "k").status, 206)
    same(w.c.get(w.b, "k")["content-encoding"], "gzip")
    same(w.c.get(w.b, "k")["etag"], None)
    day = datetime.datetime.strptime(w.c.get(w.b, "k")["date"], "%a, %d %b %Y %H:%M:%S GMT")
    assert day > datetime.datetime.utcnow() + datetime.timedelta(hours=23), day
    w.script("CopyObject * 1 spaces 40")
    a = ok(w.c.copy(w.b, "l", w.b, "k"))
    assert b"?>" + b" " * 40 in a.body and a.etag == md5(data), a.body
    w.script()


@check("strict")
def fault_listings(w):
    """pages are lost, repeated, turned round; tokens are wrong"""
    names = [f"o{i:03}".encode() for i in range(30)]
    for name in names:
        ok(w.c.put(w.b, name))
    pages = lambda: w.c.list(w.b, max_keys="10")
    for rule, wanted in (("2 page lose", names[:10] + names[20:]), ("2 page repeat", names[:20] + names[10:]),
                         ("2 page empty", names), ("2 page end", names[:20]),
                         ("2 page reverse", names[:10] + names[19:9:-1] + names[20:]),
                         ("2 page double", names[:10] + sorted(names[10:20] * 2) + names[20:])):
        w.script(f"ListObjectsV2 * {rule}")
        same(pages()[0], wanted)
    w.script("ListObjectsV2 * 1 token wrong")
    a = ok(w.c.call("GET", w.b, query={"list-type": "2", "max-keys": "10"}))
    refused(w.c.call("GET", w.b, query={"list-type": "2", "continuation-token": a.text("NextContinuationToken")}),
            400, "InvalidArgument")
    w.script("ListObjectsV2 * 2+ token same")
    tokens = []
    query = {"list-type": "2", "max-keys": "10"}
    for _ in range(3):
        tokens.append(ok(w.c.call("GET", w.b, query=query)).text("NextContinuationToken"))
        query["continuation-token"] = tokens[-1]
    same(tokens[0] is not None and len(set(tokens)), 1)
    w.script("ListObjectsV2 * 1 token none", "ListObjectsV2 * 2 page count")
    same(ok(w.c.call("GET", w.b, query={"list-type": "2", "max-keys": "10"})).text("NextContinuationToken"), None)
    same(ok(w.c.call("GET", w.b, query={"list-type": "2", "max-keys": "10"})).text("KeyCount"), "17")
    w.script()


@check("strict")
def fault_changes(w):
    """somebody else changes or removes an object; a condition is ignored; a token expires"""
    etag = ok(w.c.put(w.b, "k", b"data")).etag
    w.script("GetObject k 2 swap", "CopyObject * 1 swap", "HeadObject k 1 remove", "PutObject i * ignore-conditions",
             "GetObject x * expired", "DeleteObjects * * delete-error InternalError d*")
    same(w.c.get(w.b, "k", headers={"If-Match": etag}).body, b"data")
    refused(w.c.get(w.b, "k", headers={"If-Match": etag}), 412)
    new = w.c.get(w.b, "k").etag
    refused(w.c.copy(w.b, "l", w.b, "k", {"x-amz-copy-source-if-match": new}), 412)
    ok(w.c.head(w.b, "k"), 404)
    ok(w.c.put(w.b, "i", b"1"))
    ok(w.c.put(w.b, "i", b"2", headers={"If-None-Match": "*"}))
    refused(w.c.get(w.b, "x"), 400, "ExpiredToken")
    ok(w.c.put(w.b, "d1"))
    body = b"<Delete><Object><Key>d1</Key></Object><Object><Key>i</Key></Object></Delete>"
    a = ok(w.c.call("POST", w.b, query={"delete": ""}, body=body,
                    headers={"Content-MD5": b64(hashlib.md5(body).digest())}))
    same((a.text("Code"), a.texts("Key")), ("InternalError", ["d1", "i"]))
    w.script()
    same(w.c.list(w.b)[0], [b"d1"])


@check("strict")
def reset(w):
    """the server forgets everything when it is asked to, and counts what it holds"""
    ok(w.c.put(w.b, "k", b"12345"))
    w.c.start_upload(w.b, "u")
    before = json.loads(w.control("GET", "stats"))
    assert before["objects"] >= 1 and before["uploads"] >= 1 and before["bytes"] >= 5, before
    w.control("POST", "reset")
    after = json.loads(w.control("GET", "stats"))
    same((after["buckets"], after["objects"], after["uploads"], after["bytes"]), (0, 0, 0, 0))
