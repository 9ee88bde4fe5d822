"""What users ask of ``ws_connect`` beside the ordinary: odd arguments, cookies, proxies, DNS,
fingerprints."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import struct
from typing import TYPE_CHECKING, Any

import pytest
from curl_cffi import CurlError, CurlOpt, ExtraFingerprints, Headers

from tests.support.frames import close, text
from tests.support.server import PATIENCE, Peer, serving
from tickwire import AsyncSession, ConnectError, HandshakeError, HandshakeRejected
from tickwire.transport import WebSocketTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.certificates import Certificates
    from tests.support.server import Serve


async def polite(peer: Peer) -> None:
    await peer.accept(text("hello"))
    await peer.close_frame()
    await peer.send(close())


async def asked_with(session: AsyncSession, path: str = "", **options: Any) -> Peer:
    async with serving(polite) as server:
        async with session.ws_connect(server.url + path, **options) as ws:
            assert await ws.recv_str(timeout=PATIENCE) == "hello"
    return server.peers[0]


# ------------------------------------------------------------------ odd arguments

REFUSED: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"url": None}, TypeError),
    ({"url": b"ws://127.0.0.1/"}, TypeError),
    ({"url": ""}, ValueError),
    ({"url": "127.0.0.1:9/"}, ValueError),
    ({"url": "http://127.0.0.1:9/"}, ValueError),
    ({"url": "https://127.0.0.1:9/"}, ValueError),
    ({"timeout": -1}, ValueError),
    ({"timeout": float("nan")}, ValueError),
    ({"timeout": "soon"}, ValueError),
    ({"timeout": (1, 2, 3)}, ValueError),
    ({"timeout": (1, -2)}, ValueError),
    ({"timeout": ...}, TypeError),
    ({"subprotocols": "v1"}, TypeError),
    ({"subprotocols": ["v 1"]}, ValueError),
    ({"subprotocols": ["v1\r\nX: y"]}, ValueError),
    ({"subprotocols": [""]}, ValueError),
    ({"subprotocols": [1]}, ValueError),
    ({"subprotocols": ["v1", "v1"]}, ValueError),
    ({"headers": {"X": "1\r\nY: 2"}}, ValueError),
    ({"headers": {"X": "1\nY: 2"}}, ValueError),
    ({"headers": {"X": "1\0"}}, ValueError),
    ({"headers": {"X: 1\r\nY": "2"}}, ValueError),
    ({"headers": ["X: 1\r\nY: 2"]}, ValueError),
    ({"headers": {b"X": b"\xff"}}, ValueError),
    ({"referer": "https://a/\r\nX: y"}, ValueError),
    ({"accept_encoding": "gzip\r\nX: y"}, ValueError),
    ({"curl_options": {CurlOpt.USERAGENT: b"x\r\nX: y"}}, ValueError),
    ({"curl_options": {CurlOpt.REFERER: "x\nX: y"}}, ValueError),
    ({"curl_options": {CurlOpt.COOKIE: b"x=1\r\nX: y"}}, ValueError),
    ({"curl_options": {CurlOpt.CUSTOMREQUEST: b"GET / HTTP/1.1\r\nX: y\r\n"}}, ValueError),
    ({"curl_options": {CurlOpt.HTTPHEADER: [b"X: 1", b"X: 1\r\nX: y"]}}, ValueError),
    ({"auth": "user:password"}, ValueError),
    ({"proxy": "http://127.0.0.1:9", "proxies": {"all": "http://127.0.0.1:9"}}, TypeError),
    ({"proxy": "::::"}, ConnectError),
    ({"impersonate": "netscape"}, CurlError),
    ({"ja3": "no fingerprint"}, ValueError),
    ({"akamai": "no fingerprint"}, ValueError),
    ({"perk": "no fingerprint"}, ValueError),
    ({"max_recv_speed": -1}, CurlError),
    ({"curl_options": {"USERAGENT": b"x"}}, TypeError),
    ({"no_such_option": 1}, TypeError),
]


@pytest.mark.parametrize(("given", "error"), REFUSED, ids=repr)
async def test_what_is_refused(
    session: AsyncSession, given: dict[str, Any], error: type[Exception]
) -> None:
    """An error of the right class, and nothing left behind: the fixture looks for that."""
    options: dict[str, Any] = {"url": "ws://127.0.0.1:9/", **given}
    with pytest.raises(error):
        await session.ws_connect(**options)
    if session._connector is not None:
        assert session._connector.live_count == 0


@pytest.mark.parametrize("timeout", [None, 0, float("inf"), "8", (8, 8), [8, 8], (8, None), 8.5])
async def test_timeouts_that_are_some(session: AsyncSession, timeout: Any) -> None:
    await asked_with(session, timeout=timeout)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("a b?q=c d", "/a%20b?q=c%20d"),
        ("ä?q=€", "/%C3%A4?q=%E2%82%AC"),
        ("a#fragment", "/a"),
        ("a%2Fb", "/a%2Fb"),
        ("a\r\nX: y", "/a%0D%0AX:%20y"),
        ("?streams=btcusdt@trade/ethusdt@depth", "/?streams=btcusdt@trade/ethusdt@depth"),
    ],
)
async def test_urls(session: AsyncSession, path: str, target: str) -> None:
    assert (await asked_with(session, path)).target == target


async def test_user_and_password_in_the_url(session: AsyncSession) -> None:
    async with serving(polite) as server:
        url = server.url.replace("://", "://us%40er:pa%3Ass@")
        async with session.ws_connect(url) as ws:
            assert "pa" not in repr(ws)
    assert server.peers[0].headers["authorization"] == "Basic dXNAZXI6cGE6c3M="


async def test_large_and_odd_headers(session: AsyncSession) -> None:
    peer = await asked_with(
        session,
        headers={
            "X-Large": "x" * 60_000,
            "X-Latin": "ä",
            "X-More": "€",
            "X-Empty": "",
            "X-Number": 1,
        }
        | {"User-Agent": None},
    )
    assert len(peer.headers["x-large"]) == 60_000
    assert peer.headers["x-empty"] == ""
    assert peer.headers["x-number"] == "1"
    assert peer.headers["x-latin"].encode("latin-1").decode() == "ä"
    assert peer.headers["x-more"].encode("latin-1").decode() == "€"
    assert "user-agent" not in peer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "ä"},
        {b"X-A": "ä".encode()},
        [("X-A", "ä")],
        Headers({"X-A": "ä"}, encoding="utf-8"),
        Headers({"X-A": "ä"}, encoding="iso-8859-1"),
    ],
    ids=["text", "bytes", "pairs", "utf-8", "latin-1"],
)
async def test_headers_beyond_ascii(headers: Any) -> None:
    """Those of the session and of the call need not be of one encoding."""
    for other in ({}, {"X-B": "b"}, {"X-B": "é"}):
        async with AsyncSession(headers=headers) as session:
            by_session = await asked_with(session, headers=other)
        async with AsyncSession(headers=other) as session:
            by_call = await asked_with(session, headers=headers)
        for peer in (by_session, by_call):
            assert peer.headers["x-a"].encode("latin-1").decode() == "ä"
            assert peer.headers.get("x-b", "").encode("latin-1").decode() == other.get("X-B", "")


async def test_browser_headers_pasted(session: AsyncSession) -> None:
    """What a browser's tools show for an upgrade; no header may stand twice."""
    peer = await asked_with(
        session,
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
            "Origin": "https://example.com",
        },
    )
    lines = peer.request.decode("latin-1").split("\r\n")[1:]
    names = [line.partition(":")[0].lower() for line in lines if line]
    assert len(names) == len(set(names))
    assert peer.headers["sec-websocket-key"] != "dGhlIHNhbXBsZSBub25jZQ==", "every time a new one"


