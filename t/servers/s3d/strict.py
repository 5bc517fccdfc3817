# SPDX-License-Identifier: MIT
"""What Amazon S3 keeps, and s3d with it."""
import base64
import hashlib
import hmac
import os
import socket

from checks import check
from s3client import Client, REGION, SUMS, b64, md5, ok, refused, same


@check("strict")
def strict_signatures(w):
    """an unsigned x-amz-* header, a missing hash, a wrong region are refused"""
    refused(w.c.put(w.b, "k", b"", headers={"x-amz-meta-a": "b", "unsigned": "x-amz-meta-a"}), 403,
            "AccessDenied")
    a = refused(Client(w.url, region="eu-west-1").get(w.b, "k"), 400, "AuthorizationHeaderMalformed")
    same(a.text("Region"), REGION)
    refused(Client(w.url, token="unknown").get(w.b, "k"), 400, "InvalidToken")
    refused(w.c.put(w.b, "k", b"x", payload="STREAMING-NONSENSE"), 400)
    # A '+' that is not encoded is a space.
    a = w.c.send("GET", f"/{w.b}/a+b", {}, b"")
    refused(a, 403, "AccessDenied")


@check("strict")
def version_2(w):
    """signatures of version 2 are refused, or verified when the dialect has them"""
    refused(w.c.put(w.b, "k", b"data", how="v2"), 400, "InvalidRequest")
    w.set("sigv2=yes")
    ok(w.c.put(w.b, "k %", b"data", how="v2", headers={"x-amz-meta-a": "b", "Content-Type": "text/x"}))
    same(w.c.get(w.b, "k %", how="v2").body, b"data")
    w.c.start_upload(w.b, "k", how="v2")
    refused(Client(w.url, secret="wrong").get(w.b, "k %", how="v2"), 403, "SignatureDoesNotMatch")
    refused(Client(w.url, ahead=-1200).get(w.b, "k %", how="v2"), 403, "RequestTimeTooSkewed")
    w.set("sigv2=no")


@check("strict")
def version_2_in_query(w):
    """version 2 in the query: with its end, and with the parameters that belong to the resource"""
    w.set("sigv2=yes")
    ok(w.c.put(w.b, "k %", b"data"))
    same(ok(w.c.presign_v2("GET", w.b, "k %", 60)).body, b"data")
    refused(w.c.presign_v2("GET", w.b, "k %", -1), 403, "AccessDenied")
    refused(Client(w.url, secret="wrong").presign_v2("GET", w.b, "k %", 60), 403, "SignatureDoesNotMatch")
    a = w.c.presign_v2("GET", w.b, "k %", 60, [("response-content-type", "text/x; a=b")])
    same(ok(a)["content-type"], "text/x; a=b")
    a = w.c.presign_v2("GET", w.b, "k %", 60, unsigned="&response-content-type=text/y")
    refused(a, 403, "SignatureDoesNotMatch")
    w.set("sigv2=no")


@check("strict")
def version_2_resources(w):
    """version 2 signs the parameters that name a resource, and its own headers in one line each"""
    w.set("sigv2=yes")
    ok(w.c.put(w.b, "k", b"data", how="v2", headers={
        "x-amz-meta-b": "2", "x-amz-meta-a": "1", "Content-Type": "text/x",
        "Content-MD5": base64.b64encode(hashlib.md5(b"data").digest()).decode()}))
    same(w.c.head(w.b, "k", how="v2")["x-amz-meta-b"], "2")
    ok(w.c.get(w.b, "k", how="v2", query={"acl": ""}))
    ok(w.c.call("GET", w.b, query={"uploads": ""}, how="v2"))
    ok(w.c.call("GET", w.b, query={"prefix": "k", "max-keys": "1"}, how="v2"))
    refused(w.c.call("GET", w.b, "k", query={"torrent": ""}, how="v2"), 403, "SignatureDoesNotMatch")
    w.set("sigv2=no")


