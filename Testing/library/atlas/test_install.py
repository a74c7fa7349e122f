"""Installing a published template: fetched or from a folder, with the embedded regions brought onto it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from deepstroke import atlas
from deepstroke.atlas.catalogue import CATALOGUE, RemoteTemplate
from deepstroke.atlas.install import brain_of_stripped
from deepstroke.errors import InputError
from deepstroke.evaluation import dice
from deepstroke.nifti import write_nifti
from deepstroke.register import SpatialTransform
from deepstroke.resources import require_sha256, sha256_of
from deepstroke.volume import LabelMap, Volume

#: How the made template lies: a smaller head in a frame of its own, as published templates have one.
TEMPLATE_TO_MNI = np.array([[1.06, 0, 0, 134.0], [0, 1.04, 0.03, -95.0], [0, -0.03, 1.05, -80.0], [0, 0, 0, 1]])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, empty."""
    monkeypatch.setenv("DEEPSTROKE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address and the folder of a made template at 3 mm: the embedded one, noisy, in another frame."""
    folder = tmp_path_factory.mktemp("published")
    affine = np.diag([-3.0, 3.0, 3.0, 1.0])
    reference = Volume(np.zeros((86, 76, 64), np.float32), affine)
    template = SpatialTransform.from_affine(TEMPLATE_TO_MNI).apply(atlas.load().template, reference)
    noise = np.random.default_rng(1).normal(0.0, 1.0, template.shape).astype(np.float32)
    data = np.where(template.data > 0, np.maximum(template.data + noise, 0.1), 0.0).astype(np.float32)
    write_nifti(Volume(data, affine), folder / "template_2mm.nii.gz")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/template_2mm.nii.gz", folder
        server.shutdown()
        thread.join()


@pytest.fixture
def entry(published: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> RemoteTemplate:
    """The catalogue's entry, pointing at the made template."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    address, folder = published
    file = replace(CATALOGUE["high-res-ct"].template, url=address, sha256=sha256_of(folder / "template_2mm.nii.gz"))
    changed = replace(CATALOGUE["high-res-ct"], template=file)
    monkeypatch.setitem(CATALOGUE, "high-res-ct", changed)
    return changed


def test_a_template_is_fetched_and_gets_the_embedded_regions(entry: RemoteTemplate, home: Path) -> None:
    told: list[float] = []
    folder = atlas.install("high-res-ct", progress=lambda fraction, text: told.append(fraction))
    assert folder == home / "atlases" / "high-res-ct"
    assert told == sorted(told)
    assert told[-1] == 1.0
    loaded = atlas.load("high-res-ct")
    assert loaded.findings == ()
    truth = SpatialTransform.from_affine(TEMPLATE_TO_MNI).apply(atlas.load().labels, loaded.template)
    overlap = [dice(loaded.labels.data == label, truth.data == label) for label in range(1, 21)]
    assert min(overlap) > 0.7
    assert np.mean(overlap) > 0.85
    assert "regions are carried over by registration" in loaded.manifest["status"]
    assert loaded.manifest["provenance"]["template"] == entry.template.url
    assert atlas.info("high-res-ct")["licence"].startswith("CC BY-NC-SA 4.0")
    assert atlas.install("high-res-ct") == folder
    (folder / "labels.nii.gz").write_bytes(b"altered")
    with pytest.raises(InputError, match=r"labels\.nii\.gz is altered or damaged"):
        atlas.install("high-res-ct")


def test_a_folder_without_the_file_says_where_it_is_published(home: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"template_2mm\.nii\.gz: no such file; fetch it from https://raw\.github"):
        atlas.install("high-res-ct", tmp_path)


def test_another_file_in_the_folder_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "template_2mm.nii.gz").write_bytes(b"another")
    with pytest.raises(InputError, match=r"template_2mm\.nii\.gz is altered or damaged"):
        atlas.install("high-res-ct", tmp_path)
    assert not (home / "atlases" / "high-res-ct" / "template_2mm.nii.gz").exists()


def test_without_a_connection_nothing_is_installed(
    home: Path, monkeypatch: pytest.MonkeyPatch, entry: RemoteTemplate
) -> None:
    file = replace(entry.template, url="http://127.0.0.1:1/template_2mm.nii.gz")
    monkeypatch.setitem(CATALOGUE, "high-res-ct", replace(entry, template=file))
    with pytest.raises(InputError, match=r"127\.0\.0\.1:1/template_2mm\.nii\.gz .*no connection.*--from FOLDER"):
        atlas.install("high-res-ct")
    with pytest.raises(InputError, match="is not installed"):
        atlas.load("high-res-ct")


def test_an_unknown_name_lists_the_catalogue(home: Path) -> None:
    with pytest.raises(InputError, match=r"no atlas named 'mni' can be installed; the catalogue holds: high-res-ct"):
        atlas.install("mni")


def test_the_catalogue_names_the_published_file(shared_data: Callable[[str], Path]) -> None:
    file = CATALOGUE["high-res-ct"].template
    path = shared_data("templates/high-res-ct") / file.name
    require_sha256(path, file.sha256)
    assert path.stat().st_size == file.size_bytes
    assert file.url.startswith("https://raw.githubusercontent.com/muschellij2/high_res_ct_template/")


@pytest.mark.slow
def test_the_paper_s_template_gets_regions_that_fit_its_own_structures(
    home: Path, shared_data: Callable[[str], Path]
) -> None:
    from deepstroke.nifti import read_label_map

    source = shared_data("templates/high-res-ct")
    atlas.install("high-res-ct", source)
    loaded = atlas.load("high-res-ct")
    structures = read_label_map(source / "structures_2mm.nii.gz")
    for region, published_left, published_right in (
        (1, [37], [36]),
        (2, [58, 56], [57, 55]),
        (4, [103, 173], [102, 172]),
    ):
        for label, numbers in ((region, published_left), (region + 10, published_right)):
            assert dice(loaded.labels.data == label, np.isin(structures.data, numbers)) > 0.65


def test_the_brain_of_a_stripped_template_has_no_holes() -> None:
    data = np.zeros((9, 9, 9), np.float32)
    data[2:7, 2:7, 2:7] = 30.0
    data[4, 4, 4] = 0.0
    brain = brain_of_stripped(Volume(data, np.eye(4)))
    assert isinstance(brain, LabelMap)
    assert brain.mask.sum() == 125
