# Node 24 LTS; another base with Node >= 22.12 may be given: docker build --build-arg NODE_IMAGE=node:24-slim .
ARG NODE_IMAGE=node:24-alpine

FROM ${NODE_IMAGE} AS deps
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY agent/package.json agent/
# The `node` package only brings Node to machines with an older one; the image has its own.
RUN npm ci --ignore-scripts && rm -rf node_modules/node node_modules/.bin/node

FROM ${NODE_IMAGE} AS build
WORKDIR /app
ENV NEXT_TELEMETRY_DISABLED=1
COPY --from=deps /app/node_modules node_modules
COPY . .
RUN node scripts/build.ts && chmod 755 docker-entrypoint.sh

FROM ${NODE_IMAGE} AS runtime
WORKDIR /app
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    CODEWISE_DATA_DIR=/data
# The runtime needs no package manager.
RUN rm -rf /usr/local/lib/node_modules/npm /usr/local/lib/npm /usr/local/bin/npm /usr/local/bin/npx /opt/yarn* /usr/local/bin/yarn* \
    && mkdir /data && chown node /data
COPY --from=build --chown=root:root /app/.next/standalone ./
COPY --from=build --chown=root:root /app/docker-entrypoint.sh /usr/local/bin/codewise-entrypoint
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["codewise-entrypoint"]
