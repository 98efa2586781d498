"""Refusals by IAM, the API gateway and SWR, each in the JSON shape of its service.

Sources: "Error Codes" of the SWR and of the IAM API reference, "Error Codes" of API request
signing for the gateway. The vendor's Terraform provider parses the shapes "errors" and "object".
"""

from dataclasses import dataclass
from http import HTTPStatus

from swrhook.simulator import error_codes
from swrhook.simulator.model import Json


@dataclass(eq=False)  # not frozen: Python itself writes to exceptions
class Refusal(Exception):
    """Raised to answer a request with this error, before it has had any effect."""

    shape: str
    status: int
    code: str
    message: str


def gateway(code: str, message: str = "", *, status: int | None = None) -> Refusal:
    """Return a refusal by the gateway in front of SWR; by default with the code's own texts."""
    messages = error_codes.GATEWAY[code]
    status = status or next(iter(messages))
    message = message or messages.get(status, "API request error.")
    return Refusal("gateway", status, f"APIGW.{code}", message)


def swr(code: str, message: str = "", *, status: int | None = None) -> Refusal:
    """Return a refusal by SWR; by default with the code's own message and status."""
    message = message or error_codes.SWR[code]
    return Refusal("swr", status or int(code[:3]), f"SVCSTG.SWR.{code}", message)


def iam(code: str, message: str = "", *, status: int | None = None) -> Refusal:
    """Return a refusal by IAM that has a code; by default with its own message and status."""
    default_status, default_message = error_codes.IAM.get(code, (HTTPStatus.BAD_REQUEST, ""))
    return Refusal("iam", status or default_status, f"IAM.{code}", message or default_message)


def unauthorized() -> Refusal:
    """Return IAM's refusal of a wrong name, password or token, which has no code."""
    return Refusal("keystone", HTTPStatus.UNAUTHORIZED, "", "Unauthorized.")


def from_code(code: str, status: int | None = None) -> Refusal:
    """Return the refusal for one of `error_codes.KNOWN`; its own status is the default."""
    service, _, number = code.rpartition(".")
    return {"APIGW": gateway, "IAM": iam, "SVCSTG.SWR": swr}[service](number, status=status)


def render(refusal: Refusal, *, request_id: str, swr_shape: str) -> Json:
    """Return a refusal as the JSON body that its service would send."""
    if refusal.shape == "keystone":
        title = HTTPStatus(refusal.status).phrase
        return {"error": {"message": refusal.message, "code": refusal.status, "title": title}}
    swr_error: dict[str, Json] = {"errorCode": refusal.code, "errorMessage": refusal.message}
    iam_error: dict[str, Json] = {"error_msg": refusal.message, "error_code": refusal.code}
    shapes: dict[str, Json] = {
        "array": [swr_error | {"detail": ""}],
        "object": swr_error | {"detail": ""},
        "errors": {"errors": [swr_error]},
        "gateway": iam_error | {"request_id": request_id},
        "iam": iam_error,
    }
    return shapes[swr_shape if refusal.shape == "swr" else refusal.shape]
