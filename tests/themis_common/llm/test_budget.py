"""The cap and the ledger that processes share."""

import asyncio
import json
import threading
from pathlib import Path

import pytest

from themis_common.errors import UserError
from themis_common.llm.budget import Budget
from themis_common.llm.config import BudgetConfig
from themis_common.llm.engine import Usage
from themis_common.llm.ledger import Account, Amount, Ledger
from themis_common.store import Store, open_store

PRICED = BudgetConfig(max_spend=1.0, price_in=10.0, price_out=100.0)
"""A token of a prompt costs 0.00001, one of an answer 0.0001."""


def budget(folder: Path, config: BudgetConfig, owner: str = "me", longest_answer: int = 100) -> Budget:
    ledger = Ledger(open_store(folder))
    return Budget(config, longest_answer, ledger, kept_at="ANSWERS", new_owner=lambda: owner)


def account(store: Store) -> Account:
    found: list[Account] = []
    Ledger(store).change(lambda now: found.append(now) or now)
    return found[0]


def reserve(budget: Budget, worst: Amount) -> None:
    asyncio.run(budget.reserve(worst))


def test_changes_of_many_processes_are_all_kept(store: Store) -> None:
    def add(owner: str) -> None:
        ledger = Ledger(store)
        for _ in range(10):
            ledger.change(lambda now: now.changed(owner, paid=Amount(1, 10), held=Amount(5, 0)))

    threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = account(store)
    assert state.paid == Amount(40, 400)
    assert state.held == dict.fromkeys("abcd", Amount(5, 0))


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    def refuse(_: Account) -> Account:
        raise UserError("no")

    with pytest.raises(UserError, match="no"):
        Ledger(open_store(tmp_path)).change(refuse)
    assert list(open_store(tmp_path).list()) == []


def test_the_worst_case_takes_every_byte_for_a_token(tmp_path: Path) -> None:
    worst = budget(tmp_path, PRICED).worst_case(1000)
    assert worst.requests == 1
    assert worst.spend >= 1000 * 10_000 + 100 * 100_000
    assert worst.spend < 1300 * 10_000 + 100 * 100_000


def test_requests_stop_at_the_cap(tmp_path: Path) -> None:
    mine = budget(tmp_path, BudgetConfig(max_requests=3))
    for _ in range(3):
        worst = mine.worst_case(10)
        reserve(mine, worst)
        mine.settle(worst, Usage(1, 1), billed=True)
    with pytest.raises(UserError) as refusal:
        reserve(mine, mine.worst_case(10))
    assert str(refusal.value) == (
        "llm.budget.max_requests is 3: 3 made, 0 left; raise llm.budget.max_requests and run again, "
        "the answers in ANSWERS are not paid for twice"
    )


def test_money_stops_before_the_cap_and_says_where_it_went(tmp_path: Path) -> None:
    mine = budget(tmp_path, PRICED)
    worst = Amount(1, 300_000_000)
    for _ in range(3):
        reserve(mine, worst)
        mine.settle(worst, Usage(0, 2500), billed=True)
    with pytest.raises(UserError) as refusal:
        reserve(mine, worst)
    assert str(refusal.value) == (
        "llm.budget.max_spend is 1.0000: 0.7500 spent on 3 requests, 0.2500 left, and the next request may cost "
        "0.3000; raise llm.budget.max_spend and run again, the answers in ANSWERS are not paid for twice"
    )
    assert mine.spent == pytest.approx(0.75)


def test_what_an_attempt_did_not_take_is_free_again(tmp_path: Path) -> None:
    mine = budget(tmp_path, BudgetConfig(max_requests=1))
    worst = mine.worst_case(10)
    for _ in range(5):
        reserve(mine, worst)
        mine.settle(worst, None, billed=False)
    reserve(mine, worst)
    mine.settle(worst, None, billed=True)
    with pytest.raises(UserError, match="1 made, 0 left"):
        reserve(mine, worst)


def test_an_attempt_of_unknown_cost_counts_as_its_worst_case(tmp_path: Path) -> None:
    mine = budget(tmp_path, PRICED)
    worst = Amount(1, 600_000_000)
    reserve(mine, worst)
    mine.settle(worst, None, billed=True)
    with pytest.raises(UserError, match=r"0\.6000 spent on 1 requests, 0\.4000 left"):
        reserve(mine, worst)


