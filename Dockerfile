# syntax=docker/dockerfile:1
# Two stages: the first compiles, the second holds the binary and the data and nothing that compiles.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /quadrant
# rust-toolchain.toml stays outside: the image is the toolchain, and rustup would fetch parts for editors.
COPY Cargo.toml Cargo.lock build.rs ./
COPY build build
COPY crates crates
COPY src src
COPY static static
COPY templates templates
# The caches survive from build to build, so polars is compiled once; the binary has to leave them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/quadrant/target \
    cargo build --release --locked && cp target/release/quadrant /usr/local/bin/quadrant

FROM debian:bookworm-slim
# Whom to trust when Redis is at rediss://; the binary needs nothing else that the image lacks.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /quadrant
COPY --from=build /usr/local/bin/quadrant /usr/local/bin/quadrant
COPY data/flights.parquet data/flights.parquet
# The cache on disk, for when there is no Redis; a volume here outlives the container.
RUN mkdir .cache && chown 10001:10001 .cache
# A number, so that a platform can see that it is not root.
USER 10001:10001
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
# Quadrant drains on it: open requests are finished, new ones go elsewhere.
STOPSIGNAL SIGTERM
# No HEALTHCHECK: the image has no client for HTTP, and platforms probe /livez and /readyz themselves.
ENTRYPOINT ["quadrant"]
CMD ["serve"]
