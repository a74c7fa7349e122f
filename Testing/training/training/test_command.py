"""``deepstroke-train fit`` and ``export``, and the scripts that start them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepstroke_training.cli import build_parser, main
from deepstroke_training.training.run_folder import read_record, read_table

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "Training" / "scripts"
#: A run of two steps on real synthetic heads, coarse and few.
TINY = [
    "data.shape=[32,32,24]",
    "data.synthetic.cases=2",
    "data.synthetic.validation_cases=1",
    "trainer.max_epochs=1",
    "network.base_channels=4",
    "output.reserve_mb=0",
]


def test_settings_may_stand_anywhere() -> None:
    arguments = build_parser().parse_args(["fit", "a=1", "c.yaml", "--resume", "b.c=[2, 3]", "-o", "x=y", "--quiet"])
    assert (arguments.config, arguments.overrides) == (Path("c.yaml"), ["a=1", "b.c=[2, 3]"])
    assert (arguments.resume, arguments.output, arguments.quiet) == (True, Path("x=y"), True)


def test_faulty_settings_end_with_status_1_and_all_faults(capsys: pytest.CaptureFixture[str]) -> None:
    config = str(ROOT / "Training" / "configs" / "debug.yaml")
    assert main(["fit", config, "optimizer.lr=0", "data.batch=3"]) == 1
    told = capsys.readouterr().err
    assert "2 faults" in told
    assert "data.batch: no such setting; did you mean 'patch'?" in told or "data.batch" in told
    assert "optimizer.lr: expected above 0, found 0" in told


def test_an_unknown_option_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["fit", "c.yaml", "--resum", "--what"])
    assert ended.value.code == 2


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables under which the scripts find this Python, whose packages are there already."""
    folder = tmp_path / "environment" / "bin"
    folder.mkdir(parents=True)
    python = folder / "python"
    python.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        '"-m pip "*) exit 0 ;;\n'
        f'"-c import sys; print(sys.prefix)") echo {folder.parent}; exit 0 ;;\n'
        "esac\n"
        f'exec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    return {
        **os.environ,
        "VIRTUAL_ENV": str(folder.parent),
        "PATH": f"{folder}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }


def run_script(name: str, *arguments: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(SCRIPTS / name), *arguments]
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=500)


@pytest.mark.parametrize("name", ["train.sh", "train.slurm", "evaluate.sh"])
def test_scripts_are_bash(name: str) -> None:
    subprocess.run(["bash", "-n", str(SCRIPTS / name)], check=True)


@pytest.mark.parametrize(
    ("name", "told"),
    [("train.sh", "--processes N"), ("train.slurm", "sbatch"), ("evaluate.sh", "--predictions FOLDER")],
)
def test_help_says_how(name: str, told: str, environment: dict[str, str], tmp_path: Path) -> None:
    done = run_script(name, "--help", env=environment, cwd=tmp_path)
    assert done.returncode == 0
    assert told in done.stdout
    assert "set -e" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name the settings"),
        (["none.yaml"], "none.yaml is no file"),
        (["--gpus", "many"], "--gpus takes a number from 1 on, found 'many'"),
        (["--gpus", "1", "--processes", "2"], "give --gpus or --processes, not both"),
    ],
)
def test_wrong_usage_of_train_is_told(
    arguments: list[str], told: str, environment: dict[str, str], tmp_path: Path
) -> None:
    done = run_script("train.sh", *arguments, env=environment, cwd=tmp_path)
    assert (done.returncode, told in done.stderr) == (2, True)


def test_gpus_that_are_not_there_are_told(environment: dict[str, str], tmp_path: Path) -> None:
    config = str(ROOT / "Training" / "configs" / "debug.yaml")
    done = run_script("train.sh", "--gpus", "99", config, env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert "99 GPUs are asked for, PyTorch sees" in done.stderr


def test_slurm_starts_one_launcher_a_node_and_goes_on_with_what_is_there(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """``srun`` and ``scontrol`` are replaced by scripts that tell what they were asked for."""
    folder = tmp_path / "environment" / "bin"
    (folder / "srun").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > asked\n')
    (folder / "scontrol").write_text("#!/bin/sh\necho node7; echo node8\n")
    for name in ("srun", "scontrol"):
        (folder / name).chmod(0o755)
    job = {"SLURM_JOB_ID": "20123", "SLURM_JOB_NUM_NODES": "2", "SLURM_GPUS_ON_NODE": "4", "SLURM_JOB_NODELIST": "n"}
    env = {**environment, **job, "SLURM_SUBMIT_DIR": str(ROOT)}
    done = run_script("train.slurm", "paper.yaml", "optimizer.lr=1e-4", env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    assert {"--nnodes=2", "--nproc-per-node=4", "--rdzv-endpoint=node7:20123"} <= set(asked)
    assert asked[asked.index("fit") :] == [
        "fit",
        "paper.yaml",
        "optimizer.lr=1e-4",
        "--resume",
        "trainer.devices=4",
        "trainer.num_nodes=2",
    ]


def test_a_slurm_script_outside_a_job_says_so(environment: dict[str, str], tmp_path: Path) -> None:
    env = {name: value for name, value in environment.items() if name != "SLURM_JOB_ID"}
    done = run_script("train.slurm", "paper.yaml", env=env, cwd=tmp_path)
    assert done.returncode == 1
    assert "this is a job: sbatch" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_train_runs_resumes_and_exports(processes: int, environment: dict[str, str], tmp_path: Path) -> None:
    """On synthetic heads, in one process and in two that gloo joins."""
    run = tmp_path / "run"
    words = [
        str(ROOT / "Training" / "configs" / "debug.yaml"),
        "-o",
        str(run),
        *TINY,
        f"data.cache={tmp_path / 'cache'}",
    ]
    words += ["data.batch_size=1"]
    done = run_script("train.sh", "--processes", str(processes), *words, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "progress 100%" in done.stdout
    again = run_script("train.sh", "--processes", str(processes), *words, env=environment, cwd=tmp_path)
    assert again.returncode == 1
    assert "holds a run already: go on with it by --resume" in again.stderr
    words = [word.replace("max_epochs=1", "max_epochs=2") for word in words]
    done = run_script("train.sh", "--processes", str(processes), *words, "--resume", env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    starts = read_record(run, "run.json")["starts"]
    assert [start["placement"]["processes"] for start in starts] == [processes, processes]
    assert len(read_table(run / "steps.csv")) == 4 // processes
    assert main(["export", str(run), "-o", str(tmp_path / "w.safetensors")]) == 0
    assert {path.suffix for path in tmp_path.glob("w.*")} == {".safetensors", ".json", ".md"}
