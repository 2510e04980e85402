/** The page itself: the files of ui/dist, and index.html for every other path that a browser asks for. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from './routes.ts'

export const uiFolderDefault = fileURLToPath(new URL('../ui/dist/', import.meta.url))

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Shiplog</title>
<h1>The page has not been built</h1>
<p>Run <code>npm run build</code> in the checkout and load this again. The API works without it: see
<a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
</html>
`

/** Serves the folder; `folder` may come into being later. */
export async function servePage(api: Api, folder: string): Promise<void> {
  await api.register(fastifyStatic, {
    root: folder,
    // A build that comes while the server runs is served too, so nothing is listed at the start.
    suppressWarning: true,
    index: false,
    // Its route is ours, below.
    serve: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      // Vite puts a hash of the content into the names under assets; index.html is what names them.
      const hashed = path.startsWith(join(folder, 'assets'))
      reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  api.route({
    method: ['GET', 'HEAD'],
    url: '/*',
    // Who signs in needs the page for it; the logs are not in it.
    config: { access: 'open' },
    schema: { hide: true },
    handler: async (request, reply) => reply.sendFile((request.params as { '*': string })['*']),
  })
}

/** True when a browser asks for a page, not for a file of it and not for the API. */
export function isPageRequest(request: FastifyRequest): boolean {
  const path = pathOf(request)
  if (request.method !== 'GET' || path.startsWith('/api/')) return false
  return path === '/' || String(request.headers.accept ?? '').includes('text/html')
}

export function sendPage(reply: FastifyReply, folder: string): FastifyReply {
  if (existsSync(join(folder, 'index.html'))) return reply.code(200).sendFile('index.html', folder)
  return reply.code(503).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(notBuilt)
}

/** The path without the query. */
export function pathOf(request: FastifyRequest): string {
  return (request.raw.url ?? '/').split('?', 1)[0] as string
}
