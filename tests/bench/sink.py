"""Takes webhooks and counts them, as fast as a process of Python can."""

import asyncio
import sys

REPLY = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"


class Sink(asyncio.Protocol):
    count = 0

    def connection_made(self, transport):
        self.transport, self.rest = transport, b""

    def data_received(self, data):
        self.rest += data
        while (head := self.rest.find(b"\r\n\r\n")) >= 0:
            said = self.rest[:head].lower()
            at = said.find(b"content-length:")
            size = int(said[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.rest) < head + 4 + size:
                return
            self.rest = self.rest[head + 4 + size :]
            if said.startswith(b"get"):
                body = str(Sink.count).encode()
                size = str(len(body)).encode()
                told = b"HTTP/1.1 200 OK\r\ncontent-length: " + size + b"\r\n\r\n"
                self.transport.write(told + body)
            else:
                Sink.count += 1
                self.transport.write(REPLY)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