def chunked(c, bucket, key, chunks, tamper=False, trailer=None, signed=True):
    payload = ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD" if signed else "STREAMING-UNSIGNED-PAYLOAD")
    headers = {"x-amz-decoded-content-length": str(sum(map(len, chunks))),
               "Content-Encoding": "aws-chunked"}
    if trailer:
        payload += "-TRAILER"
        headers["x-amz-trailer"] = trailer[0]
    path = f"/{bucket}/{key}"
    headers["host"] = c.host
    c.sign("PUT", path, "", headers, payload)
    del headers["host"]
    before, body, empty = c.signature, b"", hashlib.sha256(b"").hexdigest()
    signing = c.key(c.stamp[:8])
    for chunk in chunks + [b""]:
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", c.stamp, c.scope, before, empty,
                          hashlib.sha256(chunk).hexdigest()])
        before = hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()
        mark = f";chunk-signature={before}" if signed else ""
        sent = b"X" + chunk[1:] if tamper and chunk else chunk
        body += f"{len(chunk):x}{mark}\r\n".encode() + sent + (b"\r\n" if chunk else b"")
    if trailer:
        line = f"{trailer[0]}:{trailer[1]}"
        body += (line + "\r\n").encode()
        if signed:
            text = "\n".join(["AWS4-HMAC-SHA256-TRAILER", c.stamp, c.scope, before,
                              hashlib.sha256((line + "\n").encode()).hexdigest()])
            made = hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()
            body += f"x-amz-trailer-signature:{made}\r\n".encode()
    return c.send("PUT", path, headers, body + b"\r\n")


@check("strict")
def chunks(w):
    """a body in signed chunks is put together, each signature and the trailer checked"""
    ok(chunked(w.c, w.b, "k", [b"a" * 8192, b"b" * 10]))
    a = ok(w.c.get(w.b, "k"))
    same((a.body, a["content-encoding"]), (b"a" * 8192 + b"b" * 10, None))
    refused(chunked(w.c, w.b, "l", [b"abc"], tamper=True), 403, "SignatureDoesNotMatch")
    good, bad = b64(SUMS["crc32"](b"abc")), b64(SUMS["crc32"](b"abd"))
    for signed in (True, False):
        ok(chunked(w.c, w.b, "m", [b"abc"], trailer=("x-amz-checksum-crc32", good), signed=signed))
        same(w.c.head(w.b, "m", headers={"x-amz-checksum-mode": "ENABLED"})["x-amz-checksum-crc32"], good)
        refused(chunked(w.c, w.b, "n", [b"abc"], trailer=("x-amz-checksum-crc32", bad), signed=signed),
                400, "BadDigest")
    ok(w.c.head(w.b, "l"), 404)
    ok(w.c.head(w.b, "n"), 404)
    w.set("chunked=refuse")
    refused(chunked(w.c, w.b, "k", [b"abc"]), 501, "NotImplemented")
    w.set("chunked=yes")


@check("strict")
def checksums(w):
    """each of the five checksums is verified and given back; CRC64NVME is there unasked"""
    same(SUMS["crc64nvme"](b"123456789").hex(), "ae8b14860a799888")
    ask = {"x-amz-checksum-mode": "ENABLED"}
    for size in (0, 1, 7, 8, 9, 1000):
        data = os.urandom(size)
        for name, function in SUMS.items():
            header = "x-amz-checksum-" + name
            made = b64(function(data))
            same(ok(w.c.put(w.b, name, data, headers={header: made}))[header], made)
            a = ok(w.c.head(w.b, name, headers=ask))
            same((a[header], a["x-amz-checksum-type"]), (made, "FULL_OBJECT"))
            refused(w.c.put(w.b, "no", data, headers={header: b64(function(data + b"x"))}), 400, "BadDigest")
            refused(w.c.put(w.b, "no", data, headers={header: "abc"}), 400, "InvalidRequest")
    ok(w.c.head(w.b, "no"), 404)
    ok(w.c.put(w.b, "k", b"123456789"))
    same(w.c.head(w.b, "k", headers=ask)["x-amz-checksum-crc64nvme"], b64(bytes.fromhex("ae8b14860a799888")))
    same(w.c.head(w.b, "k")["x-amz-checksum-crc64nvme"], None)
    w.set("checksums=no")
    same(ok(w.c.put(w.b, "k", b"x", headers={"x-amz-checksum-crc32": "AAAAAA=="}))["x-amz-checksum-crc32"], None)
    w.set("checksums=yes")


