"""An echo server of forty lines, as tutorials end with it: it echoes in a browser, and takes each read for one whole text."""
import base64, hashlib, socket, sys, threading

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

def handshake(connection):
    request = connection.recv(4096).decode()
    for line in request.split("\r\n"):
        if line.lower().startswith("sec-websocket-key:"):
            key = line.split(":", 1)[1].strip()
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    connection.send(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: " + accept + "\r\n\r\n").encode())

def decode(data):
    length = data[1] & 127
    start = 2
    if length == 126:
        length, start = int.from_bytes(data[2:4], "big"), 4
    elif length == 127:
        length, start = int.from_bytes(data[2:10], "big"), 10
    key, payload = data[start:start + 4], data[start + 4:]
    return bytes(byte ^ key[i % 4] for i, byte in enumerate(payload)).decode()

def encode(text):
    payload = text.encode()
    if len(payload) < 126:
        return bytes([0x81, len(payload)]) + payload
    if len(payload) < 65536:
        return bytes([0x81, 126]) + len(payload).to_bytes(2, "big") + payload
    return bytes([0x81, 127]) + len(payload).to_bytes(8, "big") + payload

def serve(connection):
    handshake(connection)
    while True:
        data = connection.recv(4096)
        if not data or data[0] & 15 == 8:
            break
        connection.send(encode(decode(data)))
    connection.close()

server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(f"http://127.0.0.1:{server.getsockname()[1]}/", flush=True)
while True:
    threading.Thread(target=serve, args=server.accept()[:1], daemon=True).start()
