"""An echo server that grew with plainws check --learn: a line with #5 came at stage 5, one with #0-7 went after 7.

Finished, it has 40 lines of code."""
import base64, hashlib, http.server, struct, sys

class Echo(http.server.BaseHTTPRequestHandler):
    kind, message = 0, b""

    def do_GET(self):  #1
        get, ok = lambda name: self.headers.get(name, ""), True  #1
        ok = self.request_version == "HTTP/1.1" and len(base64.b64decode(get("Sec-WebSocket-Key"))) == 16  #10
        ok &= "upgrade" in get("Connection").lower() and get("Upgrade").lower() == "websocket"  #10
        ok &= get("Sec-WebSocket-Version") == "13"  #10
        accept = hashlib.sha1((get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()  #1
        answer = "101 Switching Protocols\r\nSec-WebSocket-Accept: " + base64.b64encode(accept).decode()  #1
        if not ok: answer = "426 Upgrade Required\r\nSec-WebSocket-Version: 13"  #10
        self.wfile.write(f"HTTP/1.1 {answer}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".encode())  #1
        try:  #1
            while ok and (head := self.rfile.read(2)) and self.frame(*head): pass  #1
        except ValueError as e: self.send(8, struct.pack(">H", 1007 if isinstance(e, UnicodeError) else 1002))  #9
        except OSError: pass  #1

    def frame(self, first, second):
        is_last, opcode, length = first & 128, first & 15, second & 127
        if length > 125: length = int.from_bytes(self.rfile.read(2 if length == 126 else 8), "big")  #3
        if first & 112 or second < 128 or opcode & 7 > 2: raise ValueError("reserved bits, no mask, or opcode")  #9
        if opcode > 7 and (length > 125 or not is_last): raise ValueError("control frame")  #9
        if opcode < 8 and (opcode == 0) != (self.kind > 0): raise ValueError("fragment")  #9
        key = self.rfile.read(4)
        payload = bytes(byte ^ key[at % 4] for at, byte in enumerate(self.rfile.read(length)))
        if opcode == 8: self.send(8, payload[:2])  #7
        if opcode == 9: self.send(10, payload)  #5
        if opcode > 7: return opcode != 8
        self.kind, self.message = opcode or self.kind, self.message + payload  #6
        if not is_last: return True  #6
        if self.kind == 1: self.message.decode()  #9
        if opcode: self.send(opcode, payload)  #2-5
        self.send(self.kind, self.message)  #6
        self.kind, self.message = 0, b""  #6
        self.rfile = self.request.makefile("rb")  #0-3
        return True

    def send(self, opcode, payload):
        n = len(payload)
        length = bytes([n % 126])  #0-2
        length = bytes([n]) if n < 126 else struct.pack(">BH", 126, n) if n < 65536 else struct.pack(">BQ", 127, n)  #3
        self.request.sendall(bytes([128 | opcode]) + length + payload)

server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Echo)  #0-7
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo)  #8
print(f"http://127.0.0.1:{server.server_address[1]}/", flush=True)
server.serve_forever()
