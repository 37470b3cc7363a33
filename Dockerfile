# Hannip in one image: which services a container runs is said by SERVICES, see README.md, "Settings".
#
#   docker build -t hannip .
#   docker run --rm -p 3000:3000 -v hannip:/data hannip

# What builds: any image with Node 24, npm and a shell. The version is that of the npm package `node` in package.json, by which the same runs
# outside of containers.
ARG BASE=node:24.21.0-slim
# What runs: Node's libraries and certificates, and nothing that could be called: no shell, no package manager. A third of what BASE weighs.
ARG RUNTIME=gcr.io/distroless/cc-debian12

FROM ${BASE} AS everything
WORKDIR /app
COPY package.json package-lock.json ./
# Only the npm package `node` needs its install script, and BASE has Node already.
RUN npm ci --ignore-scripts --no-audit --no-fund

# What runs in production. Types and source maps are for those who write.
FROM everything AS dependencies
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund && \
	rm -rf node_modules/node node_modules/node-bin-* node_modules/.bin/node && \
	find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete && \
	mkdir /data

# The wallet, the till and the console, as files to serve. What builds them stays here.
FROM everything AS clients
COPY tsconfig.json ./
COPY scripts/build.ts scripts/
COPY services services
COPY clients clients
RUN node --disable-warning=ExperimentalWarning scripts/build.ts

FROM ${RUNTIME}
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data NODE_OPTIONS=--disable-warning=ExperimentalWarning MALLOC_ARENA_MAX=2 UV_THREADPOOL_SIZE=8
WORKDIR /app
COPY --from=dependencies /usr/local/bin/node /usr/local/bin/node
COPY --from=dependencies /app/node_modules node_modules
COPY package.json main.ts moleculer.config.ts LICENSE ./
COPY mixins mixins
COPY services services
COPY --from=clients /app/clients/dist clients/dist
# Nothing in the image is written to: it runs with a read-only root, as any user.
COPY --from=dependencies --chown=1000:1000 /data /data
VOLUME /data
# `node`, as a number: then Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 3000 3001 3002
HEALTHCHECK --interval=5s --timeout=2s --start-period=30s \
	CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.PROBE_PORT||3002)+'/ready').then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))"]
# What it says that it is; last, so that all else is the same for every version.
ARG VERSION=
ENV VERSION=${VERSION}
# As PID 1 it handles SIGTERM itself, and starts no processes that it would have to bury.
ENTRYPOINT []
CMD ["node", "main.ts"]
