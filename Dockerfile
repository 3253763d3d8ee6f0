# The bridge as an image: one static binary, no shell, not root.
#
#   docker build --build-arg VERSION=v0.1.0 --build-arg COMMIT=$(git rev-parse HEAD) -t presence-bridge .
#   docker run --rm -p 8080:8080 -e EASEMOB_URL=... -v presence:/data presence-bridge
#
# For several kinds of machines at once; the compiler runs on the builder's own, whatever it builds for:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=v0.1.0 \
#     --build-arg COMMIT=$(git rev-parse HEAD) -t registry.example.com/presence-bridge:v0.1.0 --push .
#
# It takes any command of presence-bridge; alone it is "serve", which stores under /data where NATS_URL is empty.

FROM --platform=${BUILDPLATFORM:-linux/amd64} golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
ARG COMMIT=
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT" \
      -o /out/presence-bridge ./cmd/presence-bridge \
    && mkdir /out/data

FROM gcr.io/distroless/static:nonroot
COPY --from=build /out/presence-bridge /presence-bridge
COPY --from=build --chown=65532:65532 /out/data /data
ENV DATA_DIR=/data
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s CMD ["/presence-bridge", "healthcheck"]
ENTRYPOINT ["/presence-bridge"]
CMD ["serve"]
