"""`python -m tests.hub.server FOLDER`: a hub as a process of its own, over repos that lie in FOLDER as `owner/name/…`.

It speaks the Hub's HTTP API as huggingface_hub 2.4 asks it: model info with siblings and LFS hashes, trees, search,
`resolve` with a redirect to where large files lie, ranges, ETags, and the headers by which errors are told apart.
Prints its address. What is wrong with it is said at `POST /_trouble`, and what it was asked at `GET /_asked`.
"""

import hashlib
import json
import sys
import threading
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
# Files of that size and more are stored with LFS, of the others the hub gives git's hash.
LFS_BYTES = 1000
TOKEN = "hf_good"
BLOCK_BYTES = 16384


class Trouble:
    """What is wrong with the hub at the moment.

    gated: repos whose files only TOKEN gets
    api_statuses: answered to questions about repos, one after the other
    retry_after: what refusals say about when to come back
    file_statuses: answered to requests for large files, one after the other, once `statuses_after` have got theirs
    cut_after: connections for large files break after so many bytes, as often as `cuts` says
    hold_after: large files stop after so many bytes, until `released`
    named: what every repo says that its name is
    html: answers about repos are pages, as of a network that asks for a login
    wrong: so many answers have wrong bytes
    ranges: whether it knows ranges
    """

    def __init__(self) -> None:
        self.gated: list[str] = []
        self.api_statuses: list[int] = []
        self.retry_after = "0"
        self.file_statuses: list[int] = []
        self.statuses_after = 0
        self.cut_after = 0
        self.cuts = 0
        self.hold_after = 0
        self.wrong = 0
        self.named = ""
        self.html = False
        self.ranges = True
        self.released = threading.Event()


class FakeHub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.folder = folder
        self.trouble = Trouble()
        self.asked: list[dict[str, Any]] = []


