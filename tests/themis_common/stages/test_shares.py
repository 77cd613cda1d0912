"""Shares: every item falls to exactly one, and texts name them unambiguously."""

import pytest

from themis_common.errors import UserError
from themis_common.stages.shares import Share, deal, dealt


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
def test_every_item_falls_to_one_share_and_shares_differ_by_one_item_at_most(count: int) -> None:
    items = list(range(31))
    shares = [list(Share(index, count).of(items)) for index in range(count)]
    assert sorted(item for share in shares for item in share) == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_tasks_are_called_after_their_share() -> None:
    assert deal("cell", 1) == ["cell"]
    assert deal("cell", 2) == ["cell:0/2", "cell:1/2"]
    assert [dealt(task) for task in deal("cell", 2)] == [("cell", Share(0, 2)), ("cell", Share(1, 2))]
    assert dealt("cell") == ("cell", Share(0, 1))


@pytest.mark.parametrize("text", ["", "1", "a/b", "1/1", "0/0", "-1/2", "0/2/4", " 0/2"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="share"):
        Share.parse(text)
