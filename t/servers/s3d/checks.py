# SPDX-License-Identifier: MIT
"""What checks of an S3 server are made of."""
import uuid

from s3client import Client, ok


CHECKS = {"generic": [], "strict": []}


def check(kind):
    def add(function):
        CHECKS[kind].append(function)
        return function
    return add


class World:
    """A server, a bucket of its own, and what is asked of the server itself."""

    def __init__(self, url, second=None):
        self.url, self.second = url, second
        self.c = Client(url)
        self.b = self.new_bucket()
        self.other = Client(url)

    def new_bucket(self, **more):
        name = "check-" + uuid.uuid4().hex[:12]
        ok(self.c.call("PUT", name, **more))
        return name

    def control(self, method, what, body=""):
        return ok(self.other.send(method, "/.s3d/" + what, {}, body.encode())).body.decode()

    def script(self, *rules):
        self.control("POST", "script", "\n".join(rules) or "#")

    def set(self, *assignments):
        for one in assignments:
            self.control("POST", "set", one)
