# SPDX-License-Identifier: MIT
"""A client of S3 for tests, with a signer of its own: nothing here is shared with what is tested."""
import base64
import datetime
import hashlib
import hmac
import http.client
import os
import urllib.parse
import xml.etree.ElementTree as ET


ACCESS = os.environ.get("S3_ACCESS_KEY", "AKIDTESTTESTTESTTEST")
SECRET = os.environ.get("S3_SECRET_KEY", "sk/test+secret0123456789abcdefghijklmnop")
REGION = "us-east-1"
MIB = 1 << 20


def quote(data, safe="-_.~"):
    return urllib.parse.quote(data, safe=safe)


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __getitem__(self, name):
        return self.headers.get(name.lower())

    @property
    def etag(self):
        return (self["etag"] or self.text("ETag")).strip('"')

    def root(self):
        return ET.fromstring(self.body)

    def texts(self, name):
        return [e.text or "" for e in self.root().iter() if e.tag.split("}")[-1] == name]

    def text(self, name):
        found = self.texts(name)
        return found[0] if found else None

    @property
    def code(self):
        return self.text("Code") if self.body.lstrip().startswith(b"<") else None


class Client:
    def __init__(self, url, access=ACCESS, secret=SECRET, region=REGION, token=None, ahead=0):
        self.host = urllib.parse.urlsplit(url).netloc
        self.access, self.secret, self.region = access, secret, region
        self.token, self.ahead = token, ahead
        self.connection = None

    def now(self):
        return datetime.datetime.utcnow() + datetime.timedelta(seconds=self.ahead)

    def sign(self, method, path, query, headers, payload):
        stamp = self.now().strftime("%Y%m%dT%H%M%SZ")
        headers["x-amz-date"] = stamp
        headers["x-amz-content-sha256"] = payload
        if self.token:
            headers["x-amz-security-token"] = self.token
        signed = {k.lower(): " ".join(w for w in v.split(" ") if w) for k, v in headers.items()
                  if k.lower() in ("host", "content-type", "content-md5", "range")
                  or k.lower().startswith("x-amz-")}
        for name in headers.pop("unsigned", "").split():
            signed.pop(name, None)
        names = ";".join(sorted(signed))
        canonical = "\n".join([method, path, query,
                               "".join(f"{n}:{signed[n]}\n" for n in sorted(signed)), names, payload])
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                          hashlib.sha256(canonical.encode("latin-1")).hexdigest()])
        self.scope, self.stamp = scope, stamp
        self.signature = hmac.new(self.key(stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
        headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access}/{scope},"
                                    f"SignedHeaders={names},Signature={self.signature}")

    def key(self, day):
        key = mac(("AWS4" + self.secret).encode(), day)
        for text in (self.region, "s3", "aws4_request"):
            key = mac(key, text)
        return key

    def sign_v2(self, method, path, query, headers):
        headers["Date"] = self.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        amz = "".join(f"{k}:{headers[k]}\n" for k in sorted(headers) if k.startswith("x-amz-"))
        known = sorted(p.rstrip("=") for p in query.split("&") if p.split("=")[0] in ("uploads", "delete", "acl"))
        text = "\n".join([method, headers.get("Content-MD5", ""), headers.get("Content-Type", ""),
                          headers["Date"], amz + path + ("?" + "&".join(known) if known else "")])
        made = base64.b64encode(hmac.new(self.secret.encode(), text.encode(), hashlib.sha1).digest())
        headers["Authorization"] = f"AWS {self.access}:{made.decode()}"

    def presign(self, method, bucket, key, seconds, age=0):
        stamp = (self.now() - datetime.timedelta(seconds=age)).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        path = f"/{bucket}/" + quote(key, "/-_.~")
        query = "&".join(f"{k}={quote(v)}" for k, v in sorted({
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{self.access}/{scope}",
            "X-Amz-Date": stamp, "X-Amz-Expires": str(seconds), "X-Amz-SignedHeaders": "host"}.items()))
        canonical = f"{method}\n{path}\n{query}\nhost:{self.host}\n\nhost\nUNSIGNED-PAYLOAD"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        signature = hmac.new(self.key(stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
        return self.send(method, f"{path}?{query}&X-Amz-Signature={signature}", {}, b"")

    def presign_v2(self, method, bucket, key, seconds, resource=(), unsigned=""):
        """resource: parameters that belong to it, as pairs; signed as they are, sent encoded"""
        expires = int(self.now().timestamp()) + seconds
        path = f"/{bucket}/" + quote(key, "/-_.~")
        signed = path + ("?" if resource else "") + "&".join(f"{k}={v}" for k, v in sorted(resource))
        made = hmac.new(self.secret.encode(), f"{method}\n\n\n{expires}\n{signed}".encode(), hashlib.sha1)
        query = "".join(f"{k}={quote(v)}&" for k, v in resource) + "&".join([
            f"AWSAccessKeyId={self.access}", f"Expires={expires}",
            "Signature=" + quote(base64.b64encode(made.digest()).decode())])
        return self.send(method, f"{path}?{query}{unsigned}", {}, b"")

    def send(self, method, target, headers, body, expect=False):
        if not self.connection:
            self.connection = http.client.HTTPConnection(self.host, timeout=30)
        c = self.connection
        try:
            c.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            c.putheader("Host", self.host)
            for name, value in headers.items():
                c.putheader(name, value.encode("latin-1") if name != "Host" else value)
            if body or method in ("PUT", "POST"):
                c.putheader("Content-Length", str(len(body)))
            c.endheaders()
            if body:
                c.send(body)
            r = c.getresponse()
            answer = Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
        except Exception:
            self.connection = None
            c.close()
            raise
        if answer["connection"] == "close":
            self.connection = None
        return answer

    def call(self, method, bucket="", key=None, query=None, headers=None, body=b"", how="v4",
             payload=None):
        path = "/" + bucket + ("" if key is None else "/" + quote(key, "/-_.~"))
        query = "&".join(f"{quote(k)}={quote(v)}" for k, v in sorted((query or {}).items()))
        headers = dict(headers or {})
        if how == "v4":
            with_host = {"host": self.host, **headers}
            self.sign(method, path, query, with_host,
                      payload or hashlib.sha256(body).hexdigest())
            headers = {k: v for k, v in with_host.items() if k not in ("host", "unsigned")}
        elif how == "v2":
            self.sign_v2(method, path, query, headers)
        return self.send(method, path + ("?" + query if query else ""), headers, body)

    def put(self, bucket, key, body=b"", **more):
        return self.call("PUT", bucket, key, body=body, **more)

    def get(self, bucket, key, **more):
        return self.call("GET", bucket, key, **more)

    def head(self, bucket, key, **more):
        return self.call("HEAD", bucket, key, **more)

    def copy(self, bucket, key, source_bucket, source_key, headers=None, **more):
        source = f"/{source_bucket}/" + quote(source_key, "/-_.~")
        return self.call("PUT", bucket, key, headers={"x-amz-copy-source": source, **(headers or {})},
                         **more)

    def list(self, bucket, v2=True, **query):
        """All pages: the keys, how many pages there were."""
        query = {k.replace("_", "-"): v for k, v in query.items()}
        query.setdefault("encoding-type", "url")
        if v2:
            query["list-type"] = "2"
        keys, prefixes, pages = [], [], 0
        while True:
            a = ok(self.call("GET", bucket, query=query))
            pages += 1
            url = a.text("EncodingType") == "url"
            read = urllib.parse.unquote_to_bytes if url else str.encode
            fix = (lambda s: s.replace("+", " ")) if url else (lambda s: s)
            new = [read(fix(e.text)) for c in a.root() if c.tag.endswith("Contents")
                   for e in c if e.tag.endswith("Key")]
            keys += new
            prefixes += [read(fix(e.text)) for c in a.root() if c.tag.endswith("CommonPrefixes")
                         for e in c]
            if a.text("IsTruncated") != "true":
                return keys, prefixes, pages
            if v2:
                query["continuation-token"] = a.text("NextContinuationToken")
            else:
                # What was listed last: a radosgw does not encode NextMarker with the rest.
                query["marker"] = max(keys[-1:] + prefixes[-1:]).decode()

    def start_upload(self, bucket, key, **more):
        return ok(self.call("POST", bucket, key, query={"uploads": ""}, **more)).text("UploadId")

    def part(self, bucket, key, upload, number, body=b"", **more):
        return self.call("PUT", bucket, key, query={"uploadId": upload, "partNumber": str(number)},
                         body=body, **more)

    def complete(self, bucket, key, upload, parts, extra=None, **more):
        body = "<CompleteMultipartUpload>" + "".join(
            f"<Part><PartNumber>{n}</PartNumber><ETag>&quot;{e}&quot;</ETag>{(extra or {}).get(n, '')}"
            "</Part>" for n, e in parts) + "</CompleteMultipartUpload>"
        return self.call("POST", bucket, key, query={"uploadId": upload}, body=body.encode(), **more)


def ok(answer, status=200):
    assert answer.status == status, f"{answer.status} {answer.body[:400]!r} instead of {status}"
    return answer


def refused(answer, status, *codes):
    assert answer.status == status, f"{answer.status} {answer.body[:400]!r} instead of {status}"
    assert not codes or answer.code in codes, f"{answer.code} instead of {codes}"
    return answer


def same(got, wanted):
    assert got == wanted, f"{got!r:.300} instead of {wanted!r:.300}"


def raises(function, *kinds):
    try:
        answer = function()
    except kinds:
        return
    raise AssertionError(f"an answer came: {answer.status} {answer.body[:200]!r}")


def md5(data):
    return hashlib.md5(data).hexdigest()


def b64(data):
    return base64.b64encode(data).decode()


def crc(data, polynomial, bits):
    """Bit by bit: slow, and made in no other way than the definition."""
    value = ones = (1 << bits) - 1
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
    return (value ^ ones).to_bytes(bits // 8, "big")


SUMS = {
    "crc32": lambda d: crc(d, 0xEDB88320, 32),
    "crc32c": lambda d: crc(d, 0x82F63B78, 32),
    "crc64nvme": lambda d: crc(d, 0x9A6C9329AC4BC9B5, 64),
    "sha1": lambda d: hashlib.sha1(d).digest(),
    "sha256": lambda d: hashlib.sha256(d).digest(),
}


def awkward_keys():
    keys = ["a", "a/b", "a/b/", "a/", "//", "/lead", "a//b", "trail//", ".", "..", "./a", "../a", "a/../b",
            "a/./b", " ", " lead", "trail ", "a b", "a+b", "a%20b", "a%2Fb", "%", "%%", "%zz", "a#b", "a?b",
            "a&b", "a=b", "a;b", "a:b", "a@b", "a,b", "a$b", "a!*'()b", "a\"b", "<a>", "a\\b", "a|b^c`d{e}",
            "~-_.", "\u00e9", "e\u0301", "\u4e2d\u6587", "\U0001f600", "\u00df\u0131", "x" * 1024,
            "\u00e9" * 512, "a\tb"]
    return sorted((k.encode() for k in keys))
