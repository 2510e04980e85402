import { useTranslation } from 'react-i18next'
import type { FileRow } from '../api.ts'
import { CopyButton } from '../copy-button.tsx'
import { PageLink } from '../page-link.tsx'
import { countText } from '../state/number-text.ts'
import { fullTime } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import { useFileNotes } from './file-notes.ts'

/** Around a loss, ms: what its link shows. */
const aroundMs = 5 * 60_000

/** Everything that a shipper has told of a file. */
export function FileDetails({ file }: { readonly file: FileRow }) {
  const { t } = useTranslation()
  const { zone } = useView()
  const notes = useFileNotes()(file)
  const { app, instance, dir, loss } = file
  const facts: [name: string, value: string][] = [
    [t('field.host'), file.host],
    [t('files.position'), bytesOf(file.acknowledged, file.size)],
    ...(file.read === file.acknowledged ? [] : [[t('files.readTo'), countText(file.read)] as [string, string]]),
    ...(file.generation === undefined ? [] : [[t('files.generation'), file.generation] as [string, string]]),
    ...(loss === undefined
      ? []
      : ([
          [t('files.lossFirst'), fullTime(loss.first, zone)],
          [t('files.lossLast'), fullTime(loss.last, zone)],
        ] as [string, string][])),
    [t('files.column_updated'), fullTime(file.updatedAt, zone)],
  ]
  const edge = (time: string, byMs: number) => new Date(Date.parse(time) + byMs).toISOString()
  return (
    <div className="file-details">
      <p className="mono">{file.path}</p>
      {notes.map((note) => (
        <p key={note} className="file-note">
          {note}
        </p>
      ))}
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div className="file-actions">
        <CopyButton className="text-button" text={() => file.path}>
          {t('files.copyPath')}
        </CopyButton>
        {loss !== undefined && (
          <PageLink
            className="text-button"
            to={{
              ...{ page: 'search', cluster: file.cluster, q: '', level: [], app: [app], instance: [instance] },
              ...{ dir: [dir], file: [file.file], from: edge(loss.first, -aroundMs), to: edge(loss.last, aroundMs) },
            }}
          >
            {t('files.lossLines')}
          </PageLink>
        )}
      </div>
    </div>
  )
}

function bytesOf(some: number, all: number): string {
  return `${countText(some)} / ${countText(all)} B`
}
