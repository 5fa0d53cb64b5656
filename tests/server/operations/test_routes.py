from dataclasses import replace

from lms.errors import DaemonUnreachable
from tests.server.backend import ListedBackend
from tests.server.conftest import MakeSite, Site


def test_a_server_that_can_answer_is_healthy(site: Site) -> None:
    reply = site.client.get("/health")
    assert (reply.status_code, reply.json) == (200, {"status": "ok"})


def test_a_server_without_a_daemon_is_not(site: Site) -> None:
    class Gone(ListedBackend):
        def instances(self):  # type: ignore[no-untyped-def]
            raise DaemonUnreachable("The daemon does not answer.")

    site.client.application.extensions["lms"] = replace(site.client.application.extensions["lms"], backend=Gone())
    reply = site.client.get("/health")
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "2")


def test_metrics_are_those_of_whoever_measures(make_site: MakeSite) -> None:
    reply = make_site(metrics=lambda: b"lms_build 1.0\n").client.get("/metrics")
    assert (reply.data, reply.mimetype) == (b"lms_build 1.0\n", "text/plain")


def test_the_description_is_json(site: Site) -> None:
    assert site.client.get("/openapi.json").json["openapi"] == "3.1.0"  # type: ignore[index]


def test_the_page_loads_nothing_from_elsewhere(site: Site) -> None:
    reply = site.client.get("/docs")
    assert reply.mimetype == "text/html"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert 'fetch("openapi.json")' in reply.text
    assert "://" not in reply.text
