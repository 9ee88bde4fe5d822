"""The page in a browser, against the simulator."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
pytest.importorskip("fastapi", reason="the gateway needs the `gateway` extra")

from tests.support.browser import PATIENCE_MS, open_browser
from tests.support.page import EVERYTHING_SHOWN, SYMBOLS, Stage, stage
from tickwire.gateway import Gateway, GatewayLimits
from tickwire.gateway import page as page_routes
from tickwire.gateway.sse import EventStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from playwright.async_api import Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(150),
]

REFUSED = "ERR_CONNECTION_REFUSED"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


# --- data ----------------------------------------------------------------------------------------


def number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text))


async def test_prices_move_and_are_the_gateways(browser: Browser) -> None:
    async with stage(browser) as set_up:
        page = set_up.page
        candle = await page.get_attribute("#candle-chart", "aria-label")
        await set_up.until_price_moves()
        await set_up.until(
            "old => document.getElementById('candle-chart').ariaLabel !== old", candle
        )
        await set_up.until("() => /[▲▼]/.test(document.getElementById('prices').textContent)")
        await set_up.until("() => document.title.includes('BTCUSDT')")
        # At rest, what is shown is what the gateway has, down to the last digit.
        await set_up.halt()
        book = set_up.gateway.hub.exchange(None).books
        for row, side in (("#asks tr:last-child", "asks"), ("#bids tr:first-child", "bids")):
            best = next(iter(getattr(book._books["BTCUSDT"], side)(1)))  # type: ignore[index]
            await set_up.until(
                "([row, price]) => Number(document.querySelector(`${row} td`).textContent"
                ".replaceAll(',', '')) === price",
                [row, float(best[0])],
            )
        await set_up.until(
            """() => document.getElementById("last").textContent.replace(/[▲▼ ]/g, "")
                === document.querySelector("#tape tr td:nth-child(3)").textContent"""
        )
        # In one look: it is one picture of the book.
        shown = await page.evaluate(
            """() => ["#asks td:first-child", "#bids td:first-child", "#bids td:nth-child(2)",
                "#bids td:last-child", "#spread"].map((selector) =>
                    [...document.querySelectorAll(selector)].map((e) => e.textContent))"""
        )
        asks, bids, sizes, totals, [spread] = [[number(text) for text in part] for part in shown]
        assert asks == sorted(asks, reverse=True)
        assert bids == sorted(bids, reverse=True)
        assert asks[-1] > bids[0]
        assert spread == pytest.approx(asks[-1] - bids[0], abs=1e-6)
        assert totals[-1] == pytest.approx(sum(sizes), abs=1e-4)


INK = """([id, names]) => {
    const style = getComputedStyle(document.documentElement);
    const wanted = names.map((name) => style.getPropertyValue(name).trim())
        .map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
    const found = wanted.map(() => 0);
    for (const canvas of document.querySelectorAll(`#${id} canvas`)) {
        if (!canvas.width || !canvas.height) continue;
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        for (let at = 0; at < pixels.length; at += 4) {
            wanted.forEach((rgb, index) => {
                if (rgb.every((part, i) => part === pixels[at + i])) found[index]++;
            });
        }
    }
    return found.every((count) => count > 20);
}"""


async def test_candles_of_the_exchange_and_another_symbol(browser: Browser) -> None:
    async with stage(browser) as set_up:
        page = set_up.page
        await page.select_option("#interval", "1m")
        await set_up.until(EVERYTHING_SHOWN)
        await page.get_by_role("button", name="ETHUSDT", exact=True).click()
        await set_up.until(EVERYTHING_SHOWN)
        assert await set_up.text("#symbol") == "ETHUSDT"
        assert (await page.get_attribute("#candle-chart", "aria-label") or "").startswith("ETHUSDT")
        assert 1000 < number(await set_up.text("#last")) < 10_000
        # The address has it all: another visit shows the same.
        await page.reload()
        await set_up.until(EVERYTHING_SHOWN)
        assert await set_up.text("#symbol") == "ETHUSDT"
        assert await page.input_value("#interval") == "1m"
        await page.get_by_role("button", name="Remove SOLUSDT").click()
        await set_up.until("() => document.querySelectorAll('#prices tr').length === 2")
        # Whoever removed it is not thrown back to the top of the page.
        assert await page.evaluate("document.activeElement.textContent") == "ETHUSDT"


# --- trouble -------------------------------------------------------------------------------------


async def test_a_restart_of_the_server_is_survived(browser: Browser) -> None:
    async with stage(browser) as set_up:
        # The browser itself says in the console that it cannot connect.
        set_up.allowed = (REFUSED, "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")
        await set_up.stop_serving()
        await set_up.until_state("lost")
        assert await set_up.page.get_by_role("alert").first.is_visible()
        assert "Connection lost" in await set_up.text("#alarm")
        await set_up.serve()
        await set_up.until(EVERYTHING_SHOWN)
        await set_up.until_price_moves()
        await set_up.until("() => document.getElementById('alarm').hidden")
        await set_up.until(
            "() => document.getElementById('news').innerText.includes('new beginning')"
        )


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The last event ids that streams were opened with."""
    ids: list[str | None] = []

    class Noted(EventStream):
        def __init__(self, hub: Any, listener: Any, last_event_id: str | None) -> None:
            ids.append(last_event_id)
            super().__init__(hub, listener, last_event_id)

    monkeypatch.setattr(page_routes, "EventStream", Noted)
    return ids


