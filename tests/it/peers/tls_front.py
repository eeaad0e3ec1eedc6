"""TLS in front of a server that speaks none, as operators put it in front of an SMSC.

    tls_front.py CHAIN KEY CA HOST PORT

Listens on a free port of loopback, prints it, and passes on what comes under TLS. Who shows no certificate that comes from
CA is not let in.
"""

import socket
import ssl
import sys
import threading


def passed_on(source, target):
    try:
        while octets := source.recv(65536):
            target.sendall(octets)
    except OSError:
        pass
    for stream in (source, target):
        try:
            stream.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(context, plain, host, port):
    try:
        stream = context.wrap_socket(plain, server_side=True)
        inner = socket.create_connection((host, port))
    except OSError:
        return plain.close()
    other = threading.Thread(target=passed_on, args=(inner, stream), daemon=True)
    other.start()
    passed_on(stream, inner)


def main(chain, key, ca, host, port):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    context.load_cert_chain(chain, key)
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        plain, _ = listener.accept()
        threading.Thread(target=serve, args=(context, plain, host, int(port)), daemon=True).start()


main(*sys.argv[1:])
