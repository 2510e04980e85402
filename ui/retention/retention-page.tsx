/** How long each cluster is kept, what its days take, when they go; and dropping one of them by hand. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { KeyBar } from '../keys/key-bar.tsx'
import { ProblemNotice } from '../results/problem-notice.tsx'
import { bytesText, countText } from '../state/number-text.ts'
import { agoText, fullTime } from '../state/time-text.ts'
import { localIso } from '../state/zone.ts'
import { useView } from '../view-context.tsx'
import { DropDialog } from './drop-dialog.tsx'
import { type ClusterRetention, type PartitionRow, useRetention } from './retention-api.ts'
import './retention.css'

export function RetentionPage() {
  const { t } = useTranslation()
  const answer = useRetention()
  const [dropping, setDropping] = useState<{ cluster: string; row: PartitionRow }>()
  const clusters = answer.data?.clusters
  // One scale for all: what takes the disk is to be seen across clusters.
  const most = Math.max(1, ...(clusters ?? []).flatMap(({ partitions }) => partitions.map(({ bytes }) => bytes)))
  return (
    <>
      <main className="screen-body retention">
        <header className="retention-head">
          <h1>{t('page.retention')}</h1>
          {answer.data && (
            <span className="muted">
              {t('retention.total', {
                count: answer.data.events,
                amount: countText(answer.data.events),
                bytes: bytesText(answer.data.bytes),
              })}
            </span>
          )}
        </header>
        {answer.isError && clusters === undefined && (
          <ProblemNotice error={answer.error} onRetry={() => void answer.refetch()} />
        )}
        {answer.isError && clusters !== undefined && (
          <p className="retention-problem" role="alert">
            {t('files.stale')}
          </p>
        )}
        {clusters?.length === 0 && <p className="muted">{t('retention.none')}</p>}
        {clusters?.map((one) => (
          <Cluster
            key={one.cluster}
            shown={one}
            most={most}
            onDrop={(row) => setDropping({ cluster: one.cluster, row })}
          />
        ))}
      </main>
      {dropping && <DropDialog {...dropping} onClose={() => setDropping(undefined)} />}
      <KeyBar keys={['palette', 'help']} />
    </>
  )
}

interface ClusterProps {
  readonly shown: ClusterRetention
  readonly most: number
  onDrop(row: PartitionRow): void
}

function Cluster({ shown: { cluster, days, events, bytes, partitions }, most, onDrop }: ClusterProps) {
  const { t } = useTranslation()
  const kept =
    days === null
      ? t('retention.daysUnknown')
      : days === 0
        ? t('retention.forEver')
        : t('retention.days', { count: days })
  return (
    <section className="retention-cluster" aria-label={cluster}>
      <header>
        <h2>{cluster}</h2>
        <span>{kept}</span>
        <span className="muted">
          {t('retention.total', { count: events, amount: countText(events), bytes: bytesText(bytes) })}
        </span>
      </header>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('retention.column_day')}</th>
            <th scope="col" className="retention-number">
              {t('retention.column_events')}
            </th>
            <th scope="col" className="retention-number">
              {t('retention.column_bytes')}
            </th>
            <td className="retention-wide" />
            <th scope="col" className="retention-read">
              {t('retention.column_read')}
            </th>
            <th scope="col">{t('retention.column_drop')}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {partitions.map((row) => (
            <Day key={row.partition} row={row} share={row.bytes / most} onDrop={() => onDrop(row)} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

interface DayProps {
  readonly row: PartitionRow
  readonly share: number
  onDrop(): void
}

function Day({ row: { partition, events, bytes, newestReadAt, dropAt }, share, onDrop }: DayProps) {
  const { t, i18n } = useTranslation()
  const { zone } = useView()
  return (
    <tr>
      <th scope="row">
        {partition}
        {partition.length === 7 && <span className="muted"> {t('retention.month')}</span>}
      </th>
      <td className="retention-number">{countText(events)}</td>
      <td className="retention-number">{bytesText(bytes)}</td>
      <td className="retention-wide">
        <span className="retention-bar" style={{ width: `${Math.max(1, share * 100)}%` }} />
      </td>
      <td className="retention-read" title={fullTime(newestReadAt, zone)}>
        {agoText(newestReadAt, Date.now(), i18n.language)}
      </td>
      <td title={dropAt === null ? undefined : fullTime(dropAt, zone)}>
        {dropAt === null ? '–' : localIso(zone, Date.parse(dropAt)).slice(0, 16).replace('T', ' ')}
      </td>
      <td className="retention-action">
        <button
          type="button"
          className="text-button"
          aria-label={t('retention.dropDay', { partition })}
          onClick={onDrop}
        >
          {t('retention.drop')}
        </button>
      </td>
    </tr>
  )
}
