"""Refusals of IAM, of the API gateway and of SWR, in the shapes that each of them has.

Sources: «Error Codes» of the SWR and of the IAM API reference, «Error Codes» of API request
signing for the gateway; the shapes "errors" and "object" are those that the vendor's Terraform
provider parses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from swrhook.simulator.model import Json


@dataclass(eq=False)  # not frozen: Python itself writes to exceptions
class Refusal(Exception):
    """The request is answered with this status and nothing is done."""

    shape: str
    status: int
    code: str
    message: str


def gateway(status: int, code: str, message: str) -> Refusal:
    """Make a refusal of the gateway in front of SWR."""
    return Refusal("gateway", status, f"APIGW.{code}", message)


def swr(status: int, code: str, message: str) -> Refusal:
    """Make a refusal of SWR itself."""
    return Refusal("swr", status, f"SVCSTG.SWR.{code}", message)


def iam(status: int, code: str, message: str) -> Refusal:
    """Make a refusal of IAM that carries one of its codes."""
    return Refusal("iam", status, f"IAM.{code}", message)


def unauthorized() -> Refusal:
    """Make IAM's refusal of a wrong name, password or token (it carries no code)."""
    return Refusal("keystone", HTTPStatus.UNAUTHORIZED, "", "Unauthorized.")


def render(refusal: Refusal, *, request_id: str, swr_shape: str) -> Json:
    """Write a refusal as the JSON body that its sender would use."""
    shape = swr_shape if refusal.shape == "swr" else refusal.shape
    return _SHAPES[shape](refusal, request_id)


def _object(refusal: Refusal, _request_id: str) -> Json:
    return {"errorCode": refusal.code, "errorMessage": refusal.message, "detail": ""}


def _array(refusal: Refusal, request_id: str) -> Json:
    return [_object(refusal, request_id)]


def _errors(refusal: Refusal, _request_id: str) -> Json:
    return {"errors": [{"errorCode": refusal.code, "errorMessage": refusal.message}]}


def _gateway(refusal: Refusal, request_id: str) -> Json:
    return {
        "error_msg": refusal.message,
        "error_code": refusal.code,
        "request_id": request_id,
    }


def _iam(refusal: Refusal, _request_id: str) -> Json:
    return {"error_msg": refusal.message, "error_code": refusal.code}


def _keystone(refusal: Refusal, _request_id: str) -> Json:
    title = HTTPStatus(refusal.status).phrase
    return {"error": {"message": refusal.message, "code": refusal.status, "title": title}}


_SHAPES: dict[str, Callable[[Refusal, str], Json]] = {
    "array": _array,
    "errors": _errors,
    "object": _object,
    "gateway": _gateway,
    "iam": _iam,
    "keystone": _keystone,
}
