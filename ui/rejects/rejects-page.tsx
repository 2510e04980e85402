/** What the store refused for good: why, how often, one of them, and how it is sent again once that is mended. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { getJson, Problem, problemIn } from '../api.ts'
import { CopyButton } from '../copy-button.tsx'
import { KeyBar } from '../keys/key-bar.tsx'
import { ProblemNotice, useProblemText } from '../results/problem-notice.tsx'
import { countText } from '../state/number-text.ts'
import { agoText, fullTime } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import './rejects.css'

interface RejectGroup {
  readonly id: string
  readonly version: number
  readonly cluster: string
  /** `*` = of several apps, and for several reasons. */
  readonly app: string
  readonly reason: string
  readonly count: number
  readonly first: string
  readonly last: string
  readonly sample: {
    readonly time: string
    readonly instance: string
    readonly host: string
    readonly dir: string
    readonly file: string
    readonly message: string
  }
}

const rejectsKey = ['rejects'] as const
const refreshMs = 10_000
const replayCommand = 'shiplog replay --rejects'

export function RejectsPage() {
  const { t } = useTranslation()
  const answer = useQuery({
    queryKey: rejectsKey,
    queryFn: ({ signal }) => getJson<{ total: number; groups: readonly RejectGroup[] }>('api/v1/rejects', signal),
    refetchInterval: refreshMs,
    staleTime: 0,
  })
  const { data } = answer
  return (
    <>
      <main className="screen-body rejects">
        <header className="rejects-head">
          <h1>{t('page.rejects')}</h1>
          {data && data.total > 0 && (
            <span className="rejects-bad">
              {t('rejects.total', { count: data.total, amount: countText(data.total) })}
            </span>
          )}
        </header>
        {answer.isError && data === undefined && (
          <ProblemNotice error={answer.error} onRetry={() => void answer.refetch()} />
        )}
        {answer.isError && data !== undefined && (
          <p className="rejects-bad" role="alert">
            {t('files.stale')}
          </p>
        )}
        {data?.groups.length === 0 && <p className="muted">{t('rejects.none')}</p>}
        {data && data.groups.length > 0 && (
          <>
            <div className="rejects-how">
              <p>{t('rejects.how')}</p>
              <code>{replayCommand}</code>
              <CopyButton className="text-button" text={() => replayCommand}>
                {t('rejects.copy')}
              </CopyButton>
            </div>
            <ul className="rejects-list">
              {data.groups.map((group) => (
                <Group key={group.id} group={group} />
              ))}
            </ul>
          </>
        )}
      </main>
      <KeyBar keys={['palette', 'help']} />
    </>
  )
}

function Group({ group }: { readonly group: RejectGroup }) {
  const { t, i18n } = useTranslation()
  const { zone } = useView()
  const { cluster, app, reason, count, first, last, sample } = group
  const place = `${sample.instance}${sample.dir === '/' ? '' : sample.dir}/${sample.file}`
  const now = Date.now()
  return (
    <li className="rejects-group">
      <div className="rejects-group-head">
        <b className="rejects-bad">{countText(count)}</b>
        <span>
          {cluster} / {app === '*' ? t('rejects.others') : app}
        </span>
        <span className="muted" title={`${fullTime(first, zone)} – ${fullTime(last, zone)}`}>
          {t('rejects.when', { first: agoText(first, now, i18n.language), last: agoText(last, now, i18n.language) })}
        </span>
        <Forget group={group} />
      </div>
      <p className="rejects-reason">{reason}</p>
      <p className="muted">
        {t('rejects.sample')} {sample.host} {place}, {fullTime(sample.time, zone)}
      </p>
      <pre className="mono">{sample.message}</pre>
    </li>
  )
}

/** The events stay where they are kept; only the count goes, and comes again when more are refused. */
function Forget({ group: { id, version } }: { readonly group: RejectGroup }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [error, setError] = useState<Error>()
  const { text } = useProblemText(error ?? new Error(''))
  const forget = async (): Promise<void> => {
    setError(undefined)
    try {
      const url = `api/v1/rejects/${id}?version=${version}`
      const response = await fetch(url, { method: 'DELETE', headers: { 'x-shiplog-request': '1' } }).catch(() => {
        throw new Problem(0, {})
      })
      if (!response.ok) throw await problemIn(response)
    } catch (thrown) {
      setError(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
    void client.invalidateQueries({ queryKey: rejectsKey })
  }
  const isConflict = error instanceof Problem && error.status === 409
  return (
    <>
      {error !== undefined && (
        <span className="rejects-bad" role="alert">
          {isConflict ? t('rejects.changed') : text}
        </span>
      )}
      <button
        type="button"
        className="text-button rejects-forget"
        title={t('rejects.forgetHint')}
        onClick={() => void forget()}
      >
        {t('rejects.forget')}
      </button>
    </>
  )
}