@check("strict")
def multipart_checksums(w):
    """checksums of an upload in parts are of the whole or of the parts, as it was begun"""
    bodies = [os.urandom(300), os.urandom(20)]
    w.set("min-part=1")
    for kind, algorithm in (("COMPOSITE", "SHA256"), ("COMPOSITE", "CRC32"), ("FULL_OBJECT", "CRC32"),
                            ("FULL_OBJECT", "CRC64NVME")):
        function, header = SUMS[algorithm.lower()], "x-amz-checksum-" + algorithm.lower()
        up = w.c.start_upload(w.b, "k", headers={"x-amz-checksum-algorithm": algorithm,
                                                 "x-amz-checksum-type": kind})
        parts, extra = [], {}
        for n, body in enumerate(bodies, 1):
            a = ok(w.c.part(w.b, "k", up, n, body, headers={header: b64(function(body))}))
            parts.append((n, a.etag))
            extra[n] = f"<Checksum{algorithm}>{a[header]}</Checksum{algorithm}>"
        if kind == "COMPOSITE":
            refused(w.c.complete(w.b, "k", up, parts), 400, "InvalidRequest")
            whole = b64(function(b"".join(map(function, bodies)))) + "-2"
        else:
            whole = b64(function(b"".join(bodies)))
        wrong = b64(function(b"other")) + ("-2" if kind == "COMPOSITE" else "")
        refused(w.c.complete(w.b, "k", up, parts, extra, headers={header: wrong}), 400, "BadDigest")
        a = ok(w.c.complete(w.b, "k", up, parts, extra, headers={header: whole}))
        same((a.text("Checksum" + algorithm), a.text("ChecksumType")), (whole, kind))
    refused(w.c.call("POST", w.b, "k", query={"uploads": ""}, headers={
        "x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-type": "FULL_OBJECT"}), 400, "InvalidRequest")
    w.set("min-part=5242880")


@check("strict")
def copy_conditions(w):
    """a copy is made only of the source that was meant, and only to where nothing is in the way"""
    etag = ok(w.c.put(w.b, "a", b"data")).etag
    right, wrong = {"x-amz-copy-source-if-match": f'"{etag}"'}, {"x-amz-copy-source-if-match": '"x"'}
    refused(w.c.copy(w.b, "b", w.b, "a", wrong), 412, "PreconditionFailed")
    ok(w.c.head(w.b, "b"), 404)
    ok(w.c.copy(w.b, "b", w.b, "a", right))
    refused(w.c.copy(w.b, "c", w.b, "a", {"x-amz-copy-source-if-none-match": etag}), 412)
    refused(w.c.copy(w.b, "c", w.b, "a", {
        "x-amz-copy-source-if-unmodified-since": "Thu, 01 Jan 1998 00:00:00 GMT"}), 412)
    refused(w.c.copy(w.b, "b", w.b, "a", {"If-None-Match": "*"}), 412, "PreconditionFailed")
    ok(w.c.copy(w.b, "d", w.b, "a", {"If-None-Match": "*"}))
    refused(w.c.copy(w.b, "d", w.b, "a", {"If-Match": '"x"'}), 412)
    ok(w.c.copy(w.b, "d", w.b, "a", {"If-Match": f'"{etag}"'}))
    up = w.c.start_upload(w.b, "k")
    source = {"x-amz-copy-source": f"{w.b}/a"}
    refused(w.c.part(w.b, "k", up, 1, headers={**source, **wrong}), 412, "PreconditionFailed")
    ok(w.c.part(w.b, "k", up, 1, headers={**source, **right}))
    w.set("copy-source-if=no")
    ok(w.c.copy(w.b, "e", w.b, "a", wrong))
    w.set("copy-source-if=yes")


@check("strict")
def write_conditions(w):
    """writing, completing and deleting obey If-Match and If-None-Match"""
    etag = ok(w.c.put(w.b, "k", b"1")).etag
    refused(w.c.put(w.b, "k", b"2", headers={"If-Match": '"x"'}), 412)
    refused(w.c.put(w.b, "none", b"2", headers={"If-Match": '"x"'}), 404, "NoSuchKey")
    refused(w.c.put(w.b, "k", b"2", headers={"If-None-Match": '"x"'}), 501, "NotImplemented")
    etag2 = ok(w.c.put(w.b, "k", b"2", headers={"If-Match": f'"{etag}"'})).etag
    up = w.c.start_upload(w.b, "k")
    part = [(1, ok(w.c.part(w.b, "k", up, 1, b"3")).etag)]
    refused(w.c.complete(w.b, "k", up, part, headers={"If-None-Match": "*"}), 412, "PreconditionFailed")
    refused(w.c.complete(w.b, "k", up, part, headers={"If-Match": f'"{etag}"'}), 412)
    a = ok(w.c.complete(w.b, "k", up, part, headers={"If-Match": f'"{etag2}"'}))
    same(a.etag, hashlib.md5(hashlib.md5(b"3").digest()).hexdigest() + "-1")
    refused(w.c.complete(w.b, "k", up, part), 404, "NoSuchUpload")
    refused(w.c.call("DELETE", w.b, "k", headers={"If-Match": f'"{etag}"'}), 412)
    same(w.c.get(w.b, "k").body, b"3")
    w.set("put-if-none-match=no")
    ok(w.c.put(w.b, "k", b"4", headers={"If-None-Match": "*"}))
    w.set("put-if-none-match=yes")