# ------------------------------------------------------------------ sub-protocols


@pytest.mark.parametrize("where", ["call", "session"])
async def test_sub_protocols_in_a_header(session: AsyncSession, where: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(headers=("Sec-WebSocket-Protocol: v2",))
        with contextlib.suppress(EOFError, ConnectionError):  # v3 is another matter
            await peer.close_frame()
            await peer.send(close())

    offer = {"Sec-WebSocket-Protocol": "v1 ,v2"}
    if where == "session":
        session.headers.update(offer)
    async with serving(script) as server:
        options: dict[str, Any] = {} if where == "session" else {"headers": offer}
        async with session.ws_connect(server.url, **options) as ws:
            assert ws.subprotocol == "v2"
        with pytest.raises(HandshakeError):
            await session.ws_connect(server.url, subprotocols=["v3"], **options)
    assert server.peers[1].headers["sec-websocket-protocol"] == "v3"


# ------------------------------------------------------------------ cookies


def answering(*lines: str) -> Any:
    async def script(peer: Peer) -> None:
        await peer.accept(headers=lines)
        await peer.close_frame()
        await peer.send(close())

    return script


def kept(session: AsyncSession) -> list[tuple[str, str | None, str, bool]]:
    return sorted((c.name, c.value, c.path, c.secure) for c in session.cookies.jar)


async def test_what_the_answer_does_to_the_sessions_cookies(session: AsyncSession) -> None:
    for name in ("kept", "changed", "expired", "emptied"):
        session.cookies.set(name, "old", domain="127.0.0.1")
    script = answering(
        "Set-Cookie: changed=new",
        "Set-Cookie: expired=x; Max-Age=0",
        "Set-Cookie: emptied=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "Set-Cookie: pathed=1; Path=/stream",
        "Set-Cookie: foreign=1; Domain=example.com",
        "Set-Cookie: lasting=1; Max-Age=3600; HttpOnly",
    )
    async with serving(script) as server:
        async with session.ws_connect(server.url):
            pass
        assert kept(session) == [
            ("changed", "new", "/", False),
            ("kept", "old", "/", False),
            ("lasting", "1", "/", False),
            ("pathed", "1", "/stream", False),
        ]
        for path in ("", "stream"):
            async with session.ws_connect(server.url + path):
                pass
    sent = [sorted(peer.headers["cookie"].split("; ")) for peer in server.peers]
    assert sent == [
        ["changed=old", "emptied=old", "expired=old", "kept=old"],
        ["changed=new", "kept=old", "lasting=1"],
        ["changed=new", "kept=old", "lasting=1", "pathed=1"],
    ]


@pytest.mark.parametrize("cookies", [{"a": "1"}, [("a", "1")]], ids=["mapping", "pairs"])
async def test_cookies_of_a_call_stay_with_it(session: AsyncSession, cookies: Any) -> None:
    session.cookies.set("own", "1", domain="127.0.0.1")
    peer = await asked_with(session, cookies=cookies)
    assert sorted(peer.headers["cookie"].split("; ")) == ["a=1", "own=1"]
    assert kept(session) == [("own", "1", "/", False)]
    assert (await asked_with(session)).headers["cookie"] == "own=1"


async def test_secure_cookies(serve: Serve, session: AsyncSession, scheme: str) -> None:
    """Only libcurl's own idea of a safe place gets them: TLS, or loopback."""
    async with serve(answering("Set-Cookie: s=1; Secure")) as server:
        async with session.ws_connect(server.url):
            pass
        assert kept(session) == [("s", "1", "/", True)]
        async with session.ws_connect(server.url):
            pass
    assert server.peers[1].headers["cookie"] == "s=1"
    session.cookies.set("t", "1", domain="plain.example", secure=True)
    async with serve(polite) as server:
        resolve = [f"plain.example:{server.port}:127.0.0.1"]
        async with session.ws_connect(
            server.url.replace("127.0.0.1", "plain.example"),
            curl_options={CurlOpt.RESOLVE: resolve},
            verify=False,
        ):
            pass
    assert ("cookie" in server.peers[0].headers) == (scheme == "wss")


async def test_discarded_cookies() -> None:
    async with serving(answering("Set-Cookie: a=1")) as server:
        async with AsyncSession(discard_cookies=True) as session:
            async with session.ws_connect(server.url):
                pass
            assert kept(session) == []


@pytest.mark.parametrize("discard", [False, True])
async def test_cookies_set_on_the_way(discard: bool) -> None:
    """A redirect that logs in: its cookie is needed at the next stop, kept or not."""

    async def script(peer: Peer) -> None:
        await peer.read_request()
        if peer.target == "/":
            await peer.send(
                b"HTTP/1.1 302 Found\r\nLocation: /in\r\nSet-Cookie: token=1; Path=/\r\n"
                b"Content-Length: 0\r\n\r\n"
            )
        elif peer.headers.get("cookie") == "token=1":
            await peer.send(peer.answer())
            await peer.close_frame()
            await peer.send(close())
        else:
            await peer.send(b"HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n")

    async with serving(script) as server, AsyncSession(discard_cookies=discard) as session:
        async with session.ws_connect(server.url):
            pass
        assert session.cookies.get_dict() == ({} if discard else {"token": "1"})


async def test_cookies_of_a_refusal(session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 403 No\r\nSet-Cookie: seen=1\r\nContent-Length: 0\r\n\r\n")

    async with serving(script) as server:
        with pytest.raises(HandshakeRejected):
            await session.ws_connect(server.url)
    assert session.cookies.get_dict() == {"seen": "1"}


# ------------------------------------------------------------------ redirects and time


async def test_the_timeout_is_for_all_redirects_together(session: AsyncSession) -> None:
    """Each stop is quick, and there is always another one."""

    async def script(peer: Peer) -> None:
        # The client may give up before it asks, and before it is answered.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await peer.read_request()
            await peer.send(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")

    async with serving(script) as server:
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(WebSocketTimeout):
                await session.ws_connect(server.url, timeout=0.3, max_redirects=-1)
        assert len(server.peers) > 2


# ------------------------------------------------------------------ proxies

DEAD = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("proxies", "through"),
    [
        ({"http": DEAD}, True),
        ({"https": DEAD}, False),
        ({"ws": DEAD}, True),
        ({"wss": DEAD}, False),
        ({"all": DEAD}, True),
        ({"http://127.0.0.1": DEAD}, True),
        ({"http://example.com": DEAD}, False),
        ({"ws://127.0.0.1": DEAD}, True),
        ({"all://127.0.0.1": DEAD}, True),
        ({}, False),
    ],
    ids=repr,
)
@pytest.mark.parametrize("where", ["call", "session"])
async def test_forms_of_proxies(proxies: Any, through: bool, where: str) -> None:
    settings: dict[str, Any] = {"proxies": proxies}
    async with AsyncSession(**(settings if where == "session" else {})) as session:
        if not through:
            await asked_with(session, **({} if where == "session" else settings))
            return
        with pytest.raises(ConnectError) as caught:
            await asked_with(session, **({} if where == "session" else settings))
    assert caught.value.code == 7


async def test_an_entry_for_ws_comes_before_one_for_http(session: AsyncSession) -> None:
    async def proxy(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")

    async with serving(proxy) as server:
        ours = f"http://127.0.0.1:{server.port}"
        for proxies in ({"http": DEAD, "ws": ours}, {"ws": ours, "http": DEAD}):
            given: Any = proxies
            with pytest.raises(ConnectError):
                await session.ws_connect("ws://venue.example/", proxies=given)
    assert [peer.target for peer in server.peers] == ["venue.example:80"] * 2


# ------------------------------------------------------------------ DNS over HTTPS


def dns_answer(query: bytes, address: str) -> bytes:
    """A reply to a DNS query for an A record (RFC 1035 section 4.1)."""
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    kind = struct.unpack("!H", question[-4:-2])[0]
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes(map(int, address.split(".")))
    records = record if kind == 1 else b""
    head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, int(bool(records)), 0, 0)
    return head + question + records


@pytest.fixture
async def resolver(certificates: Certificates) -> AsyncIterator[tuple[str, list[str]]]:
    """A DNS-over-HTTPS server (RFC 8484) that knows every name; its URL, and what was asked."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length:")[2].split("\r\n")[0])
                query = await reader.readexactly(length)
                labels, at = [], 12
                while query[at]:
                    labels.append(query[at + 1 : at + 1 + query[at]].decode())
                    at += 1 + query[at]
                asked.append(".".join(labels))
                body = dns_answer(query, "127.0.0.1")
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(body) + body
                )
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificates.server)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"https://127.0.0.1:{port}/dns-query", asked
    finally:
        server.close()


@pytest.mark.parametrize("where", ["call", "session"])
async def test_dns_over_https(
    resolver: tuple[str, list[str]], certificates: Certificates, where: str
) -> None:
    doh_url, asked = resolver
    settings: dict[str, Any] = {"doh_url": doh_url}
    async with (
        serving(polite) as server,
        AsyncSession(
            verify=certificates.authority, **(settings if where == "session" else {})
        ) as session,
    ):
        url = server.url.replace("127.0.0.1", "venue.example")
        async with session.ws_connect(url, **({} if where == "session" else settings)) as ws:
            assert await ws.recv_str(timeout=PATIENCE) == "hello"
    assert asked
    assert all(name.endswith("venue.example") for name in asked)  # one is a service record's


# ------------------------------------------------------------------ fingerprints

CIPHERS = [4865, 4867, 4866, 49195]
JA3 = "771,4865-4867-4866-49195,0-23-65281-10-11-35-16-5-13-18-51-45-43-27,29-23-24,0"


async def hello_of(session: AsyncSession, **options: Any) -> bytes:
    """The TLS ClientHello that these options make (RFC 8446 section 4.1.2)."""
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        record = await reader.readexactly(5)
        got.set_result(await reader.readexactly(int.from_bytes(record[3:])))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        with pytest.raises(ConnectError):
            await session.ws_connect(f"wss://localhost:{port}/", **options)
        return await asyncio.wait_for(got, PATIENCE)
    finally:
        server.close()


def ciphers_of(hello: bytes) -> list[int]:
    at = 4 + 2 + 32
    at += 1 + hello[at]
    count = int.from_bytes(hello[at : at + 2])
    return [int.from_bytes(hello[i : i + 2]) for i in range(at + 2, at + 2 + count, 2)]


async def test_ja3() -> None:
    async with AsyncSession() as plain, AsyncSession(ja3=JA3) as session:
        assert ciphers_of(await hello_of(plain)) != CIPHERS
        assert ciphers_of(await hello_of(plain, ja3=JA3)) == CIPHERS
        assert ciphers_of(await hello_of(session)) == CIPHERS


async def test_impersonation_over_tls() -> None:
    """Chrome begins its ciphers with a GREASE value (RFC 8701); curl alone does not."""
    async with AsyncSession() as plain, AsyncSession(impersonate="chrome") as chrome:
        for hello, greased in (
            (await hello_of(plain), False),
            (await hello_of(plain, impersonate="chrome"), True),
            (await hello_of(chrome), True),
            (await hello_of(plain, extra_fp=ExtraFingerprints(tls_grease=True)), True),
        ):
            assert (ciphers_of(hello)[0] & 0x0F0F == 0x0A0A) == greased


@pytest.mark.parametrize(
    "given",
    [
        {"akamai": "1:65536;4:131072;5:16384|12517377|3:0:0:201|m,p,a,s"},
        {"perk": "1:65536;4:131072;5:16384|12517377|m,p,a,s"},
        {"extra_fp": {"tls_grease": True}},
    ],
    ids=["akamai", "perk", "extra_fp"],
)
async def test_fingerprints_of_http2_are_taken(given: dict[str, Any]) -> None:
    """An upgrade is HTTP/1.1: they are valid, and change nothing that could be seen here."""
    async with AsyncSession() as session:
        await asked_with(session, **given)
    async with AsyncSession(**given) as session:
        await asked_with(session)


async def test_impersonation_without_headers(session: AsyncSession) -> None:
    with_headers = await asked_with(session, impersonate="chrome")
    without = await asked_with(session, impersonate="chrome", default_headers=False)
    assert "Chrome/" in with_headers.headers["user-agent"]
    assert "user-agent" not in without.headers
    session.default_headers = False
    assert "user-agent" not in (await asked_with(session, impersonate="chrome")).headers


# ------------------------------------------------------------------ the session's defaults


async def test_every_default_of_the_session(certificates: Certificates) -> None:
    async with AsyncSession(
        headers={"X-Session": "1"},
        cookies={"c": "1"},
        auth=("u", "p"),
        params={"q": "1"},
        timeout=(PATIENCE, PATIENCE),
        interface="127.0.0.1",
        impersonate="chrome",
        http_version="v1",
        curl_options={CurlOpt.REFERER: b"https://example.com/"},
        verify=certificates.authority,
    ) as session:
        peer = await asked_with(session, "path", params={"r": "2"}, headers={"X-Call": "2"})
        assert peer.target == "/path?q=1&r=2"
        assert peer.headers["x-session"] == "1"
        assert peer.headers["x-call"] == "2"
        assert peer.headers["cookie"] == "c=1"
        assert peer.headers["authorization"] == "Basic dTpw"
        assert peer.headers["referer"] == "https://example.com/"
        assert "Chrome/" in peer.headers["user-agent"]
        peer = await asked_with(
            session,
            auth=("other", "p"),
            headers={"X-Session": "3"},
            curl_options={CurlOpt.REFERER: b"https://example.org/"},
        )
        assert peer.headers["authorization"] == "Basic b3RoZXI6cA=="
        assert peer.headers["x-session"] == "3"
        assert peer.headers["referer"] == "https://example.org/"


@pytest.mark.parametrize(
    ("base", "url", "target"),
    [
        ("ws://{}/v1/", "stream", "/v1/stream"),
        ("http://{}/v1/", "stream?a=1", "/v1/stream?a=1"),
        ("http://{}/v1/", "/stream", "/stream"),
        ("http://127.0.0.1:9/", "ws://{}/absolute", "/absolute"),
        ("https://127.0.0.1:9/", "//{}/x", None),
    ],
)
async def test_the_base(base: str, url: str, target: str | None) -> None:
    async with serving(polite) as server:
        host = f"127.0.0.1:{server.port}"
        async with AsyncSession(base_url=base.format(host)) as session:
            if target is None:
                with contextlib.suppress(EOFError, ConnectionError):
                    with pytest.raises(ConnectError):
                        await session.ws_connect(url.format("127.0.0.1:9"), timeout=PATIENCE)
                return
            async with session.ws_connect(url.format(host)) as ws:
                assert await ws.recv_str() == "hello"
    assert server.peers[0].target == target


# ------------------------------------------------------------------ sends given up


async def test_nobody_complains_of_a_send_that_was_given_up(session: AsyncSession) -> None:
    """It timed out, and then the connection went with the message unsent."""
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))

    async def script(peer: Peer) -> None:
        await peer.accept()
        await over.wait()

    over = asyncio.Event()
    async with serving(script) as server:
        ws = await session.ws_connect(server.url, send_queue_size=2)
        with pytest.raises(WebSocketTimeout):
            while True:
                await ws.send(bytes(500_000), timeout=0.05)
        ws.terminate()
        await ws.wait_closed()
        while any("_send_in_turn" in repr(task) for task in asyncio.all_tasks()):
            await asyncio.sleep(0)
        over.set()
    del ws
    gc.collect()
    assert complaints == []
