"""The senders' wire formats, each a pure function from a delivery to the tags that it announces.

For any headers and bytes, a parse function returns a Reading or raises Ignored, UnknownShape or a
subclass of Refused, never another exception. docs/adding-a-dialect.md explains how to add one.
"""

from collections.abc import Mapping
from functools import partial

from swrhook.dialects import (
    acr,
    aliyun,
    buildkite,
    cdevents,
    circleci,
    cloudevents,
    distribution,
    dockerhub,
    drone,
    ecr,
    gcr,
    generic,
    gitea,
    github,
    gitlab,
    harbor,
    huawei_cts,
    huawei_eventgrid,
    huawei_smn,
    huawei_swr_ee,
    jfrog,
    mapping,
    nexus,
    quay,
    sns,
    tekton,
    tencent,
    zot,
)
from swrhook.senders.dialect_detection import Parse

# Every dialect of a message itself. What an envelope carries is in one of these.
_MESSAGES: Mapping[str, Parse] = {
    "acr": acr.parse,
    "aliyun": aliyun.parse,
    "buildkite": buildkite.parse,
    "cdevents": cdevents.parse,
    "circleci": circleci.parse,
    "cloudevents": cloudevents.parse,
    "distribution": distribution.parse,
    "dockerhub": dockerhub.parse,
    "drone": drone.parse,
    "ecr": ecr.parse,
    "gcr": gcr.parse,
    "generic": generic.parse,
    "gitea": gitea.parse,
    "github": github.parse,
    "gitlab": gitlab.parse,
    "harbor": harbor.parse,
    "huawei-cts": huawei_cts.parse,
    "huawei-eventgrid": huawei_eventgrid.parse,
    "huawei-swr-ee": huawei_swr_ee.parse,
    "jfrog": jfrog.parse,
    "mapping": mapping.parse,
    "nexus": nexus.parse,
    "quay": quay.parse,
    "tekton": tekton.parse,
    "tencent": tencent.parse,
    "zot": zot.parse,
}

_ENVELOPES: Mapping[str, Parse] = {
    "huawei-smn": partial(huawei_smn.parse, dialects=_MESSAGES),
    "sns": partial(sns.parse, dialects=_MESSAGES),
}
DIALECTS: Mapping[str, Parse] = dict(sorted({**_MESSAGES, **_ENVELOPES}.items()))
