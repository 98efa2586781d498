"""What an operator is told to do. One sentence for all errors that have the same cure."""

from swrhook.errors import NOTHING_TO_DO

WAIT = f"{NOTHING_TO_DO}: it is tried again"
SLOWER = f"{NOTHING_TO_DO}: it is tried again, slower; lower settings.pace if it happens often"
BUG = "report it: swrhook should not have sent this request"
LOGIN = "check user, domain and password (or the token, or the access key) in swr.credentials"
STALE = (
    "if it persists, check swr.credentials, this machine's clock, and that the region's project"
    " belongs to its endpoint"
)
LOCKED = (
    "the account is locked after too many wrong passwords: correct swr.credentials, or whatever"
    " else tries this user; it is tried again in half an hour"
)
USER = "enable the IAM user and give it programmatic access, without login protection"
RIGHTS = (
    "give the IAM user SWR rights in this region: swr:repo:createManualSyncRepoJob,"
    " swr:repo:download, swr:repo:upload and swr::createLoginSecret, or SWR FullAccess"
)
FOREIGN = (
    "the organization or image belongs to someone else: names are unique in a region across"
    " all accounts; choose another organization, or get rights in this one"
)
ORGANIZATION = "create the organization in this region, or correct its name"
IMAGE = "push the image to the source region's SWR, or correct its name"
NAME = "correct the name: SWR allows no such organization, repository or tag"
TARGET = "check the organization and region of the target"
ENDPOINT = "check the region's endpoint in swr.regions"
PROJECT = "check the region's project in swr.regions"
REGION = (
    "if it persists, correct the target region: SWR answers so when it does not know it or"
    " does not synchronize to it"
)
NO_SWR = "SWR is not offered in this region: choose another"
IAM_NAMES = "check iam_endpoint, user and domain in swr, and the region's project"
QUOTA = "delete what is not needed, or have the account's quota raised"
BROKEN_IMAGE = (
    "push the image again; SWR refuses some formats, among them images with BuildKit's"
    " attestations (build with --provenance=false --sbom=false)"
)
ARREARS = "check that the account is not in arrears and that OBS is enabled"
EXISTS = "the target holds another image under this name: set override in the rule to replace it"
ADDRESS = "have this host's IP address allowed"
BATCH = "lower settings.batch: the request is too large"
PROXY = "check the proxy's URL: the proxy wants to know who we are"
REDIRECTION = "nothing is followed: check the endpoint in swr"
UNTOLD = "the message tells what is refused; if it does not, check the endpoint in swr"
