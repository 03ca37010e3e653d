"""Checks a transparency log from the outside, with Python's standard library alone.

Written from the published texts and not from the server's code, so that the two can disagree:
c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-tiles, RFC 6962, RFC 8032, RFC 8785, RFC 9162.
"""

import argparse
import base64
import hashlib
import http.client
import json
import re
import sys
import urllib.error
import urllib.request

ERRORS = (ValueError, OSError, RecursionError, http.client.HTTPException)


def need(fits, otherwise):
    if not fits:
        raise ValueError(otherwise)


def at(place, check, *arguments):
    """Runs a check and puts the place in front of what it finds."""
    try:
        return check(*arguments)
    except ERRORS as error:
        raise ValueError(f"{place}: {error}") from None


def sha256(data):
    return hashlib.sha256(data).digest()


def unbase64(text, length=None):
    """Decodes base64 (RFC 4648, 4) in the one spelling that an encoder gives (3.5)."""
    data = base64.b64decode(str(text), validate=True)
    need(base64.b64encode(data).decode() == text and length in (None, len(data)), f"wrong base64: {text!r}")
    return data


# RFC 8032, 5.1: Ed25519, with points as (x, y), which is slow, but short.
P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(p, q):
    (x1, y1), (x2, y2) = p, q
    e = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + e, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - e, -1, P) % P


def times(number, point):
    rest = times(number >> 1, add(point, point)) if number else (0, 1)
    return add(rest, point) if number & 1 else rest


def decode_point(data):
    """RFC 8032, 5.1.3."""
    sign, y = divmod(int.from_bytes(data, "little"), 1 << 255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    need(y < P and (x * x - square) % P == 0 and (x or not sign), "32 bytes that are no point of the curve")
    return (x if x & 1 == sign else P - x), y


def ed25519_verifies(public, message, signature):
    """RFC 8032, 5.1.7, with the stricter equation: [S]B = R + [k]A."""
    base = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    a, r, s = decode_point(public), decode_point(signature[:32]), int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return len(signature) == 64 and s < ORDER and times(s, base) == add(r, times(k, a))


def node(left, right):
    return sha256(b"\x01" + left + right)  # RFC 6962, 2.1


def climb(fn, sn, path):
    """RFC 9162, 2.1.3.2 step 4 and 2.1.4.2 step 6: each hash of a proof, and whether it goes to the left."""
    for value in path:
        need(sn != 0, "the proof is too long")
        left = fn & 1 or fn == sn
        while left and not fn & 1 and fn:
            fn, sn = fn >> 1, sn >> 1
        yield value, left
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the proof is too short")


def parse_object(data):
    """An object in I-JSON, where no object has two members of one name (RFC 8785, 3.1)."""
    once = "an object has two members of one name"
    value = json.loads(data.decode(), object_pairs_hook=lambda m: need(len(dict(m)) == len(m), once) or dict(m))
    need(isinstance(value, dict), "not a JSON object")
    return value


def canonical(value):
    """RFC 8785, 3.2, for everything but fractions and exponents."""
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)  # 3.2.2.1 and 3.2.2.2: these escapes are Python's own
    if isinstance(value, int):
        need(abs(value) < 2**53, f"too large for a number: {value}")  # 3.1
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict):  # 3.2.3: in the order of UTF-16 code units
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    raise ValueError(f"this checker only knows integers, not {value!r}")


def tile_path(level, n, width):
    """tlog-tiles, Merkle Tree: index 1234067 is x001/x234/067."""
    path = f"{n % 1000:03}"
    while n := n // 1000:
        path = f"x{n % 1000:03}/{path}"
    return f"/log/tile/{level}/{path}" + (f".p/{width}" if width < 256 else "")