@check("strict")
def what_copies_lose(w):
    """a copy has the storage class, the ACL and the redirect of its request alone"""
    ok(w.c.put(w.b, "a", b"x", headers={"x-amz-storage-class": "STANDARD_IA",
                                        "x-amz-website-redirect-location": "/z"}))
    same(w.c.head(w.b, "a")["x-amz-storage-class"], "STANDARD_IA")
    ok(w.c.copy(w.b, "b", w.b, "a"))
    a = ok(w.c.head(w.b, "b"))
    same((a["x-amz-storage-class"], a["x-amz-website-redirect-location"]), (None, None))
    ok(w.c.copy(w.b, "a", w.b, "a", {"x-amz-storage-class": "ONEZONE_IA"}))
    same(w.c.head(w.b, "a")["x-amz-storage-class"], "ONEZONE_IA")
    refused(w.c.put(w.b, "c", b"", headers={"x-amz-storage-class": "GOLD"}), 400, "InvalidStorageClass")


@check("strict")
def archives(w):
    """an archived object is neither read nor copied before it was restored"""
    ok(w.c.put(w.b, "a", b"x", headers={"x-amz-storage-class": "GLACIER"}))
    refused(w.c.get(w.b, "a"), 403, "InvalidObjectState")
    refused(w.c.copy(w.b, "b", w.b, "a"), 403, "InvalidObjectState")
    same(ok(w.c.head(w.b, "a"))["x-amz-restore"], None)
    body = b"<RestoreRequest><Days>1</Days></RestoreRequest>"
    ok(w.c.call("POST", w.b, "a", query={"restore": ""}, body=body), 202)
    assert 'ongoing-request="false"' in w.c.head(w.b, "a")["x-amz-restore"]
    same(w.c.get(w.b, "a").body, b"x")
    ok(w.c.copy(w.b, "b", w.b, "a"))


@check("strict")
def acls(w):
    """a bucket that enforces its owner refuses ACLs, another keeps them, a copy drops them"""
    public = {"x-amz-acl": "public-read"}
    refused(w.c.put(w.b, "a", b"", headers=public), 400, "AccessControlListNotSupported")
    open_bucket = w.new_bucket(headers={"x-amz-object-ownership": "ObjectWriter"})
    ok(w.c.put(open_bucket, "a", b"", headers=public))
    acl = lambda key: ok(w.c.call("GET", open_bucket, key, query={"acl": ""})).texts("Permission")
    same(acl("a"), ["FULL_CONTROL", "READ"])
    ok(w.c.copy(open_bucket, "b", open_bucket, "a"))
    same(acl("b"), ["FULL_CONTROL"])
    ok(w.c.copy(open_bucket, "b", open_bucket, "a", public))
    same(acl("b"), ["FULL_CONTROL", "READ"])
    ok(w.c.call("PUT", open_bucket, "b", query={"acl": ""}, headers={"x-amz-acl": "private"}))
    same(acl("b"), ["FULL_CONTROL"])


@check("strict")
def payers(w):
    """where the requester pays, every request must say so"""
    body = b"<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>"
    ok(w.c.put(w.b, "a", b"x"))
    ok(w.c.call("PUT", w.b, query={"requestPayment": ""}, body=body))
    pay = {"x-amz-request-payer": "requester"}
    for headers, status in (({}, 403), (pay, 200)):
        ok(w.c.get(w.b, "a", headers=headers), status)
        ok(w.c.head(w.b, "a", headers=headers), status)
        ok(w.c.call("GET", w.b, query={"list-type": "2"}, headers=headers), status)
        ok(w.c.copy(w.new_bucket(), "b", w.b, "a", headers), status)


