#!/usr/bin/env python3
"""An aiocoap server with the plugtest resources, for our client. Prints "port=N" when ready."""

import argparse
import asyncio
import hashlib

import aiocoap
from aiocoap import resource
from aiocoap.numbers import ContentFormat
from aiocoap.numbers.codes import Code

from peers import free_port, pattern, tune_aiocoap


def query_number(request, name, otherwise):
    for item in request.opt.uri_query:
        key, _, value = item.partition("=")
        if key == name:
            return int(value)
    return otherwise


class Stored(resource.Resource):
    """GET, PUT, POST, DELETE on a representation, with ETag."""

    def __init__(self, site, content=None):
        super().__init__()
        self.site = site
        self.content = content

    @staticmethod
    def etag(content):
        return hashlib.sha256(content).digest()[:8]

    async def render_get(self, request):
        if self.content is None:
            return aiocoap.Message(code=Code.NOT_FOUND)
        etag = self.etag(self.content)
        if etag in request.opt.etags:
            return aiocoap.Message(code=Code.VALID, etag=etag)
        return aiocoap.Message(payload=self.content, etag=etag, content_format=ContentFormat.TEXT)

    async def render_put(self, request):
        self.site.requests += 1
        if request.opt.if_none_match and self.content is not None:
            return aiocoap.Message(code=Code.PRECONDITION_FAILED)
        if request.opt.if_match and (self.content is None or self.etag(self.content) not in request.opt.if_match):
            return aiocoap.Message(code=Code.PRECONDITION_FAILED)
        created = self.content is None
        self.content = request.payload
        return aiocoap.Message(code=Code.CREATED if created else Code.CHANGED)

    async def render_post(self, request):
        self.site.requests += 1
        self.content = request.payload
        return aiocoap.Message(code=Code.CREATED, location_path=["location1", "location2", "location3"])

    async def render_delete(self, request):
        self.site.requests += 1
        self.content = None
        return aiocoap.Message(code=Code.DELETED)


class Requests(resource.Resource):
    def __init__(self, site):
        super().__init__()
        self.site = site

    async def render_get(self, request):
        return aiocoap.Message(payload=str(self.site.requests).encode())


class Query(resource.Resource):
    async def render_get(self, request):
        return aiocoap.Message(payload="&".join(request.opt.uri_query).encode(), content_format=0)


class LocationQuery(resource.Resource):
    async def render_post(self, request):
        return aiocoap.Message(code=Code.CREATED, location_query=["first=1", "second=2"])


class Separate(resource.Resource):
    async def render_get(self, request):
        await asyncio.sleep(query_number(request, "ms", 1000) / 1000)
        return aiocoap.Message(payload=b"separate", content_format=0)


class Large(resource.Resource):
    async def render_get(self, request):
        return aiocoap.Message(payload=pattern(query_number(request, "size", 1280)), content_format=42)


class Echo(resource.Resource):
    def __init__(self, site):
        super().__init__()
        self.site = site

    async def render_post(self, request):
        self.site.requests += 1
        return aiocoap.Message(code=Code.CHANGED, payload=request.payload)


class MultiFormat(resource.Resource):
    async def render_get(self, request):
        if request.opt.accept == 41:
            return aiocoap.Message(payload=b"<xml/>", content_format=41)
        return aiocoap.Message(payload=b"text", content_format=ContentFormat.TEXT)


class Observed(resource.ObservableResource):
    """Ticks --obs-n times from the first observer on; the k-th state says k."""

    def __init__(self, args, size):
        super().__init__()
        self.args, self.size = args, size
        self.count, self.task = 0, None
        self.observers = 0

    def update_observation_count(self, newcount):
        self.observers = newcount
        if newcount and self.task is None:
            self.task = asyncio.get_running_loop().create_task(self.tick())

    async def tick(self):
        for _ in range(self.args.obs_n):
            await asyncio.sleep(self.args.obs_ms / 1000)
            self.count += 1
            self.updated_state()

    async def render_get(self, request):
        if self.size:
            return aiocoap.Message(payload=pattern(self.size, self.count), content_format=42)
        return aiocoap.Message(payload=str(self.count).encode(), content_format=0)

    async def render_put(self, request):
        self.count = 1000
        self.updated_state()
        return aiocoap.Message(code=Code.CHANGED)

    async def render_delete(self, request):
        self.updated_state(aiocoap.Message(code=Code.NOT_FOUND))
        return aiocoap.Message(code=Code.DELETED)


class Observers(resource.Resource):
    def __init__(self, observed):
        super().__init__()
        self.observed = observed

    async def render_get(self, request):
        return aiocoap.Message(payload=str(self.observed.observers).encode())


class Site(resource.Site):
    def __init__(self, args):
        super().__init__()
        self.requests = 0
        observed = Observed(args, 0)
        for path, one in {
            "test": Stored(self, b"hello"),
            "requests": Requests(self),
            "seg1/seg2/seg3": Query(),
            "query": Query(),
            "location-query": LocationQuery(),
            "separate": Separate(),
            "large": Large(),
            "large-update": Stored(self),
            "large-create": Stored(self),
            "echo": Echo(self),
            "validate": Stored(self, b"first"),
            "create1": Stored(self),
            "multi-format": MultiFormat(),
            "obs": observed,
            "observers": Observers(observed),
            "obs-large": Observed(args, args.obs_size),
        }.items():
            self.add_resource(path.split("/"), one)
        self.add_resource([".well-known", "core"], resource.WKCResource(self.get_resources_as_linkheader))


async def serve(args):
    port = free_port(args.host)
    if args.tune:
        tune_aiocoap()
    await aiocoap.Context.create_server_context(Site(args), bind=(args.host, port))
    print(f"port={port}", flush=True)
    await asyncio.get_running_loop().create_future()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="::1")
    parser.add_argument("--obs-n", type=int, default=100)
    parser.add_argument("--obs-ms", type=float, default=20)
    parser.add_argument("--obs-size", type=int, default=3000)
    parser.add_argument("--tune", action="store_true", help="times for a loopback with losses")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
