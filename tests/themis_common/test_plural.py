"""Numbers of things."""

from themis_common.plural import counted


def test_one_thing_is_not_several() -> None:
    assert [counted(number, "pair") for number in (0, 1, 1200)] == ["0 pairs", "1 pair", "1,200 pairs"]


def test_a_plural_may_be_given() -> None:
    assert [counted(number, "batch", "batches") for number in (1, 2)] == ["1 batch", "2 batches"]
