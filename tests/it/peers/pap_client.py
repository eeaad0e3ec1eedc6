"""A push initiator that shares nothing with bootgate: Python's standard library, written from the text of PAP
(WAP-247-PAP, sections 8, 9 and 14).

    pap_client.py URL USER PASSWORD ACTIONS [--ca FILE] [--own FILE] [--hear PORT [--hear-tls FILE]]

ACTIONS is a JSON list. Each action is done in its turn, and what came of it is printed as one JSON object on a line:
`http` is the status (0 for a connection that was closed without an answer), `root` the PAP message, `code` the first
status code in it, `elements` every element with its attributes. With --hear, results are taken on that port meanwhile,
with --hear-tls under TLS with that chain and key; the action {"do": "heard", "count": N} waits for N of them and prints them.
"""

import argparse
import base64
import http.client
import http.server
import json
import queue
import socket
import ssl
import sys
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import quoteattr

DOCTYPE = (
    '<?xml version="1.0"?>\n<!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP 2.0//EN"'
    ' "http://www.wapforum.org/DTD/pap_2.0.dtd">\n'
)
BOUNDARY = "python-initiator"
RELATED = f'multipart/related; boundary={BOUNDARY}; type="application/xml"'
PATIENCE = 20


class Ppg:
    """A Push Proxy Gateway, and who we are to it."""

    def __init__(self, args):
        self.url = urllib.parse.urlsplit(args.url)
        pair = f"{args.user}:{args.password}".encode()
        self.basic = "Basic " + base64.b64encode(pair).decode()
        self.tls = None
        if self.url.scheme == "https":
            self.tls = ssl.create_default_context(cafile=args.ca)
            if args.own:
                self.tls.load_cert_chain(args.own)

    def connect(self):
        stream = socket.create_connection((self.url.hostname, self.url.port), timeout=PATIENCE)
        return self.tls.wrap_socket(stream, server_hostname=self.url.hostname) if self.tls else stream

    def ask(self, content_type, body, authorization=None, fields=()):
        """One request over http.client."""
        if self.tls:
            kind, more = http.client.HTTPSConnection, {"context": self.tls}
        else:
            kind, more = http.client.HTTPConnection, {}
        connection = kind(self.url.hostname, self.url.port, timeout=PATIENCE, **more)
        head = {"Content-Type": content_type, "Authorization": authorization or self.basic, "Connection": "close"}
        try:
            connection.request("POST", self.url.path, body, dict(head, **dict(fields)))
            answer = connection.getresponse()
            return told(answer.status, answer.read())
        except (http.client.HTTPException, OSError) as error:
            return {"http": 0, "why": type(error).__name__}
        finally:
            connection.close()

    def raw(self, head, body=b"", pieces=1, pause=0.0):
        """Octets as they are, in pieces; the status of what comes back, and how many pieces went out."""
        stream = self.connect()
        sent = 0
        try:
            stream.sendall(head)
            while sent < pieces and body:
                stream.sendall(body)
                sent += 1
                time.sleep(pause)
        except OSError:
            pass
        answer = b""
        try:
            while part := stream.recv(65536):
                answer += part
        except OSError:
            pass
        stream.close()
        words = answer.split(b" ", 2)
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        return {"http": status, "pieces": sent}

    def head(self, length, extra=""):
        return (
            f"POST {self.url.path} HTTP/1.1\r\nHost: x\r\nAuthorization: {self.basic}\r\nContent-Type: {RELATED}\r\n"
            f"Content-Length: {length}\r\n{extra}\r\n"
        ).encode()


def told(status, body):
    """What an answer says."""
    answer = {"http": status}
    if body:
        root = ElementTree.fromstring(body)
        elements = [{"name": e.tag, **e.attrib} for e in root.iter() if e is not root]
        codes = [e["code"] for e in elements if "code" in e]
        answer.update(root=elements[0]["name"], code=int(codes[0]) if codes else None, elements=elements)
    return answer


def address(value):
    text = value if "=" in value else f"WAPPUSH=+{value}/TYPE=PLMN@ppg.example"
    return f"<address address-value={quoteattr(text)}/>"


def attributes(pairs):
    return "".join(f" {name}={quoteattr(value)}" for name, value in pairs.items())


def control(do):
    """The control entity of an action."""
    addresses = "".join(address(to) for to in do.get("to", []))
    more = attributes(do.get("attributes", {}))
    push_id = attributes({"push-id": do["id"]})
    element = {"push": "push-message", "status": "statusquery-message", "cancel": "cancel-message"}[do["do"]]
    quality = f"<quality-of-service{attributes(do['quality'])}/>" if "quality" in do else ""
    return f"{DOCTYPE}<pap><{element}{push_id}{more}>{addresses}{quality}</{element}></pap>"


def related(document, content="<si/>", kind="text/vnd.wap.si"):
    parts = [("application/xml", document), (kind, content)]
    text = "".join(f"--{BOUNDARY}\r\nContent-Type: {t}\r\n\r\n{body}\r\n" for t, body in parts)
    return (text + f"--{BOUNDARY}--\r\n").encode()


def simple(push_id, to="491711111111"):
    return control({"do": "push", "id": push_id, "to": [to]})