@check("strict")
def limits(w):
    """metadata above 2 KiB, bodies and copies above the limit, part 10,001 are refused"""
    ok(w.c.put(w.b, "a", b"", headers={"x-amz-meta-a": "x" * 2047}))
    refused(w.c.put(w.b, "a", b"", headers={"x-amz-meta-a": "x" * 2048}), 400, "MetadataTooLarge")
    w.set("max-put=10", "max-copy=5")
    refused(w.c.put(w.b, "b", b"x" * 11), 400, "EntityTooLarge")
    ok(w.c.put(w.b, "b", b"x" * 10))
    refused(w.c.copy(w.b, "c", w.b, "b"), 400, "InvalidRequest")
    w.set("max-put=5368709120", "max-copy=5368709120")
    up = w.c.start_upload(w.b, "k")
    refused(w.c.part(w.b, "k", up, 10001), 400, "InvalidArgument")
    refused(w.c.part(w.b, "k", up, 0), 400, "InvalidArgument")
    ok(w.c.part(w.b, "k", up, 10000))
    refused(w.c.complete(w.b, "k", up, [(2, "x"), (1, "x")]), 400, "InvalidPart")
    ok(w.c.part(w.b, "k", up, 1, b"x"))
    refused(w.c.complete(w.b, "k", up, [(10000, md5(b"")), (1, md5(b"x"))]), 400, "InvalidPartOrder")
    ok(w.c.complete(w.b, "k", up, [(1, md5(b"x"))]))
    up = w.c.start_upload(w.b, "k")
    w.set("equal-parts=yes", "min-part=1")
    parts = [(n, ok(w.c.part(w.b, "k", up, n, b"x" * n)).etag) for n in (1, 2, 3)]
    refused(w.c.complete(w.b, "k", up, parts), 400, "InvalidPart")
    w.set("equal-parts=no", "min-part=5242880")


@check("strict")
def framing(w):
    """a body without a length is refused; a waiting client is told before it sends"""
    c = w.c
    headers = {"host": c.host}
    c.sign("PUT", f"/{w.b}/k", "", headers, "UNSIGNED-PAYLOAD")
    head = f"PUT /{w.b}/k HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    for extra, wanted in (("", b"411"), ("Transfer-Encoding: chunked\r\n", b"501"),
                          ("Expect: 100-continue\r\nContent-Length: 3\r\n", b"100")):
        with socket.create_connection(c.host.split(":"), 10) as s:
            s.sendall((head + extra + "\r\n").encode())
            got = s.recv(4096)
            same(got.split()[1], wanted)
            if wanted == b"100":
                s.sendall(b"abc")
                same(s.recv(4096).split()[1], b"200")
    bad = head.replace("Signature=", "Signature=0") + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with socket.create_connection(c.host.split(":"), 10) as s:
        s.sendall(bad.encode())
        same(s.recv(4096).split()[1], b"403")
    same(c.get(w.b, "k").body, b"abc")


@check("strict")
def encodings(w):
    """control characters need encoding-type=url, which can be switched off"""
    ok(w.c.put(w.b, "a\x01b +", b""))
    same(w.c.list(w.b)[0], [b"a\x01b +"])
    a = ok(w.c.call("GET", w.b, query={"list-type": "2"}))
    assert b"<Key>a&#x1;b +</Key>" in a.body, a.body
    a = ok(w.c.call("GET", w.b, query={"list-type": "2", "encoding-type": "url"}))
    assert b"<Key>a%01b+%2B</Key>" in a.body, a.body
    w.set("encoding-url=no")
    a = ok(w.c.call("GET", w.b, query={"list-type": "2", "encoding-type": "url"}))
    same(b"EncodingType" in a.body, False)
    w.set("encoding-url=yes")


@check("strict")
def regions(w):
    """a bucket of another region is answered with a redirect that names it"""
    body = b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>" \
           b"</CreateBucketConfiguration>"
    there = Client(w.second, region="eu-west-1")
    name = w.new_bucket(body=body)
    a = refused(w.c.get(name, "k"), 301, "PermanentRedirect")
    same((a["x-amz-bucket-region"], a.text("Endpoint")), ("eu-west-1", there.host))
    same(ok(w.c.call("HEAD", name), 301)["x-amz-bucket-region"], "eu-west-1")
    ok(there.put(name, "k", b"data"))
    ok(w.c.copy(w.b, "k", name, "k"))
    same(w.c.get(w.b, "k").body, b"data")
    same(ok(w.c.call("GET", name, query={"location": ""})).root().text, "eu-west-1")
