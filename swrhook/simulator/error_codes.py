"""The known error codes of SWR, the API gateway and IAM, with their statuses and messages.

Sources: "Error Codes" of the SWR and of the IAM API reference, "Error Codes" of API request
signing for the gateway. Some codes of SWR are missing in the published table; they were seen in the
vendor's Terraform provider (4001158) and agent skills (4001096, 4030170, 5001101).
"""

from collections.abc import Mapping


def _by_code(codes: Mapping[str, str]) -> Mapping[str, str]:
    return {code: message for message, numbers in codes.items() for code in numbers.split()}


# The first three digits of SWR's codes are the status. Codes with the same message share a line.
SWR = _by_code(
    {
        "Invalid API parameters.": "4000014",
        "The organization quota has been used up.": "4000097",
        "The image quota has been used up.": "4000098",
        "The image tag quota has been used up.": "4000099",
        "Mandatory parameters must be configured.": "4001014",
        "Invalid request body type.": "4001018",
        "The version cannot be blank.": "4001021",
        "Invalid parameters.": "4001025",
        "Invalid organization name.": "4001028 4009010",
        "Invalid image name.": "4001029 4009011",
        "Failed to get Token from Context": "4001048",
        "param order column error": "4001096",
        "sync repo not found": "4001158",
        "Invalid image tag.": "4009021",
        "Authentication failed.": "4010000",
        "The image was created by another user.": "4011044",
        "The image belongs to another account.": "4011064",
        "Insufficient permissions": "4030170",
        "The number of requests exceeds the maximum.": "4031032",
        "Too many requests.": "4031042",
        "Invalid JWT.": "4031043",
        "No permission.": "4037017 4037018 4037020 4039001 4039002",
        "The image was not found.": "4040010 4040113",
        "The image tag was not found.": "4040048 4040115 4041056",
        "The organization was not found.": "4040058 4041061",
        "The URL was not found.": "4040083",
        "The image already exists.": "4090006",
        "Failed to delete the image repository because there are images in it.": "4060012",
        "The system is busy.": "4090023",
        "The organization already exists.": "4090060",
        "The request body is too large.": "4131001",
        "Failed to synchronize files.": "5000021",
        "Failed to obtain the service token.": "5001076",
        "Internal error": "5001101",
        "OBS is disabled.": "5070070",
    }
)

# A code of the gateway may have several statuses; the first one is the default.
GATEWAY: Mapping[str, Mapping[int, str]] = {
    "0101": {404: "The API does not exist or has not been published in the environment."},
    "0103": {404: "The backend does not exist."},
    "0201": {
        400: "API request error.",
        413: "Request entity too large.",
        414: "Request URI too large.",
        494: "Request headers too large.",
        502: "Backend unavailable.",
        504: "Backend timeout.",
    },
    "0301": {401: "Incorrect IAM authentication information."},
    "0302": {403: "The IAM user is not authorized to access the API."},
    "0305": {401: "Incorrect authentication information."},
    "0306": {403: "API access denied."},
    "0307": {401: "The token must be updated."},
    "0308": {
        429: "The throttling threshold has been reached: policy user over ratelimit,"
        "limit:200,time:5 minute"
    },
    "0310": {403: "The project is unavailable."},
    "0402": {403: "The IP address is not authorized to access the API."},
    "0601": {500: "Internal server error."},
    "0610": {502: "No backend available."},
    "0613": {503: "The IAM service is currently unavailable."},
    "0801": {403: "The service is unavailable in the currently selected region."},
    "0802": {403: "The IAM user is forbidden in the currently selected region."},
}

IAM: Mapping[str, tuple[int, str]] = {
    "0001": (401, "The request you have made requires authentication."),
    "0002": (403, "You are not authorized to perform the requested action."),
    "0003": (403, "Policy doesn't allow the actions to be performed."),
    "0004": (404, "Could not find the requested resource."),
    "0006": (500, "An unexpected error prevented the server from fulfilling your request."),
    "0011": (400, "Request body is invalid."),
    "0012": (429, "The throttling threshold has been reached."),
    "0061": (401, "Account locked."),
    "0062": (401, "Incorrect password."),
    "0066": (401, "The token has expired."),
    "0067": (401, "Invalid token."),
    "0072": (400, "'auth' is a required property."),
    "0082": (403, "The user is disabled."),
    "1109": (400, "The project information cannot be found."),
}

KNOWN = (
    *(f"SVCSTG.SWR.{code}" for code in SWR),
    *(f"APIGW.{code}" for code in GATEWAY),
    *(f"IAM.{code}" for code in IAM),
)
