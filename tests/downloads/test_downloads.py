"""Downloads from a hub that is a process of its own, with huggingface_hub as the client."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from lms.catalog.hashes import Hashes, sha256
from lms.client.control import DownloadRequest
from lms.downloads.downloads import KEPT_S, Downloads
from lms.errors import (
    DownloadFailed,
    DownloadNotFound,
    HubRefused,
    HubUnreachable,
    InvalidRequest,
    ModelNotFound,
    NotEnoughDisk,
)
from tests.downloads.conftest import MODEL, REPO, Shop, noise
from tests.hub.server import TOKEN

BIG = 400_000


def test_a_model_comes_whole_and_is_listed(shop: Shop) -> None:
    row = shop.get()
    assert (row.status, row.downloaded_bytes, row.quantization) == ("completed", len(MODEL), "Q4_K_M")
    assert shop.whole("tiny-Q4_K_M.gguf").read_bytes() == MODEL
    assert [path.name for path in (shop.models_dir / REPO).iterdir()] == ["tiny-Q4_K_M.gguf"]
    assert shop.told == [(f"{REPO} is downloaded.", False)]
    assert len(shop.keys()) == 1


def test_what_is_proposed_is_held_against_the_memory_that_models_may_take(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def memory() -> tuple[int, str]:
        offers = shop.downloads.look_up(DownloadRequest(REPO, endpoint=shop.hub.address, token="hf_unknown"))
        return offers.memory_bytes, offers.memory_of

    monkeypatch.setattr("lms.downloads.downloads.memory_limit_bytes", lambda: None)
    assert memory()[1] == "machine"
    monkeypatch.setattr("lms.downloads.downloads.memory_limit_bytes", lambda: 3 << 20)
    assert memory() == (3 << 20, "container")
    monkeypatch.setenv("LMS_MEMORY_BUDGET_MB", "2")
    assert memory() == (2 << 20, "budget")


def test_what_is_there_is_not_downloaded_again(shop: Shop) -> None:
    shop.get()
    asked = len(shop.hub.asked("resolve"))
    row = shop.start()
    assert (row.status, row.job_id, row.started_s) == ("already_downloaded", None, None)
    assert len(shop.hub.asked("resolve")) == asked


def test_two_gets_of_one_model_are_one_download(shop: Shop) -> None:
    shop.hub.trouble(hold_after=BIG)
    first, second = shop.start(), shop.start(f"{shop.hub.address}/{REPO}/blob/main/tiny-Q4_K_M.gguf")
    assert first.job_id == second.job_id
    shop.hub.release()
    assert shop.ended(first.job_id).status == "completed"
    assert len(shop.hub.asked("/large/")) == 1


def test_while_it_comes_the_model_is_not_listed(shop: Shop) -> None:
    shop.hub.trouble(hold_after=BIG)
    row = shop.begun()
    assert (row.status, shop.keys()) == ("downloading", [])
    shop.hub.release()
    shop.ended(row.job_id)
    assert len(shop.keys()) == 1


def test_shards_appear_together_when_the_last_is_there(shop: Shop) -> None:
    shards = {f"big-Q4_K_M-0000{n}-of-00003.gguf": noise(BIG, n) for n in (1, 2, 3)}
    shop.hub.add("maker/big-GGUF", shards)
    shop.hub.trouble(hold_after=BIG // 2)
    row = shop.begun("maker/big-GGUF")
    assert not list(shop.models_dir.rglob("*.gguf"))
    shop.hub.release()
    assert shop.ended(row.job_id).status == "completed"
    assert {path.name: path.read_bytes() for path in shop.models_dir.rglob("*") if path.is_file()} == shards


def test_a_projector_comes_along_and_once_for_two_quantizations(shop: Shop) -> None:
    files = {"see-Q4_K_M.gguf": noise(BIG, 1), "see-Q8_0.gguf": noise(BIG, 2), "mmproj-see-f16.gguf": noise(BIG, 3)}
    shop.hub.add("maker/see-GGUF", files | {"mmproj-see-f32.gguf": noise(BIG, 4)})
    shop.hub.trouble(hold_after=BIG // 2)
    rows = [shop.start("maker/see-GGUF@Q4_K_M"), shop.start("maker/see-GGUF", quantization="q8_0")]
    shop.hub.release()
    assert [shop.ended(row.job_id).status for row in rows] == ["completed", "completed"]
    assert {path.name: path.read_bytes() for path in (shop.models_dir / "maker/see-GGUF").iterdir()} == files
    assert len(shop.hub.asked("/large/maker/see-GGUF/mmproj")) == 1


def test_an_mlx_folder_comes_whole(shop: Shop) -> None:
    files = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": noise(BIG)}
    shop.hub.add("maker/tiny-mlx-4bit", files | {"picture.png": b"x", ".gitattributes": b"x"})
    row = shop.get("maker/tiny-mlx-4bit")
    assert (row.status, row.format, row.quantization, row.path) == ("completed", "mlx", "4bit", "maker/tiny-mlx-4bit")
    assert {path.name: path.read_bytes() for path in (shop.models_dir / "maker/tiny-mlx-4bit").iterdir()} == files


def test_a_connection_that_breaks_is_gone_on_with_where_it_broke(shop: Shop) -> None:
    shop.hub.trouble(cut_after=BIG, cuts=2)
    assert shop.get().status == "completed"
    ranges = [each["headers"].get("range") for each in shop.hub.asked("/large/")]
    assert ranges == [None, f"bytes={BIG}-", f"bytes={2 * BIG}-"]
    assert shop.whole("tiny-Q4_K_M.gguf").read_bytes() == MODEL


def test_a_hub_without_ranges_gives_the_file_from_its_beginning(shop: Shop) -> None:
    shop.hub.trouble(cut_after=BIG, cuts=1, ranges=False)
    assert shop.get().status == "completed"
    assert shop.whole("tiny-Q4_K_M.gguf").read_bytes() == MODEL


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_hub_is_asked_again(shop: Shop, status: int) -> None:
    shop.hub.trouble(file_statuses=[status, status])
    assert shop.get().status == "completed"
    assert len(shop.hub.asked("/large/")) == 3


def test_a_transfer_that_stands_still_is_taken_up_where_it_stood(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lms.catalog.hub.HF_HUB_DOWNLOAD_TIMEOUT", 0.5)
    shop.hub.trouble(hold_after=2_000_000)
    assert shop.get().status == "completed"
    assert shop.whole("tiny-Q4_K_M.gguf").read_bytes() == MODEL
    ranges = [each["headers"].get("range") for each in shop.hub.asked("/large/")]
    assert ranges == [None, "bytes=2000000-"]


def test_a_hub_that_is_busy_for_too_long_fails_the_download_and_the_next_one_goes_on(shop: Shop) -> None:
    shop.hub.trouble(cut_after=BIG, cuts=1, file_statuses=[503] * 7, statuses_after=1)
    failed = shop.get()
    assert failed.status == "failed"
    assert failed.error
    assert failed.error["code"] == "hub_unreachable"
    assert shop.told[-1][1]
    shop.hub.trouble()
    assert shop.get().status == "completed"
    assert shop.hub.asked("/large/")[-1]["headers"]["range"] == f"bytes={BIG}-"


def test_a_hub_that_goes_away_and_comes_back_ends_nothing(shop: Shop) -> None:
    shop.opened(backoff_s=(0.05,) * 400)
    shop.hub.trouble(hold_after=BIG)
    row = shop.begun()
    shop.hub.die()
    shop.hub.come_back()
    assert shop.ended(row.job_id).status == "completed"
    assert shop.whole("tiny-Q4_K_M.gguf").read_bytes() == MODEL
    assert shop.hub.asked("/large/")[0]["headers"]["range"].startswith("bytes=")


def test_wrong_bytes_are_fetched_once_more(shop: Shop) -> None:
    shop.hub.trouble(wrong=1)
    row = shop.get()
    assert (row.status, row.downloaded_bytes) == ("completed", len(MODEL))
    assert shop.whole("tiny-Q4_K_M.gguf").read_bytes() == MODEL


def test_bytes_that_stay_wrong_never_become_a_model(shop: Shop) -> None:
    shop.hub.trouble(wrong=2)
    row = shop.get()
    assert row.status == "failed"
    assert row.error
    assert row.error["code"] == "download_failed"
    assert shop.keys() == []
    assert not shop.whole("tiny-Q4_K_M.gguf").exists()


def test_a_small_file_is_verified_too(shop: Shop) -> None:
    shop.hub.add("maker/wrong-4bit", {"config.json": b"{}", "model.safetensors": noise(BIG)})
    shop.hub.trouble(wrong=2)
    assert shop.get("maker/wrong-4bit").status == "failed"


def test_a_gated_repo_says_what_to_do(shop: Shop) -> None:
    shop.hub.trouble(gated=[REPO])
    with pytest.raises(HubRefused, match=r"gated.*/maker/tiny-GGUF.*HF_TOKEN") as refused:
        shop.start()
    assert str(refused.value).count("http") == 1
    assert shop.downloads.downloads() == []
    assert shop.get(token=TOKEN).status == "completed"


def test_a_token_is_not_written_down(shop: Shop) -> None:
    shop.get(token=TOKEN)
    records = list(shop.home.downloads.iterdir())
    assert len(records) == 1
    assert TOKEN not in records[0].read_text()


def test_where_large_files_lie_the_token_stays_unknown(shop: Shop) -> None:
    shop.get(token=TOKEN)
    assert [each["headers"].get("authorization") for each in shop.hub.asked("resolve")] == [f"Bearer {TOKEN}"]
    assert [each["headers"].get("authorization") for each in shop.hub.asked("/large/")] == [None]


def test_what_does_not_fit_on_the_disk_is_not_begun(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: resource_usage(free=len(MODEL) - 1))
    with pytest.raises(NotEnoughDisk, match=r"needs 3\.81 MB .* has 3\.81 MB free"):
        shop.start()
    assert shop.hub.asked("resolve") == []
    assert not list(shop.models_dir.rglob("*.part"))
    monkeypatch.setattr("shutil.disk_usage", lambda path: resource_usage(free=len(MODEL)))
    assert shop.get().status == "completed"


class resource_usage:
    def __init__(self, free: int) -> None:
        self.free = free


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_fails_the_download_which_goes_on_once_there_is_room(shop: Shop) -> None:
    with largest_file(BIG):
        row = shop.get()
    assert row.status == "failed"
    assert row.error
    assert row.error["code"] == "not_enough_disk"
    assert shop.part("tiny-Q4_K_M.gguf").stat().st_size == BIG
    assert shop.get().status == "completed"
    assert shop.hub.asked("/large/")[-1]["headers"]["range"] == f"bytes={BIG}-"


def test_the_next_daemon_goes_on(shop: Shop) -> None:
    shop.hub.trouble(hold_after=BIG)
    row = shop.begun()
    shop.downloads.close()
    shop.opened().restore()
    shop.hub.release()
    assert shop.ended(row.job_id).status == "completed"
    assert shop.whole("tiny-Q4_K_M.gguf").read_bytes() == MODEL


def test_a_paused_download_keeps_what_has_come_and_goes_on_by_its_id(shop: Shop) -> None:
    shop.hub.trouble(hold_after=BIG)
    row = shop.begun()
    assert shop.downloads.pause_download(row.job_id).status == "paused"
    shop.opened().restore()
    assert shop.downloads.download(row.job_id).status == "paused"
    shop.hub.release()
    assert shop.start().job_id == row.job_id
    assert shop.ended(row.job_id).status == "completed"


def test_a_cancelled_download_leaves_nothing(shop: Shop) -> None:
    shop.hub.trouble(hold_after=BIG)
    row = shop.begun()
    shop.downloads.cancel_download(row.job_id)
    assert list(shop.models_dir.iterdir()) == []
    assert list(shop.home.downloads.iterdir()) == []
    with pytest.raises(DownloadNotFound):
        shop.downloads.download(row.job_id)


def test_a_cancelled_download_spares_what_another_one_needs(shop: Shop) -> None:
    files = {"see-Q4_K_M.gguf": noise(BIG, 1), "see-Q8_0.gguf": noise(BIG, 2), "mmproj-see-f16.gguf": noise(BIG, 3)}
    shop.hub.add("maker/see-GGUF", files)
    shop.hub.trouble(hold_after=BIG // 2)
    first, second = shop.start("maker/see-GGUF@q4_k_m"), shop.start("maker/see-GGUF@q8_0")
    assert first.job_id
    shop.downloads.cancel_download(first.job_id)
    shop.hub.release()
    assert shop.ended(second.job_id).status == "completed"
    assert not shop.whole("see-Q4_K_M.gguf", "maker/see-GGUF").exists()


def test_a_name_of_a_catalog_means_the_conversion(shop: Shop) -> None:
    shop.hub.add("lmstudio-community/tiny-3b-GGUF", {"tiny-3b-Q4_K_M.gguf": noise(BIG)})
    shop.hub.add("maker/tiny-3b", {"weights.bin": noise(BIG)})
    assert shop.start("maker/tiny-3b").repo == "lmstudio-community/tiny-3b-GGUF"
    assert shop.start("nobody/tiny-3b").repo == "lmstudio-community/tiny-3b-GGUF"


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("nobody/nothing", ModelNotFound),
        (f"{REPO}@Q2_K", ModelNotFound),
        ("just-words", InvalidRequest),
        ("https://example.com/maker/tiny-GGUF", InvalidRequest),
        ("https://huggingface.co/maker", InvalidRequest),
        ("../../etc", InvalidRequest),
        ("maker/..", InvalidRequest),
        (f"{REPO}@Q4_0@Q8_0", InvalidRequest),
    ],
)
def test_what_cannot_be_had_is_refused_before_anything_begins(shop: Shop, typed: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        shop.start(typed)
    assert shop.downloads.downloads() == []


def test_a_hub_that_is_not_there_is_named(shop: Shop) -> None:
    shop.hub.die()
    with pytest.raises(HubUnreachable, match=shop.hub.address):
        shop.start()
    shop.hub.come_back()


def test_a_folder_that_cannot_be_written_begins_nothing(shop: Shop) -> None:
    shop.models_dir.write_text("no folder")
    with pytest.raises(DownloadFailed, match="can be written"):
        shop.start()
    assert shop.downloads.downloads() == []


def test_a_record_that_cannot_be_written_begins_nothing(shop: Shop) -> None:
    shop.home.root.mkdir(parents=True, exist_ok=True)
    shop.home.downloads.write_text("no folder")
    with pytest.raises(DownloadFailed, match="can be written"):
        shop.start()
    assert shop.downloads.downloads() == []
    shop.home.downloads.unlink()
    assert shop.get().status == "completed"


def test_a_model_is_announced_before_it_is_said_to_be_there(shop: Shop) -> None:
    states: list[str] = []
    downloads = Downloads(
        shop.home, shop.models_dir, lambda message, bad: None, lambda: states.append(downloads.downloads()[0].status)
    )
    shop.downloads = downloads
    assert shop.get().status == "completed"
    assert states == ["downloading"]


def test_records_that_are_broken_or_old_are_no_obstacle(shop: Shop) -> None:
    row = shop.get()
    record = next(shop.home.downloads.iterdir())
    job = msgspec.json.decode(record.read_bytes())
    record.write_bytes(msgspec.json.encode(job | {"started_s": job["started_s"] - KEPT_S - 1}))
    (shop.home.downloads / "job_broken.json").write_text("{")
    shop.opened().restore()
    assert shop.downloads.downloads() == []
    assert not record.exists()
    assert row.status == "completed"


def test_what_failed_is_remembered_for_as_long_as_a_part_of_it_is_there(shop: Shop) -> None:
    with largest_file(BIG):
        shop.get()
    record = next(shop.home.downloads.iterdir())
    job = msgspec.json.decode(record.read_bytes())
    record.write_bytes(msgspec.json.encode(job | {"started_s": job["started_s"] - KEPT_S - 1}))
    shop.opened().restore()
    assert [row.downloaded_bytes for row in shop.downloads.downloads()] == [BIG]
    shop.downloads.cancel_download(job["id"])
    assert list(shop.models_dir.iterdir()) == []


def test_the_hash_that_it_came_with_is_written_down(shop: Shop) -> None:
    shop.get()
    whole = shop.whole("tiny-Q4_K_M.gguf")
    assert Hashes(shop.home.model_hashes).recorded(whole) == sha256(whole)


def test_small_files_get_a_hash_too(shop: Shop) -> None:
    shop.hub.add("maker/small-4bit", {"config.json": b"{}", "model.safetensors": noise(BIG)})
    shop.get("maker/small-4bit")
    config = shop.whole("config.json", "maker/small-4bit")
    assert Hashes(shop.home.model_hashes).recorded(config) == sha256(config)


def test_a_list_of_hashes_that_is_broken_costs_no_model(shop: Shop) -> None:
    shop.home.root.mkdir()
    shop.home.model_hashes.write_text("{")
    assert shop.get().status == "completed"
