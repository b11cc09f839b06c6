"""Sweeps on a Ray cluster of two nodes on this machine, of which one is killed."""

import os
import signal
import threading
import time
from contextlib import suppress

import comparisons
import psutil
import pytest
import runs
import slowed

from promptzoo.errors import ZooError
from promptzoo.studies.compare import Terms
from promptzoo.studies.executors import executor
from promptzoo.studies.executors.ray import ADDRESS
from promptzoo.studies.sweep import swept
from promptzoo.studies.sweep_state import Onlooker, sweep_state
from promptzoo.training.claim import NAME
from promptzoo.training.owner import held_by
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.session import train

pytestmark = pytest.mark.slow
EPOCHS = 120
HEALTH = {"initial_delay_ms": 1000, "period_ms": 500, "timeout_ms": 1000, "failure_threshold": 4}  # a node is soon dead


@pytest.fixture(scope="module")
def cluster():
    """A head that computes nothing, and two nodes with a place each."""
    os.environ |= {
        "RAY_worker_niceness": "0",
        **{f"RAY_health_check_{word}": str(value) for word, value in HEALTH.items()},
    }
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    import ray

    made = cluster_utils.Cluster(True, head_node_args={"num_cpus": 0, "object_store_memory": 10**8})
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("CUDA_VISIBLE_DEVICES", raising=False)  # a node may say that it has a GPU
        nodes = [made.add_node(num_cpus=1, num_gpus=1, object_store_memory=10**8) for _ in range(2)]
    made.wait_for_nodes()
    os.environ[ADDRESS] = made.address
    ray.init(made.address, log_to_driver=False, logging_level="ERROR")
    yield made, nodes
    del os.environ[ADDRESS]
    ray.shutdown()
    made.shutdown()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures"), train=4, test=2)


@pytest.fixture
def beside(monkeypatch):
    """The current directory, from which a worker takes the loss that is slow."""
    monkeypatch.chdir(slowed.HERE)


def asked(root, folder, epochs: int) -> list[str]:
    train = f"train: {{lr: 1e-2, epochs: {epochs}, threads: 1}}"
    return [comparisons.page(folder / "good.yaml", train=train), *comparisons.words(root), slowed.loss(folder)]


def halved(number: int) -> int:
    if number % 2:
        raise ZooError(f"{number} is odd", key="number")
    return number // 2


def where(number: int) -> tuple[str, int]:
    return os.getcwd(), os.getpid()


def test_every_job_comes_back_from_where_the_command_was_given(cluster, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with executor("ray", tmp_path) as engine:
        found = {job[0]: came for job, came in engine.each(halved, [(number,) for number in range(4)])}
        places = {came[0] for _, came in engine.each(where, [(number,) for number in range(4)])}
    assert (found[0], found[2]) == (0, 1)
    assert [found[odd].key for odd in (1, 3)] == ["number", "number"]
    assert places == {str(tmp_path)}
    assert list(tmp_path.iterdir()) == []


def test_what_no_node_has_is_said(cluster, tmp_path) -> None:
    with pytest.raises(ZooError) as raised:
        executor("ray:gpus=2", tmp_path)  # two nodes have one each
    assert raised.value.key == "engine"
    assert list(tmp_path.iterdir()) == []


def test_runs_share_what_a_node_has(cluster, tmp_path) -> None:
    for word, count in {"ray": 2, "ray:cpus=0.5": 4, "ray:gpus=0.25,cpus=0.25": 8, "ray:gpus=1,cpus=0": 2}.items():
        with executor(word, tmp_path) as engine:
            assert engine.room() == count


def sweeping(words, out):
    """A sweep of three runs, in a thread; gives what it will have found, and the thread."""
    found = []
    asked = Terms((1, 2, 3), "", out, engine="ray")
    thread = threading.Thread(target=lambda: found.append(swept(words, asked, lambda _: None, Onlooker())))
    thread.start()
    return found, thread


def begun(out, nodes):
    """The folder of a run that has saved a state, its worker, and the node that it is on."""

    def held():
        found = ((file.parent.parent, held_by(file.parents[1] / NAME)) for file in out.rglob("state/state.json"))
        return next(((run, owner) for run, owner in found if owner), None)

    run, owner = runs.until(held)
    worker = psutil.Process(owner.process)
    raylet = worker.parent().pid
    return run, worker, next(one for one in nodes if one.all_processes["raylet"][0].process.pid == raylet)


def demand_whole(words, out, found, alone) -> None:
    """All three runs, each epoch once, as they are without a cluster."""
    (comparison,) = found
    assert len(comparison.standings[0].runs) == 3
    state, _ = sweep_state(out)
    assert {run.state for run in state.runs.values()} == {"done"}
    for seed in (1, 2, 3):
        assert [line["epoch"] for line in runs.lines(out / "good" / f"seed-{seed}")] == [*range(1, EPOCHS + 1)]
    swept(words, Terms((1, 2, 3), "", alone), lambda _: None, Onlooker())
    assert comparisons.records(alone) == comparisons.records(out)


def test_a_node_killed_in_mid_run_loses_nothing(cluster, root, tmp_path, beside) -> None:
    made, nodes = cluster
    words, out = asked(root, tmp_path, EPOCHS), tmp_path / "out"
    with slowed.slowly(tmp_path):
        found, thread = sweeping(words, out)
        run, worker, node = begun(out, nodes)
        made.remove_node(node, allow_graceful=False)
        nodes.remove(node)
    owner = runs.until(lambda: (owner := held_by(run / NAME)) and owner.process != worker.pid and owner)
    assert owner.attempt == 2
    thread.join(300)
    nodes.append(made.add_node(num_cpus=1, object_store_memory=10**8))
    demand_whole(words, out, found, tmp_path / "alone")


def test_a_worker_that_comes_back_cannot_write(cluster, root, tmp_path, beside) -> None:
    """It stops in the middle of an epoch, its node dies, somebody else makes the run; and then it wakes up."""
    made, nodes = cluster
    words, out = asked(root, tmp_path, EPOCHS), tmp_path / "out"
    with slowed.slowly(tmp_path):
        found, thread = sweeping(words, out)
        run, worker, node = begun(out, nodes)
        worker.send_signal(signal.SIGSTOP)
        made.remove_node(node, allow_graceful=False)
        nodes.remove(node)
        time.sleep(3)
    train(RunFolder(run).recipe(trust_code=True), run, resume=True, quiet=True, stale=2.0)
    before = {file: file.read_bytes() for file in run.iterdir() if file.is_file()}
    with suppress(psutil.NoSuchProcess):
        worker.send_signal(signal.SIGCONT)
    thread.join(300)
    assert {file: file.read_bytes() for file in run.iterdir() if file.is_file()} == before
    demand_whole(words, out, found, tmp_path / "alone")
