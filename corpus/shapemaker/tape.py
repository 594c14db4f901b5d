"""Collects exchanges as lines of the corpus's JSONL form (see ../README.md)."""

import base64
import json

REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    429: "Too Many Requests",
    502: "Bad Gateway",
    504: "Gateway Timeout",
}


def head_bytes(first, headers):
    return len(first) + 2 + sum(len(n.encode()) + len(v.encode()) + 4 for n, v in headers) + 2


class Tape:
    def __init__(self, r, scenario, plane, name, start_ms):
        self.r, self.scenario, self.plane, self.name = r, scenario, plane, name
        self.start, self.ms, self.lines = start_ms, start_ms, []

    def pause(self, low=20, high=3000):
        self.ms += self.r.randrange(low, high)

    def put(self, method, target, req_headers, req_body, status, resp_headers, resp_body, wait_ms=0):
        took = wait_ms + self.r.randrange(2, 90)
        self.lines.append(
            {
                "scenario": self.scenario,
                "plane": self.plane,
                "t": round((self.ms - self.start) / 1000, 4),
                "conn": f"{self.plane}-{self.name}-1",
                "method": method,
                "target": target,
                "req_headers": req_headers,
                "req_body": base64.b64encode(req_body).decode(),
                "status": status,
                "resp_headers": resp_headers,
                "resp_body": base64.b64encode(resp_body).decode(),
                "hs": self.name,
                "dur": round(took / 1000, 4),
                "req_head_bytes": head_bytes(f"{method} {target} HTTP/1.1", req_headers),
                "resp_head_bytes": head_bytes(f"HTTP/1.1 {status} {REASONS.get(status, '')}", resp_headers),
            }
        )
        self.ms += took

    def text(self):
        return "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in self.lines)
