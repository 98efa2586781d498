"""AdmissionReviews as Kubernetes 1.31 sends them, shortened to what a webhook may read."""

from typing import Any

HOST = "swr.cn-east-3.myhuaweicloud.com"


def review(kind: str, content: object, operation: str = "CREATE") -> dict[str, Any]:
    return {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": kind},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "requestKind": {"group": "", "version": "v1", "kind": kind},
            "requestResource": {"group": "", "version": "v1", "resource": "pods"},
            "name": "",
            "namespace": "shop",
            "operation": operation,
            "userInfo": {
                "username": "system:serviceaccount:kube-system:replicaset-controller",
                "groups": ["system:serviceaccounts", "system:authenticated"],
            },
            "object": content,
            "oldObject": None,
            "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    }


def pod_review(*images: str) -> dict[str, Any]:
    containers = [
        {"name": f"c{number}", "image": image, "resources": {}, "imagePullPolicy": "IfNotPresent"}
        for number, image in enumerate(images)
    ]
    pod = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"generateName": "shop-5d59d67564-", "namespace": "shop", "labels": {}},
        "spec": {"containers": containers, "restartPolicy": "Always", "dnsPolicy": "ClusterFirst"},
        "status": {},
    }
    return review("Pod", pod)