class Log:
    """A log, as its server shows it; rows[h] holds the hashes of all full subtrees of 2**h leaves."""

    def __init__(self, url):
        self.url = url.rstrip("/")
        self.key = at("/log/key", lambda: self.parse_key(self.get("/log/key")))
        note = at("/log/checkpoint", self.get, "/log/checkpoint", "text/plain;charset=utf-8")
        self.size, self.head = at("/log/checkpoint", self.parse_checkpoint, note)

    def parse_key(self, data):
        """signed-note, Verifier keys: <key name>+hex(key ID)+base64(type || public key)."""
        match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)\n?", data.decode())
        need(match, f"not a verifier key: {data!r}")
        name, key_id, typed = match[1], bytes.fromhex(match[2]), unbase64(match[3], 33)
        need(typed[0] == 1, f"a key of type {typed[0]}, not Ed25519 (1)")
        # signed-note, Ed25519 signatures: key ID = SHA-256(key name || 0x0A || 0x01 || public key)[:4].
        need(sha256(name.encode() + b"\n" + typed)[:4] == key_id, "the key ID is not that of the name and key")
        return name, key_id, typed[1:]

    def open_note(self, data):
        """signed-note, Format and Signatures: the text, once the form and the key's signature have been checked."""
        need(len(data) <= 1 << 20 and not re.search(rb"[\x00-\x09\x0b-\x1f]", data), "too long, or control characters")
        # The last empty line ends the text, which keeps its own last newline.
        text, _, lines = data.decode().rpartition("\n\n")
        need(re.fullmatch(r"(— [^\s+]+ \S+\n)+", lines), "not an empty line and then lines of signatures, all whole")
        signatures = [(name, unbase64(value)) for name, value in re.findall(r"— (\S+) (\S+)\n", lines)]
        need(all(len(value) > 4 for _, value in signatures), "a key ID with no signature after it")
        own = [value[4:] for name, value in signatures if (name, value[:4]) == self.key[:2]]
        need(own, "no signature by the log's key")  # others are ignored; each by this key has to verify
        need(all(ed25519_verifies(self.key[2], f"{text}\n".encode(), v) for v in own), "the signature does not verify")
        return text

    def parse_checkpoint(self, data):
        """tlog-checkpoint, Note text: size and root."""
        origin, *rest = self.open_note(data).split("\n")
        need(len(rest) >= 2 and origin and all(rest), "not three or more lines, none of them empty")
        need(re.fullmatch("0|[1-9][0-9]{0,19}", rest[0]), f"not a tree size: {rest[0]!r}")
        need(origin == self.key[0], f"the origin is {origin!r}, not the key's name")  # tlog-checkpoint, Signatures
        return int(rest[0]), unbase64(rest[1], 32)

    def get(self, path, content_type=None):
        """Fetches a resource as it is; urllib asks for no compression."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            headers, body = answer.headers, answer.read()
        given = headers.get("Content-Type", "").replace(" ", "").replace('"', "").lower()
        need(content_type in (None, given), f"Content-Type {given!r} and not {content_type!r}")
        need(headers.get("Content-Encoding", "identity") == "identity", "compressed, though nobody asked for that")
        return body

    def tile(self, level, n, width):
        try:
            body = self.get(tile_path(level, n, width), "application/octet-stream")
        except urllib.error.HTTPError as error:
            # tlog-tiles, Partial Tiles: a log may drop a partial tile once there is the full one.
            need(width < 256 and error.code in (404, 410), error)
            return self.tile(level, n, 256)[:width]
        need(len(body) == 32 * width, f"{len(body)} bytes and not {32 * width}")
        return [body[i : i + 32] for i in range(0, len(body), 32)]

    def tiles(self, size, level, first=0):
        """tlog-tiles, Partial Tiles: the tiles of one level of a log of this size, with their paths."""
        full, rest = divmod(size >> 8 * level, 256)
        for n in range(first, full + (rest > 0)):
            path = tile_path(level, n, 256 if n < full else rest)
            yield n, path, at(path, self.tile, level, n, 256 if n < full else rest)

    def check_tiles(self):
        """Makes the tree from the leaves, and holds the tiles above them and the head against it; counts the tiles."""
        self.rows = [[leaf for _, _, hashes in self.tiles(self.size, 0) for leaf in hashes]]
        while len(row := self.rows[-1]) > 1:
            self.rows.append([node(*pair) for pair in zip(row[::2], row[1::2])])
        for level in range(1, len(self.rows[::8])):
            for n, path, hashes in self.tiles(self.size, level):
                for i, value in enumerate(hashes, 256 * n):
                    below = tile_path(level - 1, i, 256)
                    need(value == self.rows[8 * level][i], f"{path}: hash {i % 256} is not the root of {below}")
        need(self.root(self.size) == self.head, "/log/checkpoint: its root is not that of the leaves in the tiles")
        return sum((len(row) + 255) // 256 for row in self.rows[::8])

    def root(self, size):
        """RFC 6962, 2.1: the hash of the first `size` leaves, joined from full subtrees, the rightmost first."""
        root = None
        for height, row in enumerate(self.rows):
            if size >> height & 1:
                root = node(row[(size >> height) - 1], root) if root else row[(size >> height) - 1]
        return root or sha256(b"")

    def proof(self, path, **expected):
        """A proof's hashes, once all else in the answer has been found to be what is computed here."""
        answer = parse_object(self.get(path))
        for name, value in expected.items():
            value = base64.b64encode(value).decode() if isinstance(value, bytes) else value
            need(answer.get(name) == value, f"{name} is {answer.get(name)!r} and not {value!r}")
        need(isinstance(answer.get("proof"), list), "no list of hashes")
        return [unbase64(item, 32) for item in answer["proof"]]

    def check_inclusion(self, index):
        """RFC 9162, 2.1.3.2."""
        r = leaf = self.rows[0][index]
        path = f"/log/proof/inclusion?index={index}&size={self.size}"
        hashes = self.proof(path, index=index, size=self.size, leaf=leaf, root=self.head)
        for p, left in climb(index, self.size - 1, hashes):
            r = node(p, r) if left else node(r, p)
        need(r == self.head, "the proof does not hold")

    def check_consistency(self, first, first_hash):
        """RFC 9162, 2.1.4.2."""
        path = f"/log/proof/consistency?old={first}&new={self.size}"
        hashes = self.proof(path, old=first, new=self.size, old_root=first_hash, new_root=self.head)
        need(hashes, "the proof is empty")
        hashes = [first_hash] + hashes if first & (first - 1) == 0 else hashes
        fn, sn, fr, sr = first - 1, self.size - 1, hashes[0], hashes[0]
        while fn & 1:
            fn, sn = fn >> 1, sn >> 1
        for c, left in climb(fn, sn, hashes[1:]):
            fr, sr = (node(c, fr), node(c, sr)) if left else (fr, node(sr, c))
        need(fr == first_hash and sr == self.head, "the proof does not hold")

    def check_earlier(self, path):
        """A checkpoint saved earlier: its root, its partial tiles, and the proof from there; whether one is defined."""
        with open(path, "rb") as file:
            old, old_root = self.parse_checkpoint(file.read())
        need(old <= self.size, f"the log had {old} leaves, and now has {self.size}")
        need(self.root(old) == old_root, f"its root is not that of the log's first {old} leaves")
        for level, row in enumerate(self.rows[::8]):
            for n, place, hashes in self.tiles(old, level, old >> 8 * level + 8):
                need(hashes == row[256 * n :][: len(hashes)], f"{place}: not the hashes that the log has now")
        if 0 < old < self.size:  # RFC 9162, 2.1.4.1
            at("consistency", self.check_consistency, old, old_root)
        return 0 < old < self.size

    def check_line(self, line, seen):
        """One line of the export; whether its private part has been erased."""
        entry = parse_object(line)
        need(set(entry) == {"index", "event", "private"}, "not an object of index, event and private")
        index, event, private = entry["index"], entry["event"], entry["private"]
        need(type(index) is int and 0 <= index < self.size, f"index {index!r} is not in the log")
        need(index not in seen and isinstance(event, dict), f"index {index} is there twice, or has no event")
        seen.add(index)
        leaf = sha256(b"\x00" + canonical(event).encode())  # RFC 6962, 2.1
        need(leaf == self.rows[0][index], f"the event is not leaf {index}")
        if private is None:
            return event.get("private") is not None
        fits = isinstance(private, dict) and set(private) == {"salt", "data"} and isinstance(private["data"], dict)
        need(fits, "the private part is not salt and data")
        need(re.fullmatch('"[0-9a-f]{32}"', canonical(private["salt"])), "the salt is not 16 bytes in hexadecimal")
        committed = sha256(bytes.fromhex(private["salt"]) + canonical(private["data"]).encode()).hex()
        need(event.get("private") == committed, "the private part is not what the event commits to")
        return False


def check(url, export, earlier):
    log = Log(url)
    tiles = log.check_tiles()
    indexes = {i * (log.size - 1) // 11 for i in range(12)} if log.size else set()
    for index in sorted(indexes):
        at(f"inclusion of leaf {index}", log.check_inclusion, index)
    proofs = len(indexes) + sum(at(path, log.check_earlier, path) for path in earlier)
    erased, seen = 0, set()
    if export:
        with open(export, "rb") as lines:
            for number, line in enumerate(lines, 1):
                erased += at(f"{export}, line {number}", log.check_line, line, seen)
    return f"size={log.size} {tiles=} earlier={len(earlier)} {proofs=} events={len(seen)} {erased=}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Checks a transparency log from the outside.")
    parser.add_argument("--url", required=True, help="where the server is, as in http://127.0.0.1:8080")
    parser.add_argument("--export", metavar="FILE.jsonl", help="events to be held against the log")
    parser.add_argument("--earlier", metavar="FILE", action="append", default=[], help="a checkpoint saved earlier")
    try:
        print("good:", check(**vars(parser.parse_args())))
    except ERRORS as error:
        sys.exit(f"bad: {error}")
