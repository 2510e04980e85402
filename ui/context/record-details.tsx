import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ApiRecord } from '../api.ts'
import { CopyButton } from '../copy-button.tsx'
import { FieldFilter } from '../results/field-filter.tsx'
import { exportUrl } from '../state/api-params.ts'
import { countText } from '../state/number-text.ts'
import { andField } from '../state/query-text.ts'
import { fullTime } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'

const fieldsShown = 6

export function RecordDetails({ record }: { readonly record: ApiRecord }) {
  const { t } = useTranslation()
  const { view, zone, change, search } = useView()
  const [all, setAll] = useState(false)
  const fields = Object.entries(record.fields ?? {}).flatMap(([name, values]) =>
    values.map((value) => ({ name, value })),
  )
  const shown = all || fields.length <= fieldsShown + 1 ? fields : fields.slice(0, fieldsShown)
  const file = { app: [record.app], instance: [record.instance], dir: [record.dir], file: [record.file] }
  const path = `${record.dir === '/' ? '' : record.dir}/${record.file}`

  const source: [label: string, value: ReactNode][] = [
    [t('field.time'), fullTime(record.time, zone)],
    [t('field.host'), <Narrow key="host" value={record.host} onClick={() => change({ host: [record.host] })} />],
    [
      t('field.instance'),
      <Narrow key="instance" value={record.instance} onClick={() => change({ instance: [record.instance] })} />,
    ],
    [t('field.file'), <Narrow key="file" value={path} title={t('context.onlyFile')} onClick={() => change(file)} />],
    [
      t('field.level'),
      <span key="level" className={`level-${record.level}`}>
        {record.level}
      </span>,
    ],
    [t('context.position'), t('context.bytes', { offset: countText(record.offset), bytes: countText(record.bytes) })],
  ]
  if (record.parts !== undefined) source.push([t('context.parts'), countText(record.parts.length + 1)])
  if (record.timeFrom !== 'line') source.push([t('context.timeFrom'), t(`context.timeFrom_${record.timeFrom}`)])
  if (record.encoding !== undefined) source.push([t('context.encoding'), record.encoding])

  return (
    <div className="details">
      <dl aria-label={t('context.source')}>
        {source.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {fields.length > 0 && (
        <dl className="details-fields" aria-label={t('context.fields')}>
          {shown.map(({ name, value }) => (
            <div key={`${name}=${value}`}>
              <dt className="mono" title={name}>
                {name}
              </dt>
              <dd className="mono">
                <Narrow
                  value={value}
                  title={t('context.searchField', { name, value })}
                  onClick={() => search({ q: andField(view.q, name, value) })}
                />
                <FieldFilter name={name} value={value} />
              </dd>
            </div>
          ))}
          {shown.length < fields.length && (
            <button type="button" className="text-button" onClick={() => setAll(true)}>
              {t('context.allFields', { count: fields.length - shown.length })}
            </button>
          )}
        </dl>
      )}
      <div className="details-actions">
        <CopyButton className="quiet-button" text={() => `${record.host} : ${record.message}`}>
          {t('action.copy')}
        </CopyButton>
        <a className="text-button" href={exportUrl({ ...view, ...file }, zone, 'raw')} download>
          {t('context.raw')}
        </a>
      </div>
    </div>
  )
}

interface NarrowProps {
  readonly value: string
  readonly title?: string
  onClick(): void
}

/** A value that narrows the search to itself. */
function Narrow({ value, title, onClick }: NarrowProps) {
  const { t } = useTranslation()
  return (
    <button
      type="button"
      className="details-value"
      title={title ?? t('context.onlyValue', { value })}
      onClick={onClick}
    >
      {value === '' ? '""' : value}
    </button>
  )
}
