"""Clients' own ways: header fields and their order, escaping of paths, transaction IDs, filters, login bodies."""

import json
import urllib.parse

CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 ({}; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"
SYSTEMS = ["Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Macintosh; Intel Mac OS X 10_15_7"]
PHONES = [
    "Google Pixel 7; Android 14; UP1A.231005.007",
    "samsung SM-G991B; Android 13; TP1A.220624.014",
    "Fairphone FP4; Android 13; TKQ1.230127.002",
    "motorola moto g(30); Android 12; S0RCS32.41-10-19-2",
    "Xiaomi M2101K6G; Android 12; SKQ1.210908.001",
    "OnePlus LE2113; Android 14; UKQ1.230924.001",
]
LANGUAGES = [
    "en-US,en;q=0.9",
    "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7",
    "fr,fr-FR;q=0.8,en-US;q=0.5,en;q=0.3",
    "en-GB,en;q=0.5",
    "es-ES,es;q=0.9,en;q=0.8",
    "ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7",
    "ja,en-US;q=0.9,en;q=0.8",
    "*",
]

KINDS = [
    "element-web",
    "element-desktop",
    "cinny",
    "element-android",
    "element-x",
    "element-ios",
    "fluffychat",
    "nheko",
    "rust-bot",
    "python-bot",
    "bot-sdk",
    "quotient",
]


class Client:
    def __init__(self, r, kind):
        self.r, self.kind, self.count = r, kind, 0
        self.base = r.randrange(1000)
        self.browser = kind in ("element-web", "cinny")
        self.api = "r0" if kind in ("bot-sdk", "element-ios", "python-bot") and r.chance(0.4) else "v3"
        self.style = {
            "nheko": "sorted",
            "element-android": "bare",
            "element-ios": "fallback",
            "quotient": "bare",
            "python-bot": "bare",
            "bot-sdk": "bare",
        }.get(kind, "web")
        if kind == "element-web" and r.chance(0.3):
            self.style = "fallback"
        self.language = r.pick(LANGUAGES)
        system, n = r.pick(SYSTEMS), r.randrange(110, 142)
        phone = r.pick(PHONES)
        self.agent = {
            "element-web": CHROME.format(system, n) if r.chance(0.6) else FIREFOX.format(system, v=n),
            "element-desktop": f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Element/1.11.{r.randrange(40, 110)} Chrome/{n}.0.6099.{r.randrange(300)} Electron/28.1.{r.randrange(9)} Safari/537.36",
            "cinny": CHROME.format(system, n),
            "element-android": f"Element/1.6.{r.randrange(2, 40)} ({phone}; Flavour {r.pick(['GooglePlay', 'FDroid'])}; MatrixAndroidSdk2 1.6.{r.randrange(2, 40)})",
            "element-x": f"Element X{r.pick(['', ' Dbg'])}/{r.randrange(24, 26)}.{r.randrange(1, 13):02}.{r.randrange(5)} ({phone}; Sdk {r.hexa(40) if r.chance(0.3) else '0.2.' + str(r.randrange(9, 80))})",
            "element-ios": f"Riot/1.11.{r.randrange(2, 24)} (iPhone {r.randrange(11, 16)}; iOS 17.{r.randrange(7)}; Scale/3.00)",
            "fluffychat": f"Dart/3.{r.randrange(1, 7)} (dart:io)",
            "nheko": f"nheko/0.{r.randrange(11, 13)}.{r.randrange(3)}",
            "rust-bot": "matrix-rust-sdk",
            "python-bot": f"python-requests/2.{r.randrange(25, 33)}.{r.randrange(3)}",
            "bot-sdk": "matrix-bot-sdk",
            "quotient": f"Quaternion/0.0.{r.randrange(95, 98)} Quotient/0.{r.randrange(7, 9)}",
        }[kind]
        self.origin = r.pick(
            ["https://app.element.io", "https://element.example.org", "https://chat.example.com", "http://localhost:8080"]
        )
        if kind == "cinny":
            self.origin = "https://app.cinny.in"

    def device_name(self):
        return {
            "element-web": f"{self.origin.split('//')[1]}: Chrome on Windows",
            "element-desktop": "Element Desktop: Linux",
            "cinny": "Cinny Web",
            "element-android": "Element Android",
            "element-x": "Element X Android",
            "element-ios": "Element iOS",
            "fluffychat": "FluffyChat android",
            "nheko": "nheko on Debian GNU/Linux 12 (bookworm)",
            "quotient": "Quaternion",
        }.get(self.kind)

    def head(self, method, host, token, size=0, kind="application/json"):
        """Request header fields as this client's HTTP library writes them."""
        auth = [("Authorization", f"Bearer {token}")] if token else []
        body = [("Content-Type", kind), ("Content-Length", str(size))] if size else []
        k = self.kind
        if k in ("element-web", "element-desktop", "cinny"):
            chrome = "Firefox" not in self.agent
            head = [("Host", host)]
            if chrome:
                n = self.agent.split("Chrome/")[1].split(".")[0]
                head += [("Connection", "keep-alive")] + [(f, v) for f, v in body if f == "Content-Length"]
                head += [("sec-ch-ua-platform", '"Linux"' if "Linux" in self.agent else '"Windows"')] + auth
                head += [
                    ("User-Agent", self.agent),
                    ("Accept", "application/json"),
                    ("sec-ch-ua", f'"Chromium";v="{n}", "Not_A Brand";v="8"'),
                ]
                head += [(f, v) for f, v in body if f == "Content-Type"] + [
                    ("sec-ch-ua-mobile", "?0"),
                    ("Origin", self.origin),
                    ("Sec-Fetch-Site", "cross-site"),
                    ("Sec-Fetch-Mode", "cors"),
                    ("Sec-Fetch-Dest", "empty"),
                    ("Accept-Encoding", "gzip, deflate, br, zstd"),
                    ("Accept-Language", self.language),
                ]
            else:
                head += [
                    ("User-Agent", self.agent),
                    ("Accept", "application/json"),
                    ("Accept-Language", self.language),
                    ("Accept-Encoding", "gzip, deflate, br"),
                ]
                head += [(f, v) for f, v in body if f == "Content-Type"] + auth + [(f, v) for f, v in body if f == "Content-Length"]
                head += [
                    ("Origin", self.origin),
                    ("Connection", "keep-alive"),
                    ("Sec-Fetch-Dest", "empty"),
                    ("Sec-Fetch-Mode", "cors"),
                    ("Sec-Fetch-Site", "cross-site"),
                ]
        elif k == "element-android":
            head = (
                [("User-Agent", self.agent)]
                + auth
                + (
                    [
                        (f, v if f != "Content-Type" or kind != "application/json" else "application/json; charset=UTF-8")
                        for f, v in body
                    ]
                )
            )
            head += [("Host", host), ("Connection", "Keep-Alive"), ("Accept-Encoding", "gzip")]
        elif k in ("element-x", "rust-bot"):
            head = (
                [("content-type", kind)] * bool(size)
                + [(f.lower(), v) for f, v in auth]
                + [("user-agent", self.agent), ("accept", "*/*"), ("accept-encoding", "gzip")]
            )
            head += [("host", host)] + [("content-length", str(size))] * bool(size)
        elif k == "element-ios":
            head = (
                [("Host", host)]
                + [(f, v) for f, v in body if f == "Content-Type"]
                + [("Connection", "keep-alive"), ("Accept", "*/*"), ("User-Agent", self.agent)]
                + auth
            )
            head += [(f, v) for f, v in body if f == "Content-Length"] + [
                ("Accept-Language", "en-GB;q=1, de-DE;q=0.9"),
                ("Accept-Encoding", "gzip, deflate, br"),
            ]
        elif k == "fluffychat":
            head = (
                [("user-agent", self.agent), ("accept-encoding", "gzip")]
                + [(f.lower(), v) for f, v in reversed(body)]
                + [(f.lower(), v) for f, v in auth]
                + [("host", host)]
            )
        elif k == "nheko":
            head = (
                [("Host", host), ("User-Agent", self.agent), ("Accept", "*/*"), ("Accept-Encoding", "deflate, gzip, br, zstd")]
                + auth
                + body
            )
        elif k == "python-bot":
            head = (
                [
                    ("Host", host),
                    ("User-Agent", self.agent),
                    ("Accept-Encoding", "gzip, deflate"),
                    ("Accept", "*/*"),
                    ("Connection", "keep-alive"),
                ]
                + auth
                + body
            )
        elif k == "bot-sdk":
            head = (
                [("User-Agent", self.agent), ("Accept", "application/json")]
                + auth
                + [(f.lower(), v) for f, v in body]
                + [("host", host), ("Connection", "keep-alive")]
            )
        else:
            head = (
                [("Host", host), ("User-Agent", self.agent)]
                + auth
                + body
                + [("Connection", "Keep-Alive"), ("Accept-Encoding", "gzip, deflate"), ("Accept-Language", "en,*")]
            )
        return [list(h) for h in head]

    def preflight(self, host, method, with_auth):
        wanted = (
            ",".join((["authorization"] if with_auth else []) + (["content-type"] if method in ("PUT", "POST") else []))
            or "content-type"
        )
        return [
            list(h)
            for h in [
                ("Host", host),
                ("Connection", "keep-alive"),
                ("Accept", "*/*"),
                ("Access-Control-Request-Method", method),
                ("Access-Control-Request-Headers", wanted),
                ("Origin", self.origin),
                ("User-Agent", self.agent),
                ("Sec-Fetch-Mode", "cors"),
                ("Sec-Fetch-Site", "cross-site"),
                ("Sec-Fetch-Dest", "empty"),
                ("Accept-Encoding", "gzip, deflate, br, zstd"),
                ("Accept-Language", self.language),
            ]
        ]

    def esc(self, part):
        """One path segment."""
        if self.kind in ("element-x", "rust-bot", "element-android"):
            return urllib.parse.quote(part, safe="!$:@'()*,;=&+~-._")
        if self.kind in ("nheko", "python-bot", "quotient"):
            return urllib.parse.quote(part, safe="~-._")
        return urllib.parse.quote(part, safe="!'()*~-._")

    def dumps(self, data):
        raw = self.kind != "python-bot"
        separators = (", ", ": ") if self.kind == "python-bot" else (",", ":")
        return json.dumps(data, separators=separators, ensure_ascii=not raw).encode()

    def txn(self, ms):
        self.count += 1
        return {
            "element-web": f"m{ms}.{self.base + self.count}",
            "element-desktop": f"m{ms}.{self.base + self.count}",
            "cinny": f"m{ms}.{self.count}",
            "element-android": f"$local.{self.r.uuid()}",
            "element-x": self.r.hexa(32),
            "rust-bot": self.r.hexa(32),
            "element-ios": self.r.uuid(upper=True),
            "fluffychat": f"FluffyChat-{self.count}-{ms}",
            "nheko": f"m{ms}{self.count}",
            "python-bot": str(ms),
            "bot-sdk": f"{ms}__inc{self.count}REQ",
            "quotient": str(self.base + self.count),
        }[self.kind]

    def filter(self):
        """A filter to upload, or None."""
        k, r = self.kind, self.r
        if k in ("element-web", "element-desktop", "cinny"):
            return r.pick(
                [
                    {"room": {"timeline": {"unread_thread_notifications": True}, "state": {"lazy_load_members": True}}},
                    {"room": {"state": {"lazy_load_members": True}}},
                    {
                        "room": {
                            "timeline": {"limit": 20, "unread_thread_notifications": True},
                            "state": {"lazy_load_members": True},
                        }
                    },
                ]
            )
        if k == "element-android":
            return {
                "room": {
                    "timeline": {"lazy_load_members": True, "unread_thread_notifications": r.chance(0.5)},
                    "state": {"lazy_load_members": True},
                }
            }
        if k == "element-ios":
            return {"room": {"timeline": {"limit": 10, "unread_thread_notifications": True}, "state": {"lazy_load_members": True}}}
        if k in ("fluffychat", "rust-bot"):
            return {"room": {"state": {"lazy_load_members": True}}}
        if k == "bot-sdk":
            return {"room": {"timeline": {"limit": 20}}, "presence": {"types": []}} if r.chance(0.5) else None
        return None

    def inline_filter(self):
        r = self.r
        return r.pick(
            [
                {"room": {"timeline": {"limit": 50}, "state": {"lazy_load_members": True}}, "presence": {"types": []}},
                {
                    "room": {"state": {"types": []}, "ephemeral": {"limit": 0}, "timeline": {"types": ["m.room.message"]}},
                    "presence": {"not_types": ["*"]},
                },
                {
                    "account_data": {"not_types": ["*"]},
                    "presence": {"not_types": ["*"]},
                    "room": {"account_data": {"not_types": ["*"]}, "ephemeral": {"not_types": ["*"]}},
                },
            ]
        )

    def login(self, user, device):
        r, k = self.r, self.kind
        password = r.pick(
            [
                r.alnum(r.randrange(8, 20)),
                f"{r.letters(6)} {r.letters(5)} {r.randrange(99)}",
                r.letters(7) + "!" + str(r.randrange(1000)),
            ]
        )
        who = {"type": "m.id.user", "user": r.pick([user.local, user.id])}
        body = {"type": "m.login.password", "identifier": who, "password": password}
        if k in ("element-web", "element-desktop", "cinny"):
            body = {
                "initial_device_display_name": self.device_name(),
                "identifier": who,
                "password": password,
                "type": "m.login.password",
            }
        elif k == "element-android":
            body = {
                "identifier": who,
                "password": password,
                "type": "m.login.password",
                "initial_device_display_name": self.device_name(),
            }
        elif k in ("element-x", "rust-bot"):
            body = {"type": "m.login.password", "identifier": who, "password": password}
            if self.device_name():
                body["initial_device_display_name"] = self.device_name()
            body["refresh_token"] = True
        elif k == "fluffychat":
            body = {
                "identifier": who,
                "initial_device_display_name": self.device_name(),
                "password": password,
                "type": "m.login.password",
            }
        elif k == "nheko":
            body = {
                "identifier": who,
                "initial_device_display_name": self.device_name(),
                "password": password,
                "type": "m.login.password",
            }
        elif k == "python-bot":
            body = {"type": "m.login.password", "user": user.local, "password": password}
        if r.chance(0.25):
            body["device_id"] = device
        if k in ("element-web", "element-desktop") and r.chance(0.25):
            body = {"type": "m.login.token", "token": r.letters(32), "initial_device_display_name": self.device_name()}
        return body
