/** The first screen: what there is in a cluster, and how it is doing. */
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { KeyBar } from '../keys/key-bar.tsx'
import { useKeys } from '../keys/use-keys.ts'
import { PageLink } from '../page-link.tsx'
import { useClusters } from '../queries.ts'
import { RangePicker } from '../query-bar/range-picker.tsx'
import { useView } from '../view-context.tsx'
import { AppList } from './app-list.tsx'

export function AppsPage() {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const nameRef = useRef<HTMLInputElement>(null)
  useKeys({ '/': () => nameRef.current?.select() })
  return (
    <>
      <main className="screen-body">
        <AppList name={name} silentToo>
          <input
            ref={nameRef}
            type="search"
            className="small-input"
            value={name}
            placeholder={t('apps.filter')}
            aria-label={t('apps.filter')}
            onChange={(event) => setName(event.currentTarget.value)}
            onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
          />
          <RangePicker small />
          <Clusters />
        </AppList>
      </main>
      <KeyBar keys={['filter', 'palette', 'help']} />
    </>
  )
}

function Clusters() {
  const { t } = useTranslation()
  const { view } = useView()
  const { data = [] } = useClusters()
  if (data.length < 2) return null
  return (
    <nav className="chips" aria-label={t('field.cluster')}>
      {data.map(({ value }) => (
        <PageLink
          key={value}
          className="chip"
          to={{ cluster: value }}
          aria-current={value === view.cluster ? 'true' : undefined}
        >
          {value}
        </PageLink>
      ))}
    </nav>
  )
}
