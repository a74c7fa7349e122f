"""The SLURM script asks for what its options say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / "Training" / "scripts" / "curate_slurm.py"


def test_a_job_has_one_worker_of_one_thread_for_each_core() -> None:
    options = ["--cores", "24", "--memory", "96GB", "--partition", "made-up", "--walltime", "01:30:00", "--show-job"]
    done = subprocess.run([sys.executable, str(SCRIPT), *options], capture_output=True, text=True, check=True)
    script = done.stdout
    assert "#SBATCH -p made-up" in script
    assert "#SBATCH --cpus-per-task=24" in script
    assert "#SBATCH -t 01:30:00" in script
    assert "--nthreads 1 " in script
    assert "--nworkers 24 " in script
    assert "export OMP_NUM_THREADS=1" in script
