"""Words chosen from ranges by validation: `searched`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.files import write
from promptzoo.names import as_row, unlike
from promptzoo.option import option
from promptzoo.recipe import yaml
from promptzoo.recipe.overrides import apart
from promptzoo.studies.chosen import LIST, Chosen, Searched
from promptzoo.studies.compare import Terms
from promptzoo.studies.executors import executor
from promptzoo.studies.frame import Grounds
from promptzoo.studies.plan import Entrant, Ground, Member, members
from promptzoo.studies.rounds import ended
from promptzoo.studies.sweep import alone
from promptzoo.studies.sweep_state import Onlooker, State, SweepLog
from promptzoo.studies.trials import PrunedError, Trials, tried

Job = tuple[Entrant, Ground, int, str, int]


def rows_of(words: Sequence[Any]) -> list[Member]:
    """All rows, where one of them has ranges; none where none has."""
    found = [one for word in apart(words)[0] for one in members(word)]
    return found if any(one.ranges for one in found) else []


def demand_open(row: Member, overrides: Sequence[str]) -> None:
    """Raises `ZooError` for a word that says again what is to be chosen, so that nothing would be."""
    for word in overrides:
        said = word.partition("=")[0].strip()
        for key in row.ranges:
            if f"{key}.".startswith(f"{said}."):
                what = f"{row.name}: {key} is chosen from a range, which {word} would override"
                raise ZooError(what, key=key, given=word, remedy="leave out one of them")


def searched(
    rows: Sequence[Member],
    overrides: Sequence[str],
    terms: Terms,
    trials: int,
    prune: bool,
    say: Callable[[str], None],
    onlooker: Onlooker,
    command: str = "",
) -> Searched:
    """Tries words from each row's ranges, `trials` of them, and chooses by validation, never by test.

    The runs lie below `terms.out`, and what was tried in a journal beside them, from which the same command goes on;
    with more `trials` it tries more.  Raises `ZooError` for several seeds, a key or value that a recipe does not take,
    one that `overrides` say again, and pictures without validation; else as `swept` does.
    """
    if len(terms.seeds) > 1:
        way = "compare the chosen values under several seeds"
        raise ZooError(f"a search uses a single seed: {option('seeds', 1)}", key="seeds", remedy=way)
    seed, grounds = terms.seeds[0], Grounds("val")
    folders = [as_row(one.name) for one in rows]
    if folders != unlike(folders):
        twice = next(one.name for one, own in zip(rows, unlike(folders), strict=True) if as_row(one.name) != own)
        raise ZooError(f"'{twice}' would be two folders of one name", given=twice)
    for one in rows:
        demand_open(one, overrides)

    def read(member: Member) -> tuple[Entrant, Ground]:
        """Raises `ZooError` for what cannot be tried."""
        entrant = replace(member.read(overrides, terms.seeds), name=member.name)
        return entrant, grounds.of(entrant.recipe)

    with alone(terms.out, terms.stale):
        begun = {}
        for one in (row for row in rows if row.ranges):
            firsts = (*one.overrides, *(f"{key}={found.first}" for key, found in one.ranges.items()))
            try:
                entrant, stands = read(Member(one.name, one.word, firsts, row=True))
            except ZooError as error:
                raise error.under(one.name) from error
            ranges = {key: found.model_dump(mode="json", exclude_none=True) for key, found in one.ranges.items()}
            told = yaml.plain(yaml.read(entrant.text, one.name))
            begun[one.name] = {"recipe": told, "ranges": ranges, **vars(stands)}
        with executor(terms.engine, terms.out) as engine:  # before anything is written of what it may not reach
            searches = {one.name: Trials(terms.out, one, begun[one.name], seed) for one in rows if one.ranges}
            with onlooker:
                total = sum(max(trials, one.count()) for one in searches.values())
                log = SweepLog(terms.out, command, total, onlooker, searches=True)
                tell_before(searches, seed, log)
                work = partial(tried, terms.out, terms.stale, prune)
                for job, came in ended(jobs(searches, trials, seed, read, log), work, engine, say):
                    take(searches[job[3]], job, came, log)
    chosen = []
    for row in rows:
        best = searches[row.name].finished() if row.ranges else []
        if best:
            picked = tuple(searches[row.name].overrides(best[0].number))
            chosen.append(Chosen(row, picked, best[0].value, len(best)))
        elif row.ranges:
            say(f"{row.name}: no trial finished; see promptzoo sweep status {terms.out}")
        else:
            chosen.append(Chosen(row))
    if all(one.val is None for one in chosen):
        raise ZooError("no trial finished", remedy=f"see promptzoo sweep status {terms.out}")
    found = Searched(tuple(chosen), tuple(overrides), terms.out / LIST)
    write(found.file, found.page().encode())
    return found


def jobs(
    searches: dict[str, Trials],
    trials: int,
    seed: int,
    read: Callable[[Member], tuple[Entrant, Ground]],
    log: SweepLog,
) -> Iterator[Job]:
    """What was begun and has not ended, then new trials, row after row; one that cannot be read has failed."""
    left = [(one, trial.number) for one in searches.values() for trial in one.running()]

    def numbers() -> Iterator[tuple[Trials, int]]:
        yield from left
        while short := [one for one in searches.values() if one.count() < trials]:
            for one in short:
                yield one, one.ask()

    for search, number in numbers():
        member = search.trial(number)
        log.tell(member.name, seed, "running", overrides=search.overrides(number))
        try:
            entrant, stands = read(member)
        except ZooError as error:
            search.tell(number, error)
            log.tell(member.name, seed, "failed", said=str(error), overrides=search.overrides(number))
            continue
        yield entrant, stands, seed, search.member.name, number


def take(search: Trials, job: Job, came: Any, log: SweepLog) -> None:
    """What a trial came to; one that has no accuracy on validation has failed, and the others go on."""
    entrant, _, seed, _, number = job
    overrides = search.overrides(number)
    if not isinstance(came, ZooError):
        assert came.record.finished is not None
        try:
            came = came.record.finished.share("val")
        except ZooError as error:
            came = error
    if isinstance(came, ZooError):
        state: State = "pruned" if isinstance(came, PrunedError) else "failed"
        log.tell(entrant.name, seed, state, said=str(came), overrides=overrides)
    else:
        log.tell(entrant.name, seed, "done", val=came, overrides=overrides)
    search.tell(number, came)


def tell_before(searches: dict[str, Trials], seed: int, log: SweepLog) -> None:
    """The log hears of the trials that ended before."""
    states: dict[str, State] = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed"}
    for search in searches.values():
        for one in search.study.get_trials(deepcopy=False):
            if one.state.name in states and set(one.params) == set(search.member.ranges):
                facts = {"val": one.value, "overrides": search.overrides(one.number), "before": True}
                log.tell(search.trial(one.number).name, seed, states[one.state.name], **facts)
