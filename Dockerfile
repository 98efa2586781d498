# Two stages on one base image: the first installs, the second holds only what runs.
#
# With mirrors of the registry and of the package index:
#   docker build --build-arg BASE=mirror.example.com/python:3.11-slim-bookworm \
#     --build-arg PIP_INDEX_URL=https://mirror.example.com/simple -t swrhook .
ARG BASE=docker.io/library/python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${BASE} AS builder
ARG PIP_INDEX_URL
# `otel` adds the export of traces.
ARG EXTRA=
COPY requirements.txt requirements-otel.txt /tmp/
RUN python -m venv /opt/swrhook \
 && /opt/swrhook/bin/pip install --no-cache-dir --quiet --require-hashes \
    --requirement /tmp/requirements.txt ${EXTRA:+--requirement "/tmp/requirements-$EXTRA.txt"} \
 && /opt/swrhook/bin/pip uninstall --quiet --yes setuptools pip
WORKDIR /app
COPY app.py wsgi.py gunicorn.conf.py ./
COPY swrhook ./swrhook
# The service may not write next to its code, so the bytecode is compiled here.
RUN /opt/swrhook/bin/python -m compileall -q app.py wsgi.py swrhook \
 && printf '#!/opt/swrhook/bin/python\nfrom swrhook.cli import main\nmain()\n' \
    > /opt/swrhook/bin/swrhook \
 && chmod 0755 /opt/swrhook/bin/swrhook

FROM ${BASE}
# `make image` sets both.
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="swrhook" \
      org.opencontainers.image.description="Replicates image tags between regions of SWR" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The ledger's folder is the only one that the service writes to.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /app/var \
    --shell /usr/sbin/nologin swrhook \
 && install --directory --owner=swrhook --group=swrhook --mode=0750 /app/var
COPY --from=builder /opt/swrhook /opt/swrhook
COPY --from=builder /app /app
COPY LICENSE NOTICE /usr/share/doc/swrhook/
WORKDIR /app
ENV PATH=/opt/swrhook/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    SWRHOOK_BIND=0.0.0.0:8080 \
    SWRHOOK_DATABASE_URL=sqlite:////app/var/swrhook.db \
    SWRHOOK_CONFIG=/etc/swrhook/swrhook.yaml
VOLUME /app/var
# A numeric user, so that Kubernetes can check that it is not root (runAsNonRoot).
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
# http.client, not urllib: urllib would use a proxy from the environment, even for 127.0.0.1.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "import http.client, os, sys; port = os.environ['SWRHOOK_BIND'].rpartition(':')[2]; c = http.client.HTTPConnection('127.0.0.1', int(port), timeout=2); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
CMD ["gunicorn", "wsgi:app"]
