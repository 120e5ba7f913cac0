#!/usr/bin/env python3
# Copyright (c) 2026 the trapline authors
# SPDX-License-Identifier: ISC
"""Writes the captures of the scenarios beside it: python3 make.py

Nothing but the standard library, and no randomness: the same bytes each time.
The files are in the tree; this says what is in them.
"""

import ipaddress
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
START = 1767225600  # 2026-01-01T00:00:00Z

ETHERNET, PFLOG, NFLOG = 1, 117, 239
SYN, ACK, FIN, RST = 0x02, 0x10, 0x01, 0x04


def ip(src, dst, proto, payload):
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if src.version == 6:
        return (struct.pack("!IHBB", 6 << 28, len(payload), proto, 60) +
                src.packed + dst.packed + payload)
    return (struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, 60,
                        proto, 0) + src.packed + dst.packed + payload)


def tcp(src, sport, dst, dport, flags, seq=1, ack=0):
    return ip(src, dst, 6, struct.pack("!HHIIBBHHH", sport, dport, seq, ack,
                                       0x50, flags, 16384, 0, 0))


def ethernet(packet, vlan=None):
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return bytes(12) + tag + struct.pack("!H", kind) + packet


class Capture:
    """Packets by time, written as a classic pcap file of either byte order."""

    def __init__(self, link, order="<"):
        self.link, self.order, self.packets = link, order, []

    def add(self, time, data):
        self.packets.append((time, len(self.packets), data))

    def write(self, name):
        with open(os.path.join(HERE, name), "wb") as out:
            out.write(struct.pack(self.order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0,
                                  0, 65535, self.link))
            for time, _, data in sorted(self.packets):
                ms = round(time * 1000)
                out.write(struct.pack(self.order + "IIII",
                                      START + ms // 1000, ms % 1000 * 1000,
                                      len(data), len(data)))
                out.write(data)


def handshake(capture, time, src, sport, dst, dport, vlan=None):
    """Three packets, a millisecond apart."""
    capture.add(time, ethernet(
        tcp(src, sport, dst, dport, SYN, 100), vlan))
    capture.add(time + 0.001, ethernet(
        tcp(dst, dport, src, sport, SYN | ACK, 500, 101), vlan))
    capture.add(time + 0.002, ethernet(
        tcp(src, sport, dst, dport, ACK, 101, 501), vlan))


def reset(capture, time, src, sport, dst, dport):
    capture.add(time, ethernet(tcp(src, sport, dst, dport, RST, 101, 501)))


def handshakes():
    c = Capture(ETHERNET)
    server, server6 = "192.0.2.10", "2001:db8:10::10"
    # Over 3/30 at the fourth; the fifth extends.
    for i in range(5):
        handshake(c, i, "203.0.113.66", 40000 + i, server, 22)
    # Two addresses of one /64, over together; tagged frames.
    for i in range(4):
        handshake(c, 10 + i / 10, f"2001:db8:66::{i % 2 + 1}", 41000 + i,
                  server6, 22, vlan=7)
    # A flood of SYNs that nobody completes: no established connection.
    for i in range(40):
        c.add(12 + i / 1000, ethernet(
            tcp("203.0.113.80", 42000 + i, server, 22, SYN, 100)))
    # An ignored friend, and somebody who is never held.
    for i in range(6):
        handshake(c, 14 + i / 10, "203.0.113.20", 43000 + i, server, 22)
        handshake(c, 15 + i / 10, "192.0.2.99", 43100 + i, server, 22)
    # Six at a time are over max-src-conn 5.
    for i in range(6):
        handshake(c, 20 + i / 10, "203.0.113.90", 44000 + i, server, 25)
    # Twelve, of which never more than three at a time.
    for i in range(12):
        handshake(c, 22 + i, "203.0.113.91", 45000 + i, server, 25)
        reset(c, 22.9 + i, "203.0.113.91", 45000 + i, server, 25)
    # Cut in the middle of the TCP header: undecodable.
    c.add(40, ethernet(tcp("203.0.113.66", 1, server, 22, SYN))[:40])
    # Late enough for what is held for a minute to lapse.
    handshake(c, 200, "203.0.113.30", 46000, server, 22)
    c.write("handshakes.pcap")


def pflog_header(action, ifname, dir_, length, order="<", anchor=b""):
    """OpenBSD's (100) or FreeBSD's (69) header of an IPv4 packet."""
    head = struct.pack("BBBB16s16sII", length, 2, action, 0, ifname, anchor,
                       0x07000000, 0xFFFFFFFF)
    head += struct.pack(order + "IiIi", 0xFFFFFFFF, 100000, 0, 777)
    head += struct.pack("B", dir_)
    return head.ljust(length + 3 & ~3, b"\0")


def pflog(name, length, order):
    c = Capture(PFLOG, order)
    for i in range(4):
        packet = tcp("203.0.113.66", 40000 + i, "192.0.2.10", 22, SYN, i + 1)
        # "log (all)": the same SYN twice is one observation.
        for delay in (0, 0.001):
            c.add(i + delay, pflog_header(0, b"em0", 1, length, order) +
                  packet)
        # What follows the SYN opens nothing.
        c.add(i + 0.01, pflog_header(0, b"em0", 1, length, order) +
              tcp("203.0.113.66", 40000 + i, "192.0.2.10", 22, ACK, i + 2))
    for i in range(3):
        c.add(10 + i, pflog_header(1, b"em1", 1, length, order, b"guests") +
              tcp("203.0.113.70", 50000 + i, "192.0.2.10", 23 + i, SYN,
                  i + 1))
    # A length that no system writes.
    c.add(14, b"\x20" + pflog_header(0, b"em0", 1, length, order)[1:])
    c.write(name)


def nflog_record(time, group, packet):
    def tlv(kind, data):
        return (struct.pack("<HH", 4 + len(data), kind) + data).ljust(
            4 + len(data) + 3 & ~3, b"\0")

    us = round(time * 1000000)
    return (struct.pack("!BBH", 2, 0, group) +
            tlv(1, struct.pack("!HBB", 0x0800, 2, 0)) +
            tlv(10, b"ssh\0") + tlv(4, struct.pack("!I", 2)) +
            tlv(3, struct.pack("!QQ", START + us // 1000000, us % 1000000)) +
            tlv(9, packet))


def nflog():
    c = Capture(NFLOG)
    for i in range(4):
        packet = tcp("203.0.113.66", 40000 + i, "192.0.2.10", 22, SYN, i + 1)
        c.add(i, nflog_record(i, 5, packet))
    for i in range(3):
        packet = tcp("203.0.113.70", 50000 + i, "192.0.2.10", 23 + i, SYN,
                     i + 1)
        c.add(5 + i, nflog_record(5 + i, 6, packet))
    # A group that no sensor line names counts as passed.
    for i in range(3):
        packet = tcp("203.0.113.71", 51000 + i, "192.0.2.10", 22, SYN, i + 1)
        c.add(9 + i, nflog_record(9 + i, 9, packet))
    # A TLV longer than its record.
    c.add(13, bytes.fromhex("020000000001010000000000"))
    c.write("nflog.pcap")


if __name__ == "__main__":
    handshakes()
    pflog("pflog-openbsd.pcap", 100, "<")
    pflog("pflog-freebsd-big-endian.pcap", 69, ">")
    nflog()
