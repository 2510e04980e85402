/** The description of the API, made from the schemas of its routes: GET /api/v1/openapi.json. */
import { readFileSync } from 'node:fs'
import fastifySwagger from '@fastify/swagger'
import { type Access, ownHeader, sessionCookie } from './auth.ts'
import type { Api } from './routes.ts'

export const openApiPath = '/api/v1/openapi.json'

/** To be called before the routes are entered. */
export async function describeApi(api: Api): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  await api.register(fastifySwagger, {
    transform: ({ schema, url, route }) => {
      const access = (route as { config?: { access?: Access } }).config?.access
      const security = access === 'open' ? [] : [{ token: [] }, { cookie: [] }]
      return { schema: { ...schema, security }, url }
    },
    openapi: {
      openapi: '3.1.0',
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of shiplog token add. Where rights are not enabled none is needed.',
          },
          cookie: {
            type: 'apiKey',
            in: 'cookie',
            name: sessionCookie,
            description: `Of POST /api/v1/session. Requests that change something need the header ${ownHeader} too.`,
          },
        },
      },
      info: {
        title: 'Shiplog',
        version,
        description:
          'Search, context and export of logs. Repeat a filter for any of several values. Errors are RFC 9457 problems with a hint.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'this server' }],
      tags: [
        { name: 'search', description: 'Find records' },
        { name: 'export', description: 'Take them away' },
        { name: 'saved searches', description: 'Keep them and share them' },
        { name: 'alerts', description: 'Be told of what happens' },
        { name: 'session', description: 'Who one is' },
        { name: 'operation', description: 'How the pipeline is' },
      ],
    },
  })
}

export function openApiRoute(api: Api): void {
  api.get(openApiPath, { config: { access: 'open' }, schema: { hide: true } }, async (_request, reply) => {
    reply.type('application/json; charset=utf-8').header('cache-control', 'no-cache')
    return JSON.stringify(api.swagger())
  })
}
