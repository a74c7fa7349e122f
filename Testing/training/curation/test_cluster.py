"""One task can't stop the others: neither by an error nor by taking its worker with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepstroke.errors import ConfigError
from deepstroke_training.curation.cluster import connect, run_tasks
from phantom_jobs import work


@pytest.mark.slow  # workers are killed and started again: on a busy machine that takes minutes
def test_errors_become_failures_and_dead_workers_get_three_more_tries(tmp_path: Path) -> None:
    kinds = ["ok", "refuse", "die once", "fail", "die", "ok"]
    jobs = [(f"job{n}", (kind, str(tmp_path / f"attempts{n}"))) for n, kind in enumerate(kinds)]
    with connect(None, 2, tmp_path / "spill") as client:
        outcomes = {outcome.name: outcome for outcome in run_tasks(client, work, jobs)}
    # A job whose worker dies right after it, killed by a neighbour, is done again: at least once, never lost.
    results = [outcomes[f"job{n}"].result for n in range(6)]
    assert [result is not None for result in results] == [True, False, True, False, False, True]
    assert results[2] is not None
    assert results[2] >= 2
    failures = {name: outcome.failure for name, outcome in outcomes.items() if outcome.failure}
    assert {name: failure.code for name, failure in failures.items()} == {
        "job1": "made-up",
        "job3": "internal-error",
        "job4": "worker-died",
    }
    assert failures["job1"].message == "too small"
    assert "secret" not in failures["job3"].message
    assert (tmp_path / "attempts4").stat().st_size == 4


def test_a_scheduler_that_does_not_answer_and_no_workers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no dask scheduler answers"), connect("tcp://127.0.0.1:1", None, tmp_path):
        pass
    with pytest.raises(ConfigError, match="--workers is 1 or more"), connect(None, 0, tmp_path):
        pass
