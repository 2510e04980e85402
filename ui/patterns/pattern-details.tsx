import { useTranslation } from 'react-i18next'
import { CopyButton } from '../copy-button.tsx'
import { countText, shareText } from '../state/number-text.ts'
import { fullTime } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import type { Pattern } from './use-patterns.ts'

/** A line of it as it was written, and what is known of all of them. */
export function PatternDetails({ pattern, showNew }: { readonly pattern: Pattern; readonly showNew: boolean }) {
  const { t } = useTranslation()
  const { zone, change } = useView()
  const { example, first, last, previous, query } = pattern
  return (
    <div className="pattern-details">
      <dl>
        {first !== null && <Fact name={t('patterns.first')} value={fullTime(first, zone)} />}
        {last !== null && <Fact name={t('patterns.last')} value={fullTime(last, zone)} />}
        {previous !== undefined && showNew && (
          <Fact
            name={t('patterns.before')}
            value={
              previous.count === 0
                ? t('patterns.beforeNone')
                : `${countText(previous.count)} · ${shareText(previous.share)}`
            }
          />
        )}
        {example !== undefined && (
          <Fact
            name={t('patterns.example')}
            value={`${example.host} · ${example.dir === '/' ? '' : example.dir}/${example.file}`}
          />
        )}
      </dl>
      {example !== undefined && (
        <>
          <pre className="mono">{example.message}</pre>
          <div className="pattern-actions">
            <button
              type="button"
              className="text-button"
              onClick={() => change({ line: { id: example.id, time: example.time } }, 'replace')}
            >
              {t('patterns.context')}
            </button>
            <CopyButton className="text-button" text={() => example.message}>
              {t('patterns.copyExample')}
            </CopyButton>
            {query !== null && (
              <CopyButton className="text-button" text={() => query}>
                {t('patterns.copyQuery')}
              </CopyButton>
            )}
          </div>
        </>
      )}
    </div>
  )
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
