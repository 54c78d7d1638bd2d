"""An echo server that grew with plainws check --learn: a line with #5 came at stage 5, one with #0-7 went after 7."""
import base64, hashlib, socketserver, struct, sys

class Echo(socketserver.StreamRequestHandler):
    kind, message = 0, b""

    def handle(self):
        start, *lines = iter(lambda: self.rfile.readline().decode("latin-1").strip(), "")
        field = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        key, is_right = field.get("sec-websocket-key", ""), True
        is_right = field.get("upgrade", "").lower() == "websocket" and "upgrade" in field.get("connection", "").lower()  #10
        is_right &= start[:4] == "GET " and start[-9:] == " HTTP/1.1" and len(base64.b64decode(key)) == 16  #10
        is_right &= field.get("sec-websocket-version") == "13"  #10
        answer, accept = "426 Upgrade Required\r\nSec-WebSocket-Version: 13", hashlib.sha1(key.encode())
        accept.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")  #1
        if is_right: answer = "101 Go\r\nSec-WebSocket-Accept: " + base64.b64encode(accept.digest()).decode()  #1
        self.wfile.write(f"HTTP/1.1 {answer}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".encode())
        try:
            while is_right and self.frame(): pass
        except UnicodeDecodeError: self.send(8, struct.pack(">H", 1007))  #9
        except ValueError: self.send(8, struct.pack(">H", 1002))  #9
        except OSError: pass

    def frame(self):
        self.rfile = self.request.makefile("rb")  #0-3
        head = self.rfile.read(2)
        if len(head) < 2: return False
        is_last, opcode, length = head[0] & 128, head[0] & 15, head[1] & 127
        if length == 126: length = int.from_bytes(self.rfile.read(2), "big")  #3
        if length == 127: length = int.from_bytes(self.rfile.read(8), "big")  #3
        if head[0] & 112 or head[1] < 128 or opcode & 7 > 2: raise ValueError("reserved bits, no mask, opcode")  #9
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
        return True

    def send(self, opcode, payload):
        length = bytes([len(payload) % 126])
        if len(payload) > 125: length = struct.pack(">BH", 126, len(payload) % 65536)  #3
        if len(payload) > 65535: length = struct.pack(">BQ", 127, len(payload))  #3
        self.request.sendall(bytes([128 | opcode]) + length + payload)

class Server(socketserver.TCPServer):  #0-7
class Server(socketserver.ThreadingTCPServer):  #8
    allow_reuse_address = daemon_threads = True

server = Server(("127.0.0.1", int(sys.argv[1])), Echo)
print(f"http://127.0.0.1:{server.server_address[1]}/", flush=True)
server.serve_forever()
