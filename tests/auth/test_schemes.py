"""The table of schemes agrees with the functions in it."""

import inspect

from swrhook.auth import PATH_SCHEMES, SCHEMES


def test_every_scheme_lists_the_parameters_of_its_function() -> None:
    for scheme in SCHEMES.values():
        parameters_by_name = inspect.signature(scheme.build).parameters
        assert ("keys" in parameters_by_name) == scheme.needs_keys
        parameters = [p for name, p in parameters_by_name.items() if name != "keys"]
        required = [p.name for p in parameters if p.default is inspect.Parameter.empty]
        optional = [p.name for p in parameters if p.default is not inspect.Parameter.empty]
        assert required == list(scheme.required)
        assert optional == list(scheme.optional)


def test_only_the_path_scheme_uses_the_secret_in_the_path() -> None:
    assert {"path"} == PATH_SCHEMES


def test_only_the_none_scheme_accepts_every_request() -> None:
    assert [name for name, scheme in SCHEMES.items() if not scheme.is_proof] == ["none"]


def test_only_the_topic_schemes_confirm_subscriptions() -> None:
    assert [name for name, scheme in SCHEMES.items() if scheme.confirm] == ["smn", "sns"]
