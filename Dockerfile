# Hannip in one image: which services a container runs is said by SERVICES, see README.md, "Settings".
#
#   docker build -t hannip .
#   docker run --rm -p 3000:3000 -v hannip:/data hannip

# The version is that of the npm package `node` in package.json, by which the same runs outside of containers.
# Any image with Node 24, npm and a shell: `--build-arg BASE=…`.
ARG BASE=node:24-slim
FROM ${BASE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The image has Node already.
RUN npm ci --omit=dev --no-audit --no-fund && rm -rf node_modules/node node_modules/node-bin-* node_modules/.bin/node

# The wallet, the till and the console, as files to serve. What builds them stays here.
FROM ${BASE} AS clients
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/build.ts scripts/
COPY services services
COPY clients clients
RUN node --disable-warning=ExperimentalWarning scripts/build.ts

FROM ${BASE}
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data NODE_OPTIONS=--disable-warning=ExperimentalWarning
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json main.ts moleculer.config.ts LICENSE ./
COPY mixins mixins
COPY services services
COPY --from=clients /app/clients/dist clients/dist
# Nothing in the image is written to: it runs with a read-only root, as any user.
RUN mkdir /data && chown 1000:1000 /data
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
CMD ["node", "main.ts"]
