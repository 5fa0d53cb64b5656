"""Fronts that tests can reason about: small Python programs in the place of gunicorn."""

import sys

GREETING = """
import http.server, os, socket, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/die': os._exit(7)
        body = ' '.join(sys.argv[1:]).encode()
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=int(sys.argv[sys.argv.index('--fd') + 1]))
print('{"type":"server.log","content":"hello","level":"info"}', flush=True)
print('not JSON', flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.buffer.read()
"""

GREETS = (sys.executable, "-c", GREETING)
ENDS_AT_ONCE = (sys.executable, "-c", "import sys; sys.exit(3)")