def hang_up(gateway: Gateway) -> None:
    """End all streams, as a proxy might."""
    for listener in list(gateway.hub.listeners):
        listener.close()


async def reached(condition: Callable[[], bool]) -> None:
    """Wait for something on this side, which tells nobody."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_broken_stream_is_resumed_where_it_was(
    browser: Browser, asked_for: list[str | None]
) -> None:
    async with stage(browser) as set_up:
        hub = set_up.gateway.hub
        assert asked_for == [None]
        hang_up(set_up.gateway)
        await reached(lambda: len(asked_for) >= 2)
        assert hub.ids.number(asked_for[1] or "")
        await set_up.until_state("live")
        await set_up.until_price_moves()
        assert "new beginning" not in await set_up.page.inner_text("#news")


async def test_an_answer_that_is_no_stream_is_tried_again(
    browser: Browser, asked_for: list[str | None]
) -> None:
    async with stage(browser) as set_up:
        set_up.allowed = ("502", "MIME type")
        refused = 0

        async def refuse(route: Any) -> None:
            nonlocal refused
            if refused < 2:
                refused += 1
                await route.fulfill(status=502, body="bad gateway")
            else:
                await route.continue_()

        await set_up.page.route("**/sse/market?**", refuse)
        hang_up(set_up.gateway)
        await reached(lambda: len(asked_for) >= 2)
        assert refused == 2
        # An EventSource that is made anew cannot send the header.
        assert set_up.gateway.hub.ids.number(asked_for[1] or "")
        await set_up.until_state("live")
        await set_up.until_price_moves()


async def test_a_stopped_market_is_told_to_be_stale(browser: Browser) -> None:
    async with stage(browser, stale_after=1.5) as set_up:
        # A paused page, too: what warns is never frozen.
        await set_up.page.get_by_role("button", name="Pause").click()
        await set_up.halt()
        await set_up.until_state("stale")
        assert re.search(r"Stale data.*BTCUSDT.*old", await set_up.text("#alarm"), re.S)
        assert await set_up.text("#state-text") == "stale, paused"
        set_up.move()
        await set_up.until_state("live")
        await set_up.until("() => document.getElementById('alarm').hidden")


async def test_a_lost_exchange_is_told_and_a_rotation_too(browser: Browser) -> None:
    async with stage(browser) as set_up:
        set_up.simulator.announce_shutdown(grace=60.0)
        await set_up.until("() => document.getElementById('news').innerText.includes('rotated')")
        await set_up.until("() => Number(document.getElementById('f-rotations').innerText) > 0")
        await set_up.until_state("live")
        await set_up.halt()
        await set_up.simulator.stop()
        await set_up.until_state("stale")
        assert "connection is lost" in await set_up.text("#alarm")
        # Of prices, too, which the exchange sends as long as it is there.
        await set_up.until("() => document.querySelector('#prices .why').checkVisibility()")


STATES = """() => {
    globalThis.states = [];
    new MutationObserver(() => states.push(document.body.dataset.state))
        .observe(document.body, { attributeFilter: ["data-state"] });
}"""


async def test_a_line_that_died_without_a_word_is_noticed(browser: Browser) -> None:
    async with stage(browser, heartbeat=0.5) as set_up:
        hub = set_up.gateway.hub
        await set_up.page.evaluate(STATES)
        [dead] = hub.listeners
        for topic in dead.topics:
            del topic.listeners[dead]
        del hub.listeners[dead]
        # Requests are answered all the while.
        await reached(lambda: bool(hub.listeners))
        await set_up.until("() => states.includes('lost')")
        await set_up.until_state("live")
        await set_up.until_price_moves()


async def test_a_refusal_is_shown_in_the_gateways_words(browser: Browser) -> None:
    few: dict[str, Any] = {"symbols": SYMBOLS[:2], "limits": GatewayLimits(streams=4)}
    async with stage(browser, linger=0.0, **few) as set_up:
        set_up.allowed = ("429",)
        page = set_up.page
        await page.get_by_label("Add a symbol").fill("SOL-USDT")
        await page.keyboard.press("Enter")
        await set_up.until_state("refused")
        assert "keeps 4 streams at the most" in await set_up.text("#alarm")
        await page.get_by_role("button", name="Remove ETHUSDT").click()
        await set_up.until_state("live")
        assert await page.locator("#alarm").is_hidden()


async def test_who_was_disconnected_by_request_can_connect_again(browser: Browser) -> None:
    async with stage(browser) as set_up:
        page = set_up.page
        answer = await page.request.post(f"{set_up.gateway.url}/api/ws/quick/stop")
        assert answer.ok
        await set_up.until_state("disconnected")
        assert "told to leave binance" in await set_up.text("#alarm")
        await page.get_by_role("button", name="Connect").click()
        await set_up.until_state("live")
        await set_up.until_price_moves()
        assert not await page.get_by_role("button", name="Connect").is_visible()


async def test_news_are_told_once_and_candles_offered_are_the_exchanges(browser: Browser) -> None:
    async with stage(browser, path="/?interval=7m") as set_up:
        page = set_up.page
        offered = await page.evaluate(
            "[...document.querySelectorAll('#intervals option')].map((option) => option.value)"
        )
        assert offered == set_up.gateway.hub.exchange(None).feed.intervals("BTCUSDT")
        assert await page.input_value("#interval") == "trades:5", "there is no 7m"
        for name in ("ETHUSDT", "BTCUSDT", "ETHUSDT"):
            await page.get_by_role("button", name=name, exact=True).click()
            await set_up.until(EVERYTHING_SHOWN)
        news = await page.locator("#news li").all_inner_texts()
        assert len(news) == len(set(news)) == 1, news


async def test_a_symbol_of_which_nothing_comes_is_not_called_old(browser: Browser) -> None:
    async with stage(browser) as set_up:
        await set_up.page.get_by_label("Add a symbol").fill("NOSUCH-USDT")
        await set_up.page.keyboard.press("Enter")
        await set_up.until("() => document.getElementById('symbol').textContent === 'NOSUCHUSDT'")
        await set_up.halt()
        await set_up.page.reload()
        await set_up.until_state("stale")
        told = await set_up.text("#alarm")
        assert "NOSUCHUSDT: nothing has" in told
        assert "old" not in told


async def test_an_exchange_out_of_reach_is_no_doubt_about_the_symbol(browser: Browser) -> None:
    async with stage(browser) as set_up:
        await set_up.halt()
        await set_up.simulator.stop()
        await set_up.stop_serving()
        await set_up.serve()
        set_up.allowed = (REFUSED, "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")
        await set_up.page.reload()
        await set_up.until(
            "() => document.getElementById('alarm').innerText.includes('binance cannot be reached')"
        )
        assert "have it" not in await set_up.text("#alarm")


async def test_a_token_is_asked_for(browser: Browser) -> None:
    async with stage(browser, token="correct-horse-battery") as set_up:
        set_up.allowed = ("401",)
        page = set_up.page
        await page.get_by_label("This gateway asks for its token").fill("correct-horse-battery")
        await page.keyboard.press("Enter")
        await set_up.until(EVERYTHING_SHOWN)
        assert "correct-horse" not in page.url
        assert not await page.locator("#token-form").is_visible()


# --- for everybody -------------------------------------------------------------------------------

# WCAG 2.2, 1.4.3: the contrast of every text that is seen against what is behind it.
POOR_CONTRAST = """() => {
    const parse = (text) => text.match(/[\\d.]+/g).map(Number);
    const curve = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const linear = (part) => curve(part / 255);
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const behind = (element) => {
        for (; element; element = element.parentElement) {
            const colour = parse(getComputedStyle(element).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const poor = [];
    for (const element of document.body.querySelectorAll("*")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility() || element.closest(".hidden, .chart")) continue;
        const style = getComputedStyle(element);
        const [a, b] = [light(parse(style.color)), light(behind(element))].sort((x, y) => y - x);
        const large = parseFloat(style.fontSize) >= 24;
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < (large ? 3 : 4.5)) poor.push(`${element.innerText}: ${ratio}`);
    }
    return poor;
}"""


CUT_OFF = """() => [...document.querySelectorAll("main .card")].flatMap((card) => {
    const end = card.getBoundingClientRect().right;
    return [...card.querySelectorAll("th, td, dd, button, .price, .why")]
        .filter((part) => !part.closest(".chart, .hidden") && part.checkVisibility())
        .filter((part) => part.textContent && !part.querySelector(".hidden"))
        .filter((part) => part.getBoundingClientRect().right > end
            || part.scrollWidth > part.clientWidth + 1 && part.clientWidth)
        .map((part) => `${card.className}: ${part.textContent}`);
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_width_of_a_phone_and_both_themes(browser: Browser, scheme: str) -> None:
    media = {"color_scheme": scheme, "reduced_motion": "reduce"}
    async with stage(browser, width=390, media=media) as set_up:
        page = set_up.page
        for width in (320, 390, 800, 1280):
            await page.set_viewport_size({"width": width, "height": 800})
            await set_up.until("width => innerWidth === width", width)
            await set_up.until("() => document.documentElement.scrollWidth <= innerWidth")
            assert await page.evaluate(CUT_OFF) == [], f"at {width} px"
        luminance = await page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )
        assert (sum(luminance) < 3 * 60) is (scheme == "dark")
        assert await page.evaluate(POOR_CONTRAST) == []
        moving = "[...document.querySelectorAll('*')].some((e) => e.getAnimations().length)"
        assert await page.evaluate(moving) is False, "reduced motion"
        await set_up.halt()
        await set_up.simulator.stop()
        await set_up.until_state("stale")
        assert await page.evaluate(POOR_CONTRAST) == [], "the alarm, too"
        await set_up.until("() => document.querySelector('#prices .why').checkVisibility()")
        for width in (320, 1280):
            await page.set_viewport_size({"width": width, "height": 800})
            await set_up.until("width => innerWidth === width", width)
            assert await page.evaluate(CUT_OFF) == [], f"stale, at {width} px"


async def test_the_keyboard_reaches_and_works_everything(browser: Browser) -> None:
    async with stage(browser) as set_up:
        page = set_up.page
        name = """(e) => e.id || e.getAttribute("aria-label") || e.innerText.trim()"""
        controls = set(
            await page.evaluate(
                f"""() => [...document.querySelectorAll("a, button, input, select, [tabindex='0']")]
                    .filter((e) => e.checkVisibility()).map({name})"""
            )
        )
        reached: dict[str, bool] = {}
        for _ in range(len(controls) + 15):
            await page.keyboard.press("Tab")
            where, visible = await page.evaluate(
                f"""() => {{
                    const e = document.activeElement, style = getComputedStyle(e);
                    const wide = parseFloat(style.outlineWidth) >= 2;
                    return [({name})(e), style.outlineStyle !== "none" && wide];
                }}"""
            )
            reached[where] = visible
        assert controls <= reached.keys()
        assert all(reached[control] for control in controls), "focus is seen"
        await page.get_by_role("button", name="SOLUSDT", exact=True).focus()
        await page.keyboard.press("Enter")
        await set_up.until("() => document.getElementById('symbol').textContent === 'SOLUSDT'")
        await page.get_by_label("Add a symbol").focus()
        await page.keyboard.type("btc+usdt")
        await page.keyboard.press("Enter")
        await set_up.until("() => !document.getElementById('add-problem').hidden")
        assert "write it like BTC-USDT" in await set_up.text("#add-problem")
        await page.get_by_label("Add a symbol").fill("eth/usdt")
        await page.keyboard.press("Enter")
        await set_up.until("() => document.getElementById('symbol').textContent === 'ETHUSDT'")
        assert not await page.locator("#add-problem").is_visible()
        set_up.allowed = ("422",)


NAMELESS = """() => {
    const problems = [];
    const check = (good, what) => good || problems.push(what);
    const labelled = (e) => e.getAttribute("aria-label")
        || (e.getAttribute("aria-labelledby") || "").split(" ")
            .map((id) => document.getElementById(id)?.textContent ?? "").join("").trim();
    check(document.documentElement.lang, "lang");
    check(document.title, "title");
    check(document.querySelectorAll("h1").length === 1, "one h1");
    check(document.querySelectorAll("main").length === 1, "one main");
    check(document.querySelector("header") && document.querySelector("footer"), "landmarks");
    const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
    check(new Set(ids).size === ids.length, "ids");
    let level = 0;
    for (const h of document.querySelectorAll("h1, h2, h3, h4")) {
        check(Number(h.tagName[1]) <= level + 1, `heading ${h.textContent}`);
        level = Number(h.tagName[1]);
    }
    for (const e of document.querySelectorAll("button, a")) {
        check(labelled(e) || e.textContent.trim(), e.outerHTML);
    }
    for (const e of document.querySelectorAll("input, select")) {
        check(labelled(e) || e.labels.length, e.outerHTML);
    }
    for (const e of document.querySelectorAll("section, [role=region], [role=log], [role=img]")) {
        check(labelled(e), e.outerHTML.slice(0, 80));
    }
    for (const table of document.querySelectorAll("table:not(.chart table)")) {
        check(table.caption?.textContent, "caption");
        check([...table.querySelectorAll("th")].every((th) => th.scope), "scope");
    }
    for (const e of document.querySelectorAll("[aria-labelledby]")) check(labelled(e), e.outerHTML);
    check(document.querySelector("#state").getAttribute("role") === "status", "status");
    check(document.querySelectorAll("[style*='url'], [onclick]").length === 0, "inline code");
    for (const e of document.querySelectorAll("button")) {
        const box = e.getBoundingClientRect();
        const large = box.width >= 24 && box.height >= 24;
        check(!e.checkVisibility() || large, `small: ${e.outerHTML}`);
    }
    return problems;
}"""


# --- what one page will do for -------------------------------------------------------------------

PARTS = """async () => {
    const { CandleBuilder } = await import("/static/candles.js");
    const { cumulated } = await import("/static/book.js");
    const { Digits, Sample } = await import("/static/format.js");
    const candles = new CandleBuilder(5);
    const trades = [[10, 1, 5000], [12, 2, 9999], [9, 1, 9000], [11, 1, 10_000], [8, 3, 9_999]];
    const digits = new Digits(2);
    [1, 0.125, 1e-7].forEach((value) => digits.see(value));
    const { onGrid } = await import("/static/book.js");
    const { PriceTable, flash } = await import("/static/prices.js");
    const ticks = document.createElement("b");
    ticks.className = "n";
    const classes = [1, 1, 1, -1, 0].map((way) => (flash(ticks, way), ticks.className));
    const body = document.createElement("tbody");
    const table = new PriceTable(body, {});
    table.show(["X", "Y"], "X");
    const cells = [[null, null], [5, null], [null, -0.001], [4, 1.5]].map(([price, percent]) => {
        table.put("X", price, percent);
        table.draw();
        const { last, change } = table.rows.get("X");
        return [last.textContent, change.textContent, change.className.trim()];
    });
    const sample = new Sample(3);
    [-5, 7, 1500, 2000].forEach((value) => sample.add(value));
    return {
        candles: trades.map(([price, size, ms]) => ({ ...candles.add(price, size, ms) })),
        classes,
        cells,
        grid: onGrid({ bids: [[10, 1], [8, 2]], asks: [[11, 3], [18, 4]] }, 11),
        empty: [onGrid({ bids: [], asks: [] }), onGrid({ bids: [[7, 2]], asks: [] })],
        sums: cumulated([[1, 2], [3, 4], [5, 6]]),
        digits: digits.text(1234.5),
        sample: sample.text(),
    };
}"""


# What is drawn of the market; warnings (of a symbol that is stale) are no part of it.
PICTURE = """() => [...document.querySelectorAll("main .card:not(.link)")].map((card) => {
    const copy = card.cloneNode(true);
    copy.querySelectorAll(".why").forEach((warning) => warning.remove());
    return copy.textContent;
})"""


@pytest_asyncio.fixture(scope="class", loop_scope="module")
async def shared(browser: Browser) -> AsyncIterator[Stage]:
    async with stage(browser) as set_up:
        yield set_up


class TestOnePage:
    """Each leaves it as it was."""

    async def test_charts_are_drawn_in_the_colours_of_the_theme(self, shared: Stage) -> None:
        await shared.until(INK, ["depth-chart", ["--up", "--down"]])
        await shared.page.emulate_media(color_scheme="dark")
        await shared.until(INK, ["depth-chart", ["--up", "--down"]])
        await shared.until(
            "([id, name]) => [['--up'], ['--down']].some((names) => (" + INK + ")([id, names]))",
            ["candle-chart", ""],
        )
        await shared.page.emulate_media(color_scheme="light")

    async def test_a_paused_page_stands_still(self, shared: Stage) -> None:
        page = shared.page
        await page.get_by_role("button", name="Pause").click()
        assert "paused" in await shared.text("#state-text")
        shown = await page.evaluate(PICTURE)
        assert "Order book" in "".join(shown)
        heard = await shared.text("#f-messages")
        await shared.until(
            "heard => document.getElementById('f-messages').innerText !== heard", heard
        )
        assert await page.evaluate(PICTURE) == shown
        await page.get_by_role("button", name="Pause").click()
        await shared.until_price_moves()

    async def test_arithmetic_of_the_page(self, shared: Stage) -> None:
        found = await shared.page.evaluate(PARTS)
        fields = [
            (c["time"], c["open"], c["high"], c["low"], c["close"], c["volume"])
            for c in found["candles"]
        ]
        assert fields == [
            (5, 10, 10, 10, 10, 1),
            (5, 10, 12, 10, 12, 3),
            (5, 10, 12, 9, 9, 4),
            (10, 11, 11, 11, 11, 1),
            (10, 11, 11, 8, 8, 4),  # late: it counts where the chart can still show it
        ]
        assert found["sums"] == [[1, 2, 2], [3, 4, 6], [5, 6, 12]]
        assert found["classes"] == [
            "n up tick-up",
            "n up tick-up again",
            "n up tick-up",
            "n down tick-down",
            "n",
        ]
        assert found["cells"] == [
            ["–", "–", "n"],
            ["5.00", "–", "n"],
            ["5.00", "0.00 %", "n"],
            ["▼ 4.00", "+1.50 %", "n up"],
        ]
        # Evenly far apart, whatever the levels are; nothing between the best two.
        bids, asks = found["grid"]["bids"], found["grid"]["asks"]
        assert [point["time"] for point in bids] == [point["time"] for point in asks]
        assert [point["time"] for point in asks] == list(range(8, 19))
        assert [point.get("value") for point in bids] == [3, 1, 1] + [None] * 8
        assert [point.get("value") for point in asks] == [None] * 3 + [3] * 7 + [7]
        assert found["empty"] == [
            {"bids": [], "asks": []},
            {"bids": [{"time": 7, "value": 2}], "asks": [{"time": 7}]},
        ]
        assert found["digits"] == "1,234.50000000"
        assert found["sample"] == "1.5 s / 2.0 s"

    async def test_names_and_roles_for_who_does_not_see_it(self, shared: Stage) -> None:
        assert await shared.page.evaluate(NAMELESS) == []
        # Prices change too often to be read out: only what is rare is announced.
        live = await shared.page.evaluate(
            """[...document.querySelectorAll(
                "[aria-live], [role=status], [role=alert], [role=log]")].map((e) => e.id)"""
        )
        assert set(live) == {"state", "alarm", "add-problem", "news"}
