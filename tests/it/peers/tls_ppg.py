"""A Push Proxy Gateway that shares nothing with bootgate: Python's ssl, and one answer.

    tls_ppg.py CHAIN KEY CA

Listens on a free port of loopback, prints it, and answers each push over HTTPS with 1001. Who shows no certificate that
comes from CA gets no answer. Prints one JSON object for each request: its header fields, and the client's name.
"""

import http.server
import json
import re
import ssl
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        push_id = re.search(rb'push-id="([^"]*)"', body).group(1).decode()
        answer = (
            f'<?xml version="1.0"?><pap><push-response push-id="{push_id}"><response-result code="1001"/>'
            "</push-response></pap>"
        ).encode()
        self.send_response(202)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        subject = dict(pair for part in self.connection.getpeercert()["subjectAltName"] for pair in [part])
        print(json.dumps({"fields": dict(self.headers), "path": self.path, "client": subject["DNS"]}), flush=True)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Clients that are not let in are no news."""


def main(chain, key, ca):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    context.load_cert_chain(chain, key)
    context.verify_mode = ssl.CERT_REQUIRED
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.serve_forever()


main(*sys.argv[1:])
