"""What takes over when a route refuses, and where the registration starts from; on the sample scan, read once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepstroke.devices import choose_device
from deepstroke.errors import InputError
from deepstroke.inference import GuardLimits, InferenceSettings
from deepstroke.job import Found, Job, run_routes
from deepstroke.loading import load_scan
from deepstroke.preprocess.brain import analyse_head
from deepstroke.routes import RouteChoice
from deepstroke.stages import StageClock
from phantoms_network import write_weights

SAMPLE = Path(__file__).resolve().parents[2] / "Resources" / "SampleScan" / "series"
STRICT = InferenceSettings(backend="torch", limits=GuardLimits(least_confidence=1.0))


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    scan = load_scan(SAMPLE)
    weights = write_weights(tmp_path_factory.mktemp("weights"), "laid", "phantom-atlas")
    choice = RouteChoice("unet", "asked for", weights, "unet")
    settings = InferenceSettings(backend="torch")
    head = analyse_head(scan.volume)
    return Job(scan, head, choose_device("cpu"), StageClock(), choice, inference=settings, weights=weights)


def _codes(found: Found) -> set[str]:
    return {finding.code for finding in found.findings}


def test_a_network_that_was_asked_for_refuses_aloud(job: Job) -> None:
    with pytest.raises(InputError, match="the network doesn't know such a scan"):
        run_routes(replace(job, inference=STRICT))


@pytest.fixture(scope="module")
def fallen_back(job: Job) -> Found:
    """What the atlas made of the scan, from moments, after the network refused it."""
    return run_routes(replace(job, inference=STRICT, choice=replace(job.choice, may_fall_back=True)))


def test_the_atlas_takes_over_where_auto_may_fall_back(fallen_back: Found) -> None:
    assert (fallen_back.route, fallen_back.leader, fallen_back.confidence) == ("atlas", "atlas", None)
    assert "network-refused" in _codes(fallen_back)
    assert fallen_back.run is not None
    assert fallen_back.atlas is not None


@pytest.mark.slow
def test_the_network_remains_where_the_registration_fails(job: Job, tmp_path: Path) -> None:
    # A scan whose brain mask is no brain to register, but one that this network still takes.
    turned = np.zeros_like(job.head.brain.data)
    turned[..., : turned.shape[2] // 2] = job.head.brain.data[..., : turned.shape[2] // 2]
    head = replace(job.head, brain=job.scan.volume.with_labels(turned))
    limits = GuardLimits(most_missing=20, least_confidence=0.0)
    both = replace(job.choice, route="both", leader="atlas")
    settings = InferenceSettings(backend="torch", limits=limits)
    found = run_routes(replace(job, head=head, choice=both, inference=settings))
    assert (found.route, found.leader) == ("unet", "unet")
    assert "atlas-route-failed" in _codes(found)


def test_the_registration_starts_from_the_networks_pose(job: Job, fallen_back: Found) -> None:
    started = run_routes(replace(job, choice=RouteChoice("atlas", "asked for"), start="network"))
    assert started.route == "atlas"
    assert started.run is not None
    assert not {"start-not-used", "network-start-failed"} & _codes(started)
    one, other = (found.labels.labels.data for found in (fallen_back, started))
    assert 0.9 < 2 * ((one == other) & (one > 0)).sum() / ((one > 0).sum() + (other > 0).sum()) < 1.0


def test_a_pose_in_another_template_is_not_used(fallen_back: Found) -> None:
    assert fallen_back.run is not None
    assert fallen_back.run.pose_for("deepstroke-mni152") is not None
    assert fallen_back.run.pose_for("another") is None
