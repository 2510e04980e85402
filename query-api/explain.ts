/** GET /explain: why a search finds nothing, and with which parameters it would. */
import { Type } from 'typebox'
import type { FileState } from '../pipeline/bus.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import { formatTime } from '../pipeline/record.ts'
import type { Selection } from '../pipeline/store.ts'
import { seesOperation } from './auth.ts'
import { contextLinesMax } from './context-groups.ts'
import { missingPlace, neverThere, notInRange } from './explain-causes.ts'
import { type Finding, finding, findingCodes } from './explain-findings.ts'
import { Probe } from './explain-probe.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import * as schema from './schema.ts'
import { selectionOf } from './selection.ts'
import { withSeries } from './series.ts'

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

export interface ExplainParts extends RouteParts {
  /** How the pipeline is, which is for operators only: what troubles each part, partitions that cannot be read. */
  readonly operation: () => Promise<{
    readonly parts: Readonly<Record<string, string | undefined>>
    readonly damaged: number
  }>
}

export function explainRoutes(api: Api, { visible, operation, config, now }: ExplainParts): void {
  api.get(
    '/explain',
    {
      config: { access: 'logs' },
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
          series: schema.series,
          fold: schema.fold,
          ...schema.aroundProperties(contextLinesMax),
        }),
        response: schema.answers(ExplainAnswer, 'What was found out', 400, 422, 429, 503),
      },
    },
    async (request, reply) => {
      const nowUs = now() * 1000
      const bounds = { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax }
      const logs = visible(request)
      const asked = await withSeries(logs.store, request.query, bounds)
      const wanted = { cluster: asked.cluster, ...selectionOf(asked, now()) }
      const probe = new Probe(logs.store, bounds)
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
      findings.push(...fileFindings(await logs.files(wanted.cluster), wanted))
      if (seesOperation(request)) findings.push(...operationFindings(await operation()))
      if (late) findings.push(finding('NOT_CHECKED'))
      // Looked at, not handed out.
      request.records = 0
      return { empty: true, findings: request.query.series === undefined ? findings : findings.map(withoutSeries) }
    },
  )
}

async function lastLine(probe: Probe, { cluster, filters }: Selection, findings: Finding[]): Promise<void> {
  const { level: _level, ...sources } = filters
  const time = await probe.time({ cluster, filters: sources, where: undefined, from: 0, to: Number.POSITIVE_INFINITY })
  if (time !== undefined) findings.push(finding('LAST_LINE', { time: formatTime(time) }))
}

/** A change of the files that are asked for is one of their series, too. */
function withoutSeries(found: Finding): Finding {
  const { change } = found
  if (change === null || (change.set.file === undefined && !change.remove.includes('file'))) return found
  return { ...found, change: { ...change, remove: [...change.remove, 'series'] } }
}

/** How the way of these lines into the store is, as far as the caller may see it. */
function fileFindings(seen: readonly FileState[], wanted: Selection): Finding[] {
  const found: Finding[] = []
  const files = seen.filter((file) => isWanted(file, wanted))
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
  return found
}

function operationFindings({ parts, damaged }: Awaited<ReturnType<ExplainParts['operation']>>): Finding[] {
  const found: Finding[] = []
  for (const [part, detail] of Object.entries(parts)) {
    if (detail !== undefined) found.push(finding('PART_IN_TROUBLE', { part, detail }))
  }
  if (damaged > 0) found.push(finding('PARTITIONS_DAMAGED', { partitions: damaged }))
  return found
}

function isWanted({ source }: FileState, { filters }: Selection): boolean {
  return (['app', 'instance', 'dir', 'file', 'host'] as const).every((field) => {
    const values = filters[field] ?? []
    return values.length === 0 || values.includes(source[field])
  })
}
