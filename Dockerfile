# One image for every stage: the command says which (`up`, `shipper`, `indexer`, `query-api` …).
# Node runs the sources as they are; only the page is built.

FROM node:24-slim AS build
WORKDIR /shiplog
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /shiplog
COPY --from=build /shiplog ./
RUN mkdir -p /data /logs /tokens && chown node:node /data /logs /tokens
USER node
VOLUME /data
EXPOSE 8080 8081 8082
ENTRYPOINT ["node", "pipeline/cli.ts"]
CMD ["up", "--data", "/data", "--root", "/logs"]
