"""A call of Asterisk's AudioSocket, as its protocol describes it: kind, length (big-endian), payload.

    audiosocket.py HOST:PORT API CALLER KEY FILE

Announces a call of CALLER, holds it with 20 ms of sound every 20 ms, presses KEY once the robot has spoken and is quiet,
hears it out, and hangs up. What was heard goes to FILE (16 bits little-endian, 8 kHz).
"""

import array
import math
import select
import socket
import struct
import sys
import time
import urllib.request
import uuid

address, api, caller, key, heard_file = sys.argv[1:]
call = uuid.uuid4()
announcement = urllib.request.Request(
    f"http://{api}/api/v1/audiosocket/{call}",
    data=f"caller=%2B{caller.lstrip('+')}&line=100".encode(),
    headers={"X-Requested-With": "asterisk"},
)
with urllib.request.urlopen(announcement, timeout=30) as answer:
    assert answer.status == 204, answer.status

host, port = address.rsplit(":", 1)
line = socket.create_connection((host, int(port)), timeout=30)
line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
line.sendall(b"\x01" + struct.pack(">H", 16) + call.bytes)

tone = [int(6000 * math.sin(2 * math.pi * 300 * n / 8000)) for n in range(160)]
tone, silence = (struct.pack("<160h", *samples) for samples in (tone, [0] * 160))
heard, buffer, quiet, turns, pressed = bytearray(), b"", 0, 0, False
spoke, last = False, time.monotonic()
started, due = time.monotonic(), time.monotonic()
while turns < 2:
    now = time.monotonic()
    assert now - started < 120, f"after {turns} turns the robot says nothing more"
    assert now - last < 2, "nothing came for 2 s: Asterisk would have ended the call"
    if now >= due:
        line.sendall(b"\x10" + struct.pack(">H", 320) + silence)
        due += 0.02
    if not select.select([line], [], [], max(0, due - time.monotonic()))[0]:
        continue
    arrived = line.recv(65536)
    assert arrived, "the connection was closed"
    buffer, last = buffer + arrived, time.monotonic()
    while len(buffer) >= 3:
        kind, length = struct.unpack(">BH", buffer[:3])
        if len(buffer) < 3 + length:
            break
        payload, buffer = buffer[3 : 3 + length], buffer[3 + length :]
        assert kind != 0x00, f"the robot hung up after {turns} turns"
        assert kind == 0x10 and length == 320, (kind, length)
        heard += payload
        loud = max(map(abs, array.array("h", payload))) > 300
        spoke, quiet = spoke or loud, 0 if loud else quiet + 1
        # Two seconds of quiet after speech end the robot's turn.
        if spoke and quiet == 100:
            turns, spoke = turns + 1, False
            if not pressed:
                line.sendall(b"\x03" + struct.pack(">H", 1) + key.encode())
                pressed = True
# What the recording is looked at for; by now the caller knows that there is one.
for _ in range(30):
    line.sendall(b"\x10" + struct.pack(">H", 320) + tone)
    time.sleep(0.02)
line.sendall(b"\x00\x00\x00")
line.close()
with open(heard_file, "wb") as file:
    file.write(heard)
