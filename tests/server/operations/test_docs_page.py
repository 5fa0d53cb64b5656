"""The script of the page, run by Node over a document of ten lines: it lists what the description says."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lms.server.endpoints import ENDPOINTS
from lms.server.operations import openapi

PAGE = Path(openapi.__file__).with_name("docs.html")

# Prints the text of every element, one a line.
DOCUMENT = """
import { readFileSync } from "node:fs";
class Element {
  children = [];
  append(...added) { this.children.push(...added); }
  insertRow() { this.append(new Element()); return this.children.at(-1); }
  insertCell() { return this.insertRow(); }
  text() { return [this.textContent, ...this.children.flatMap(child => child.text())]; }
}
const main = new Element();
globalThis.document = { createElement: () => new Element(), querySelector: () => main };
globalThis.fetch = async () => ({ json: async () => JSON.parse(readFileSync(0, "utf8")) });
process.on("exit", () => console.log(main.text().join("\\n")));
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    script = tmp_path_factory.mktemp("docs") / "page.mjs"
    script.write_text(DOCUMENT + PAGE.read_text().partition("<script>")[2].partition("</script>")[0])
    ended = subprocess.run(["node", str(script)], input=openapi.document(), capture_output=True, check=True)
    return ended.stdout.decode().splitlines()


def test_the_page_lists_every_endpoint(shown: list[str]) -> None:
    assert {endpoint.path for endpoint in ENDPOINTS} <= set(shown)
    assert {endpoint.summary for endpoint in ENDPOINTS} <= set(shown)


def test_the_page_shows_the_fields_of_bodies_and_their_bounds(shown: list[str]) -> None:
    assert {"max_tokens", "top_p", "number, minimum 0, maximum 1 | null", "Types"} <= set(shown)


def test_nothing_is_shown_that_is_not_known(shown: list[str]) -> None:
    assert [line for line in shown if "undefined" in line or "[object" in line] == []