def bad(ppg):
    """What strangers may send, and what came of each; somebody else pushes meanwhile."""
    done, stop, slowest, count = {}, threading.Event(), [0.0], [0]

    def meanwhile():
        while not stop.is_set():
            begin = time.monotonic()
            answer = ppg.ask(RELATED, related(simple(f"meanwhile-{count[0]}")))
            assert answer.get("code") == 1001, answer
            slowest[0] = max(slowest[0], time.monotonic() - begin)
            count[0] += 1
            time.sleep(0.02)

    other = threading.Thread(target=meanwhile)
    other.start()
    trap = socket.create_server(("127.0.0.1", 0))
    trap.settimeout(0.2)
    entity = f"http://127.0.0.1:{trap.getsockname()[1]}/x"
    laughs = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    laughs = f'<!DOCTYPE pap [<!ENTITY a0 "ha">{laughs}]><pap><cancel-message push-id="&a9;"/></pap>'
    external = f'<!DOCTYPE pap [<!ENTITY x SYSTEM "{entity}">]><pap><cancel-message push-id="&x;"/></pap>'
    dtd = f'<!DOCTYPE pap SYSTEM "{entity}"><pap><statusquery-message push-id="1"/></pap>'
    many = lambda n: control({"do": "push", "id": f"many-{n}", "to": [f"49{i:09}" for i in range(n)]})
    good, xml = related(simple("good")), "application/xml"
    wrong = "Basic " + base64.b64encode(b"pi:wrong").decode()
    asks = {
        "missing boundary": (RELATED.replace(f"boundary={BOUNDARY}; ", ""), good),
        "missing push-id": (RELATED, good.replace(b' push-id="good"', b"")),
        "good": (RELATED, good),
        "duplicate push-id": (RELATED, good),
        "truncated": (RELATED, good[:-30]),
        "no content entity": (RELATED, good[: good.rindex(b"--" + BOUNDARY.encode(), 0, -40)]),
        "billion laughs": (xml, laughs.encode()),
        "external entity": (xml, external.encode()),
        "external dtd": (xml, dtd.encode()),
        "deep": (xml, b"<pap>" * 100_000),
        "10000 addresses": (RELATED, related(many(10_000))),
        "10001 addresses": (RELATED, related(many(10_001))),
        "not xml": (xml, b"\x00\xff" * 1000),
    }
    for what, (content_type, body) in asks.items():
        done[what] = ppg.ask(content_type, body)
    done["external entity"]["fetched"] = fetched(trap)
    done["wrong auth"] = ppg.ask(RELATED, good, wrong)
    done["no auth"] = ppg.ask(RELATED, good, "None")
    done["many header fields"] = ppg.ask(RELATED, good, None, [(f"X-{n}", "y") for n in range(5000)])
    done["long header field"] = ppg.raw(ppg.head(0, f"X: {'y' * 10_000_000}\r\n"))
    done["entity header bomb"] = ppg.ask(
        RELATED, good.replace(b"Content-Type: text", b"X: y\r\n" * 10_000 + b"Content-Type: text")
    )
    # A hundred million octets on twenty connections at once.
    big, results = b"x" * 1_000_000, queue.Queue()
    senders = [
        threading.Thread(target=lambda: results.put(ppg.raw(ppg.head(100_000_000), big, 100))) for _ in range(20)
    ]
    [t.start() for t in senders]
    [t.join() for t in senders]
    done["100 MB bodies"] = [results.get() for _ in senders]
    slow = [ppg.connect() for _ in range(50)]
    for stream in slow:
        stream.sendall(b"POST /pap HTTP/1.1\r\nHo")
    body = ppg.connect()
    body.sendall(ppg.head(500) + b"--")
    for stream in [*slow, body]:
        stream.settimeout(PATIENCE)
        try:
            while stream.recv(4096):
                pass
        except ConnectionError:
            pass
        stream.close()
    done["slow clients"] = {"ended": len(slow) + 1}
    stop.set()
    other.join()
    done["meanwhile"] = {"count": count[0], "slowest": slowest[0]}
    return done


def fetched(trap):
    try:
        trap.accept()
        return True
    except TimeoutError:
        return False


def hear(port, heard, chain=None):
    """Takes results (WAP-247-PAP, section 9.6), and JSON as a system of the operator does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Type"] == "application/json":
                self.send_response(204)
                self.end_headers()
                return heard.put({"note": json.loads(body), "authorization": self.headers["Authorization"]})
            result = told(0, body)
            first = result["elements"][0]
            to = [e for e in result["elements"] if e["name"] == "address"][0]
            answer = (
                f"{DOCTYPE}<pap><resultnotification-response{attributes({'push-id': first['push-id'], 'code': '1000'})}>"
                f"<address{attributes({'address-value': to['address-value']})}/></resultnotification-response></pap>"
            ).encode()
            self.send_response(202)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            heard.put(result)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if chain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def act(ppg, do, heard):
    what = do["do"]
    if what == "heard":
        return {"heard": [heard.get(timeout=PATIENCE) for _ in range(do["count"])]}
    if what == "bad":
        return bad(ppg)
    if what == "until":
        until = time.monotonic() + PATIENCE
        while True:
            answer = ppg.ask("application/xml", control(dict(do, do="status")).encode())
            states = [e.get("message-state") for e in answer["elements"] if e["name"] == "statusquery-result"]
            if all(state == do["state"] for state in states) or time.monotonic() > until:
                return answer
            time.sleep(0.05)
    if what == "push":
        body = related(control(do), do.get("content", "<si/>"), do.get("type", "text/vnd.wap.si"))
        return ppg.ask(RELATED, body)
    return ppg.ask("application/xml", control(do).encode())


def main():
    parser = argparse.ArgumentParser()
    for name in ["url", "user", "password", "actions"]:
        parser.add_argument(name)
    parser.add_argument("--ca")
    parser.add_argument("--own")
    parser.add_argument("--hear", type=int)
    parser.add_argument("--hear-tls")
    args = parser.parse_args()
    heard = queue.Queue()
    if args.hear:
        hear(args.hear, heard, args.hear_tls)
    ppg = Ppg(args)
    for do in json.loads(args.actions):
        print(json.dumps(act(ppg, do, heard)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
