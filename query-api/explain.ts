/** GET /explain: why a search finds nothing, and with which parameters it would. */
import { Type } from 'typebox'
import type { FileState } from '../pipeline/bus.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import { formatTime } from '../pipeline/record.ts'
import type { Selection } from '../pipeline/store.ts'
import { missingPlace, neverThere, notInRange } from './explain-causes.ts'
import { type Finding, finding, findingCodes } from './explain-findings.ts'
import { Probe } from './explain-probe.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import * as schema from './schema.ts'
import { selectionOf } from './selection.ts'

const findingExample: Finding = finding(
  'NO_SUCH_VALUE',
  { field: 'app', value: 'shpo', nearest: 'shop', known: ['2048', 'shop'] },
  { set: { app: ['shop'] } },
)

export const ExplainAnswer = Type.Object(
  {
    empty: Type.Boolean({ description: 'false = the search finds something now' }),
    findings: Type.Array(
      Type.Object({
        code: schema.oneOf(findingCodes),
        text: Type.String({ description: 'in English; values and code are for other languages' }),
        values: Type.Record(
          Type.String(),
          Type.Union([Type.String(), Type.Number(), Type.Null(), Type.Array(Type.String())]),
        ),
        change: Type.Union([
          Type.Object(
            {
              set: Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())])),
              remove: Type.Array(Type.String()),
            },
            { description: 'parameters of the search to set, and to leave out' },
          ),
          Type.Null(),
        ]),
      }),
      { description: 'the likeliest cause first; then how the pipeline is' },
    ),
  },
  { examples: [{ empty: true, findings: [findingExample] }] },
)

export function explainRoutes(api: Api, parts: RouteParts): void {
  const { store, config, now } = parts
  api.get(
    '/explain',
    {
      schema: {
        summary: 'Why a search finds nothing, and what to change',
        description: 'Takes the parameters of the search.',
        tags: ['search'],
        querystring: schema.parameters({
          ...schema.Common,
          order: schema.order,
          limit: schema.whole(
            1,
            schema.searchLimitMax,
            100,
            'not looked at: a search’s parameters can be sent as they are',
          ),
        }),
        response: schema.answers(ExplainAnswer, 'What was found out', 400, 429, 503),
      },
    },
    async (request, reply) => {
      const nowUs = now() * 1000
      const wanted = { cluster: request.query.cluster, ...selectionOf(request.query, now()) }
      const probe = new Probe(store, { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax })
      const findings: Finding[] = []
      let late = false
      try {
        if ((await probe.time(wanted)) !== undefined) return { empty: false, findings: [finding('FOUND')] }
        const known = (await missingPlace(probe, wanted, findings)) || (await neverThere(probe, wanted, findings))
        if (!known) await notInRange(probe, wanted, nowUs, findings)
        if (!findings.some(({ code }) => code === 'NO_SUCH_CLUSTER' || code === 'NOTHING_INDEXED'))
          await lastLine(probe, wanted, findings)
      } catch (error) {
        // What was found out until then is worth more than an error.
        if (!(error instanceof ShiplogError) || error.code !== 'QUERY_TOO_COSTLY') throw error
        late = true
      }
      findings.push(...(await pipelineFindings(parts, wanted)))
      if (late) findings.push(finding('NOT_CHECKED'))
      return { empty: true, findings }
    },
  )
}

async function lastLine(probe: Probe, { cluster, filters }: Selection, findings: Finding[]): Promise<void> {
  const { level: _level, ...sources } = filters
  const time = await probe.time({ cluster, filters: sources, where: undefined, from: 0, to: Number.POSITIVE_INFINITY })
  if (time !== undefined) findings.push(finding('LAST_LINE', { time: formatTime(time) }))
}

/** How the way of these lines into the store is: files that were reported, parts in trouble. */
async function pipelineFindings({ state, store, health }: RouteParts, wanted: Selection): Promise<Finding[]> {
  const found: Finding[] = []
  const entries = await state.list(`file/${wanted.cluster}/`)
  const files = entries.map(({ value }) => value as FileState).filter((file) => isWanted(file, wanted))
  if (files.length === 0) found.push(finding('NO_FILES'))
  // A file that is gone is read no further: what was left of it is counted as lost.
  const behind = files.filter(({ state: at, size, acknowledged }) => at !== 'gone' && size > acknowledged)
  if (behind.length > 0) {
    const bytes = behind.reduce((sum, { size, acknowledged }) => sum + size - acknowledged, 0)
    found.push(finding('FILES_BEHIND', { files: behind.length, bytes }))
  }
  const unreadable = files.filter(({ state: at }) => at === 'unreadable')
  const [first] = unreadable
  if (first !== undefined) {
    const values = { files: unreadable.length, path: first.path, reason: first.reason ?? 'no reason given' }
    found.push(finding('FILES_UNREADABLE', values))
  }
  const lost = files.filter((file) => file.lost > 0)
  if (lost.length > 0) {
    found.push(finding('BYTES_LOST', { files: lost.length, bytes: lost.reduce((sum, file) => sum + file.lost, 0) }))
  }
  for (const [part, detail] of Object.entries(health())) {
    if (detail !== undefined) found.push(finding('PART_IN_TROUBLE', { part, detail }))
  }
  const { damaged } = await store.stats()
  if (damaged.length > 0) found.push(finding('PARTITIONS_DAMAGED', { partitions: damaged.length }))
  return found
}

function isWanted({ source }: FileState, { filters }: Selection): boolean {
  return (['app', 'instance', 'dir', 'file', 'host'] as const).every((field) => {
    const values = filters[field] ?? []
    return values.length === 0 || values.includes(source[field])
  })
}