def test_requests_under_way_are_waited_for_before_the_cap_is_called_reached(tmp_path: Path) -> None:
    mine = budget(tmp_path, PRICED)
    worst = Amount(1, 600_000_000)

    async def run() -> None:
        await mine.reserve(worst)
        second = asyncio.create_task(mine.reserve(worst))
        await asyncio.sleep(0.05)
        assert not second.done()
        mine.settle(worst, Usage(0, 1000), billed=True)
        await second

    asyncio.run(asyncio.wait_for(run(), 5))


def test_processes_share_one_cap(tmp_path: Path) -> None:
    made = []

    def spend(owner: str) -> None:
        mine = budget(tmp_path, BudgetConfig(max_requests=200), owner)
        worst = mine.worst_case(10)
        try:
            while True:
                reserve(mine, worst)
                made.append(owner)
                mine.settle(worst, Usage(1, 1), billed=True)
        except UserError:
            mine.close()

    threads = [threading.Thread(target=spend, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) <= 200
    state = account(open_store(tmp_path))
    assert (state.paid.requests, state.held) == (len(made), {})
    spend("e")
    assert len(made) == 200


def test_what_a_killed_process_held_counts_as_spent(tmp_path: Path) -> None:
    killed = budget(tmp_path, BudgetConfig(max_requests=160), "killed")
    reserve(killed, killed.worst_case(10))
    later = budget(tmp_path, BudgetConfig(max_requests=12), "later")
    for _ in range(2):
        reserve(later, later.worst_case(10))
        later.settle(later.worst_case(10), Usage(1, 1), billed=True)
    with pytest.raises(
        UserError, match="2 made, 10 held by other processes or by attempts that were killed, 0 left"
    ):
        reserve(later, later.worst_case(10))


def test_a_small_cap_is_not_taken_by_one_process_alone(tmp_path: Path) -> None:
    first, second = (budget(tmp_path, BudgetConfig(max_requests=10), owner) for owner in "ab")
    for mine in (first, second) * 5:
        reserve(mine, mine.worst_case(10))


def test_a_cap_of_nothing_is_a_replay(tmp_path: Path) -> None:
    mine = budget(tmp_path, BudgetConfig(max_requests=0))
    with pytest.raises(UserError, match="max_requests is 0: 0 made, 0 left"):
        reserve(mine, mine.worst_case(10))


def test_a_raised_cap_goes_on_from_what_was_spent(tmp_path: Path) -> None:
    first = budget(tmp_path, BudgetConfig(max_requests=2), "first")
    for _ in range(2):
        reserve(first, first.worst_case(10))
        first.settle(first.worst_case(10), Usage(1, 1), billed=True)
    first.close()
    second = budget(tmp_path, BudgetConfig(max_requests=3), "second")
    reserve(second, second.worst_case(10))
    with pytest.raises(UserError, match="max_requests is 3: 3 made"):
        second.settle(second.worst_case(10), Usage(1, 1), billed=True)
        reserve(second, second.worst_case(10))


def test_ledger_is_untouched_where_nothing_was_asked(tmp_path: Path) -> None:
    budget(tmp_path, PRICED).close()
    assert list(open_store(tmp_path).list()) == []


def test_ledger_is_written_by_the_block(tmp_path: Path) -> None:
    mine = budget(tmp_path, BudgetConfig(max_spend=1000.0, price_out=1.0))
    worst = Amount(1, 1_000_000)
    for _ in range(1000):
        reserve(mine, worst)
        mine.settle(worst, Usage(0, 100), billed=True)
    mine.close()
    store = open_store(tmp_path)
    names = list(store.list())
    assert len(names) < 20
    spent = {"requests": 1000, "spend": 100_000_000}
    assert json.loads(store.read_bytes(names[-1])) == {"paid": spent, "held": {}}


def test_without_a_cap_money_is_counted_all_the_same() -> None:
    free = Budget(BudgetConfig(price_in=1.0), 10, None, kept_at="ANSWERS")
    worst = free.worst_case(10)
    reserve(free, worst)
    free.settle(worst, Usage(500_000, 7), billed=True)
    free.close()
    assert free.spent == 0.5