@cache
def digests(path: Path, size: int) -> tuple[str, str]:
    """SHA-256, and git's SHA-1."""
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest(), hashlib.sha1(b"blob %d\0" % size + content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    server: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/_release":
            self.server.trouble.released.set()
        else:
            self.server.trouble.released.set()
            self.server.trouble = Trouble()
            vars(self.server.trouble).update(body)
        self._json({})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        names = [unquote(name) for name in address.path.strip("/").split("/")]
        if names == ["_asked"]:
            return self._json(self.server.asked)
        self.server.asked.append(
            {
                "method": self.command,
                "path": unquote(address.path),
                "headers": {name.lower(): value for name, value in self.headers.items()},
            }
        )
        if names[:2] == ["api", "models"]:
            return self._api(names[2:], parse_qs(address.query))
        if names[:1] == ["large"]:
            return self._content(self.server.folder.joinpath(*names[1:]))
        if len(names) > 4 and names[2] == "resolve":
            return self._resolve("/".join(names[:2]), names[3], names[4:])
        return self._refuse(404, "EntryNotFound", "Entry not found")

    # The API

    def _api(self, names: list[str], query: dict[str, list[str]]) -> None:
        if self.server.trouble.api_statuses:
            return self._refuse(self.server.trouble.api_statuses.pop(0), "", "Not now")
        if not names:
            return self._json(self._found(query))
        if self.server.trouble.html:
            return self._answer(200, b"<html>Log in</html>", {"Content-Type": "text/html"})
        repo, what = "/".join(names[:2]), names[2:3]
        revision = names[3] if len(names) > 3 else "main"
        if not (self.server.folder / repo).is_dir():
            return self._refuse(401, "RepoNotFound", "Repository not found")
        if revision not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound", "Revision not found")
        if what == ["tree"]:
            return self._json([self._entry(path, repo) for path in self._files(repo)])
        return self._json(self._info(repo) | {"siblings": [self._sibling(path, repo) for path in self._files(repo)]})

    def _found(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        words = query.get("search", [""])[0].lower().split()
        wanted = set(query.get("filter", []))
        repos = ["/".join(path.parts[-2:]) for path in sorted(self.server.folder.glob("*/*"))]
        infos = [self._info(repo) for repo in repos if all(word in repo.lower() for word in words)]
        fitting = [info for info in infos if wanted <= set(info["tags"])]
        fitting.sort(key=lambda info: -info[query.get("sort", ["downloads"])[0]])
        if query.get("full") == ["true"]:  # names of files, without sizes
            fitting = [
                info | {"siblings": [{"rfilename": name} for name in self._names(info["id"])]} for info in fitting
            ]
        return fitting[: int(query.get("limit", ["1000"])[0])]

    def _info(self, repo: str) -> dict[str, Any]:
        files = self._files(repo)
        tags = [tag for tag, ending in (("gguf", ".gguf"), ("mlx", ".safetensors")) if any(
            path.name.endswith(ending) for path in files
        )]  # fmt: skip
        return {
            "_id": "6400000000000000000000aa",
            "id": self.server.trouble.named or repo,
            "modelId": repo,
            "author": repo.partition("/")[0],
            "sha": COMMIT,
            "private": False,
            "disabled": False,
            "gated": "manual" if repo in self.server.trouble.gated else False,
            "downloads": len(repo) * 100,
            "likes": len(repo),
            "tags": tags,
            "createdAt": "2026-01-01T00:00:00.000Z",
            "lastModified": "2026-01-01T00:00:00.000Z",
        }

    def _files(self, repo: str) -> list[Path]:
        return sorted(path for path in (self.server.folder / repo).rglob("*") if path.is_file())

    def _names(self, repo: str) -> list[str]:
        return [path.relative_to(self.server.folder / repo).as_posix() for path in self._files(repo)]

    def _entry(self, path: Path, repo: str) -> dict[str, Any]:
        """As the tree of a repo lists it, all folders at once."""
        sibling = self._sibling(path, repo)
        entry = {"type": "file", "path": sibling["rfilename"], "size": sibling["size"], "oid": sibling["blobId"]}
        if lfs := sibling.get("lfs"):
            entry["lfs"] = {"oid": lfs["sha256"], "size": lfs["size"], "pointerSize": lfs["pointerSize"]}
        return entry

    def _sibling(self, path: Path, repo: str) -> dict[str, Any]:
        size = path.stat().st_size
        sha256, sha1 = digests(path, size)
        name = path.relative_to(self.server.folder / repo).as_posix()
        sibling: dict[str, Any] = {"rfilename": name, "size": size, "blobId": sha1}
        if size >= LFS_BYTES:
            sibling["lfs"] = {"sha256": sha256, "size": size, "pointerSize": 134}
        return sibling

    # Files

    def _resolve(self, repo: str, revision: str, names: list[str]) -> None:
        path = self.server.folder.joinpath(repo, *names)
        trouble = self.server.trouble
        if repo in trouble.gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._refuse(401, "GatedRepo", f"Access to model {repo} is restricted.")
        if not path.is_file():
            return self._refuse(404, "EntryNotFound", "Entry not found")
        size = path.stat().st_size
        sha256, sha1 = digests(path, size)
        if size < LFS_BYTES:
            return self._content(path, {"X-Repo-Commit": COMMIT, "ETag": f'"{sha1}"'})
        # By another name, as the Hub does too: what goes there has to do without the token.
        where = f"http://localhost:{self.server.server_port}/large/{repo}/{'/'.join(names)}"
        return self._answer(
            302, b"", {"Location": where, "X-Repo-Commit": COMMIT, "X-Linked-Size": str(size), "X-Linked-ETag": sha256}
        )

    def _content(self, path: Path, headers: dict[str, str] | None = None) -> None:
        trouble = self.server.trouble
        if trouble.statuses_after:
            trouble.statuses_after -= 1
        elif trouble.file_statuses:
            return self._refuse(trouble.file_statuses.pop(0), "", "Not now")
        content = path.read_bytes()
        begin = 0
        if trouble.ranges and (typed := self.headers.get("Range")):
            begin = int(typed.removeprefix("bytes=").partition("-")[0])
        if begin >= len(content) > 0:
            return self._refuse(416, "", "Range not satisfiable")
        if trouble.wrong:
            trouble.wrong -= 1
            content = bytes(byte ^ 1 for byte in content)
        self.send_response(206 if begin else 200)
        ranged = {"Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"} if begin else {}
        for name, value in {"Content-Length": str(len(content) - begin), **ranged, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self._send(content[begin:], large=len(content) >= LFS_BYTES)
        return None

    def _send(self, content: bytes, large: bool) -> None:
        trouble = self.server.trouble
        cut = trouble.cut_after if large and trouble.cuts else 0
        if cut and cut < len(content):
            trouble.cuts -= 1
            self._write(content[:cut])
            self.close_connection = True
            self.connection.close()
            return
        hold = trouble.hold_after if large else 0
        if hold and hold < len(content):
            self._write(content[:hold])
            trouble.released.wait()
            content = content[hold:]
        self._write(content)

    def _write(self, content: bytes) -> None:
        with suppress(ConnectionError):
            self.wfile.write(content)
            self.wfile.flush()

    # Answers

    def _json(self, value: Any) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, message: str) -> None:
        told = {"X-Error-Code": code, "X-Error-Message": message} if code else {}
        told["Retry-After"] = self.server.trouble.retry_after
        self._answer(status, json.dumps({"error": message}).encode(), told)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._write(body)


def main() -> None:
    """Serve until stdin closes."""
    hub = FakeHub(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{hub.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
