"""The table of schemes says what the functions take."""

import inspect

from swrhook.auth import PATH_SCHEMES, SCHEMES


def test_every_scheme_lists_the_arguments_that_it_takes() -> None:
    for scheme in SCHEMES.values():
        taken = inspect.signature(scheme.build).parameters
        assert ("keys" in taken) == scheme.needs_keys
        parameters = [p for name, p in taken.items() if name != "keys"]
        required = [p.name for p in parameters if p.default is inspect.Parameter.empty]
        optional = [p.name for p in parameters if p.default is not inspect.Parameter.empty]
        assert required == list(scheme.required)
        assert optional == list(scheme.optional)


def test_only_the_path_scheme_takes_the_paths_secret() -> None:
    assert {"path"} == PATH_SCHEMES


def test_only_none_proves_nothing() -> None:
    assert [name for name, scheme in SCHEMES.items() if not scheme.is_proof] == ["none"]


def test_only_topics_offer_subscriptions() -> None:
    assert [name for name, scheme in SCHEMES.items() if scheme.confirm] == ["smn", "sns"]
