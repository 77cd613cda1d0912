"""Configuration is strict, and its errors name the key."""

from typing import Literal

import pytest

from themis_common.config import as_values, config, config_hash, load_config, option, result_values
from themis_common.errors import UserError


@config
class Inner:
    rate: float = option(0.5, help="a rate")


@config
class Sample:
    threshold: float = option(0.7, help="similarity")
    mode: Literal["word", "substring"] = option("word", help="how to match")
    paths: tuple[str, ...] = option((), help="where from", affects_result=False)
    inner: Inner = option(default_factory=Inner, help="nested")

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must lie in 0..1, found {self.threshold}")


def test_values_are_loaded_and_given_back() -> None:
    loaded = load_config(Sample, {"threshold": 1, "paths": ["a"], "inner": {"rate": 0.1}}, where="test")
    assert loaded == Sample(threshold=1.0, paths=("a",), inner=Inner(rate=0.1))
    assert load_config(Sample, as_values(loaded), where="test") == loaded


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"treshold": 1}, "demo.yaml: unknown key 'treshold'; did you mean threshold?"),
        ({"zzz": 1}, "demo.yaml: unknown key 'zzz'; known keys: inner, mode, paths, threshold"),
        ({"threshold": "high"}, "demo.yaml: threshold: Input should be a valid number"),
        ({"threshold": 2}, "demo.yaml: threshold must lie in 0..1, found 2.0"),
        ({"threshold": float("nan")}, "demo.yaml: threshold: Input should be a finite number"),
        ({"mode": "regex"}, "demo.yaml: mode: Input should be 'word' or 'substring', found 'regex'"),
        ({"inner": {"ratio": 1}}, "demo.yaml: inner.ratio: "),
    ],
)
def test_errors_name_the_place_and_the_key(values: dict[str, object], message: str) -> None:
    with pytest.raises(UserError) as caught:
        load_config(Sample, values, where="demo.yaml")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_only_what_affects_results_is_hashed() -> None:
    assert config_hash(Sample(paths=("a",))) == config_hash(Sample(paths=("b",)))
    assert config_hash(Sample(threshold=0.1)) != config_hash(Sample(threshold=0.2))
    assert config_hash(Sample(inner=Inner(rate=0.1))) != config_hash(Sample())
    assert "paths" not in result_values(Sample())
