"""A small homeserver for one namespace: counts what it is asked, one line a request in a file. usage: upstream.py PORT FILE"""

import http.server
import sys
import threading

LOCK = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with LOCK, open(sys.argv[2], "a", encoding="ascii") as f:
            f.write(f"{self.command} {self.path} {len(body)}\n")
        text = (f'{{"path":"{self.path}","received":{len(body)}}}').encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_POST = answer

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
