"""The hub of these tests as huggingface_hub's own client meets it: what is tested with it holds for that client too."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile

from lms.catalog.hashes import sha256
from tests.hub.process import HubProcess
from tests.hub.server import COMMIT, TOKEN

REPO = "maker/tiny-GGUF"
LARGE = bytes(range(256)) * 8


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    hub = HubProcess(tmp_path_factory.mktemp("hub"))
    hub.add(REPO, {"tiny-Q4_K_M.gguf": LARGE, "README.md": b"# Tiny"})
    yield hub
    hub.close()


@pytest.fixture
def api(process: HubProcess) -> HfApi:
    process.trouble()
    return HfApi(process.address, token=TOKEN)


def test_its_client_downloads_a_file_through_the_redirect(api: HfApi, process: HubProcess, tmp_path: Path) -> None:
    got = Path(api.hf_hub_download(REPO, "tiny-Q4_K_M.gguf", cache_dir=tmp_path))
    assert (got.read_bytes(), got.parent.name) == (LARGE, COMMIT)
    assert got.resolve().name == sha256(got)  # the blob is called by its ETag
    assert process.asked("/large/")


def test_its_client_downloads_a_whole_repo(api: HfApi, tmp_path: Path) -> None:
    folder = Path(api.snapshot_download(REPO, cache_dir=tmp_path))
    assert {path.name for path in folder.iterdir()} == {"tiny-Q4_K_M.gguf", "README.md"}


def test_size_commit_and_etag_are_told_before_a_download(api: HfApi, process: HubProcess) -> None:
    told = {
        name: get_hf_file_metadata(hf_hub_url(REPO, name, endpoint=process.address), token=TOKEN)
        for name in ("tiny-Q4_K_M.gguf", "README.md")
    }
    assert [(each.size, each.commit_hash) for each in told.values()] == [(len(LARGE), COMMIT), (6, COMMIT)]
    assert told["README.md"].etag == "a1875098e6e5667196623bad29cf003590ae86ce"
    assert len(told["tiny-Q4_K_M.gguf"].etag or "") == 64


def test_a_tree_and_a_repos_files_tell_the_same(api: HfApi) -> None:
    tree = [entry for entry in api.list_repo_tree(REPO, recursive=True) if isinstance(entry, RepoFile)]
    siblings = api.model_info(REPO, files_metadata=True).siblings or []
    assert {(file.path, file.size, file.lfs and file.lfs.sha256) for file in tree} == {
        (file.rfilename, file.size, file.lfs and file.lfs.sha256) for file in siblings
    }


def test_its_client_finds_repos(api: HfApi) -> None:
    assert [model.id for model in api.list_models(search="tiny", filter="gguf")] == [REPO]


def test_its_client_tells_the_refusals_apart(api: HfApi, process: HubProcess, tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("maker/nothing")
    with pytest.raises(RevisionNotFoundError):
        api.model_info(REPO, revision="v9")
    process.trouble(gated=[REPO])
    with pytest.raises(GatedRepoError):
        api.hf_hub_download(REPO, "README.md", cache_dir=tmp_path, token="hf_unknown")
    assert Path(api.hf_hub_download(REPO, "README.md", cache_dir=tmp_path)).read_bytes() == b"# Tiny"
