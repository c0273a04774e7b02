# syntax=docker/dockerfile:1
# The digest fixes the bytes; `docker buildx imagetools inspect python:3.13-slim-bookworm` names a newer one.
ARG BASE=python:3.13-slim-bookworm@sha256:01f42367a0a94ad4bc17111776fd66e3500c1d87c15bbd6055b7371d39c124fb

FROM ${BASE} AS build
# Which extras the image has: none, or some of "postgres obs notify".
ARG EXTRAS=""
WORKDIR /src
COPY requirements/*.txt requirements/
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && python -m venv /opt/reconciler \
 && for part in runtime ${EXTRAS}; do \
      /opt/reconciler/bin/pip install --no-cache-dir --require-hashes -r "requirements/$part.txt" || exit 1; \
    done
COPY pyproject.toml README.md ./
COPY reconciler reconciler
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation -w /src/dist . \
 && /opt/reconciler/bin/pip install --no-cache-dir --no-deps /src/dist/*.whl

FROM ${BASE}
LABEL org.opencontainers.image.title="model-reconciler" \
      org.opencontainers.image.description="GitOps for model registries: commit a manifest, and the model is imported exactly once."
# git, ssh and GnuPG are what a source may need; the versions are those of the distribution's stable release.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git gnupg openssh-client \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 reconciler \
 && useradd --uid 10001 --gid reconciler --home-dir /work --no-create-home --shell /usr/sbin/nologin reconciler \
 && install -d -o reconciler -g reconciler /work /state
COPY --from=build /opt/reconciler /opt/reconciler
ENV PATH=/opt/reconciler/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GIT_CONFIG_COUNT=1 \
    GIT_CONFIG_KEY_0=safe.directory \
    GIT_CONFIG_VALUE_0=/work \
    RECONCILER_STATE__DIR=/state \
    RECONCILER_WEB__LISTEN=0.0.0.0:8321 \
    RECONCILER_WEB__HEALTH_LISTEN=0.0.0.0:8322
USER 10001:10001
WORKDIR /work
VOLUME ["/state"]
EXPOSE 8321 8322
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8322/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["reconciler"]
CMD ["run"]
