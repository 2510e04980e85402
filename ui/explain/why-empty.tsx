/** Why a search finds nothing: what was found out, each with what mends it. */
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { getJson } from '../api.ts'
import { PageLink } from '../page-link.tsx'
import { apiUrl, selectionParams } from '../state/api-params.ts'
import {
  changeName,
  type Finding,
  findingCodes,
  isAboutFiles,
  quoteMark,
  type ValueTexts,
  valueNames,
  valueText,
  viewChange,
} from '../state/explain-model.ts'
import { edgeText } from '../state/time-range.ts'
import { listFields, type View } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'
import './explain.css'

interface ExplainAnswer {
  /** False = the search finds something now. */
  readonly empty: boolean
  readonly findings: readonly Finding[]
}

function useExplain() {
  const { view, zone, run } = useView()
  const params = selectionParams(view, zone)
  return useQuery({
    queryKey: ['explain', params, run],
    queryFn: ({ signal }) => getJson<ExplainAnswer>(apiUrl('explain', params), signal),
  })
}

/** `children`: what can be tried without knowing why. */
export function WhyEmpty({ children }: { readonly children: ReactNode }) {
  const { t } = useTranslation()
  const { search } = useView()
  const { data, isError } = useExplain()
  if (isError) return children
  if (data === undefined) {
    return (
      <p role="status" aria-busy="true">
        {t('explain.asking')}
      </p>
    )
  }
  if (!data.empty) {
    return (
      <>
        <p role="status">{t('explain.FOUND')}</p>
        <button type="button" className="quiet-button" onClick={() => search()}>
          {t('action.search')}
        </button>
      </>
    )
  }
  const mendable = data.findings.some(({ change }) => change !== null)
  return (
    <>
      <h3 className="why-title">{t('explain.title')}</h3>
      <ul className="why" aria-label={t('explain.title')}>
        {data.findings.map((finding) => (
          <FindingItem key={`${finding.code} ${JSON.stringify(finding.values)}`} finding={finding} />
        ))}
      </ul>
      {!mendable && children}
    </>
  )
}

function FindingItem({ finding }: { readonly finding: Finding }) {
  const { change } = finding
  const text = useFindingText(finding)
  return (
    <li data-cause={change !== null}>
      <span>
        <Quoting text={text} />
      </span>
      {change !== null && <Mend change={viewChange(change)} {...changeName(change)} />}
      {finding.code === 'MATCHES_OUTSIDE_RANGE' && finding.values.before !== null && finding.values.after !== null && (
        <Mend change={{ to: '' }} name="upToNow" field="to" value="" />
      )}
      {finding.code === 'NO_SUCH_CLUSTER' && change === null && <KnownClusters finding={finding} />}
      {isAboutFiles(finding) && <FilesLink />}
    </li>
  )
}

/** A text with what is quoted in it set apart. */
function Quoting({ text }: { readonly text: string }) {
  return text.split(quoteMark).map((part, at) => {
    // Between two marks, so at every odd place.
    const key = at
    return at % 2 === 1 ? (
      <code key={key} className="mono">
        {part}
      </code>
    ) : (
      part
    )
  })
}

function Mend({ change, name, field, value }: { readonly change: Partial<View> } & ReturnType<typeof changeName>) {
  const { t } = useTranslation()
  const { zone, search } = useView()
  const nameOf = useFieldName()
  const shown = name === 'range' ? edgeText(value, zone) : value
  return (
    <button type="button" className="quiet-button" onClick={() => search(change)}>
      <span>{t(`explain.mend_${name}`, { field: nameOf(field), value: shown })}</span>
    </button>
  )
}

function KnownClusters({ finding }: { readonly finding: Finding }) {
  const { search } = useView()
  return [finding.values.known ?? []].flat().map((cluster) => (
    <button key={cluster} type="button" className="quiet-button" onClick={() => search({ cluster: String(cluster) })}>
      <span>{cluster}</span>
    </button>
  ))
}

function FilesLink() {
  const { t } = useTranslation()
  return (
    <PageLink className="quiet-button" to={{ page: 'files', line: undefined }}>
      {t('explain.files')}
    </PageLink>
  )
}

function useFieldName(): (field: string) => string {
  const { t } = useTranslation()
  return (name) => {
    const field = (['cluster', ...listFields] as const).find((known) => known === name)
    return field === undefined ? name : t(`field.${field}`)
  }
}

/** In the page's language; what a newer server has found out, in its own words. */
function useFindingText({ code, text, values }: Finding): string {
  const { t } = useTranslation()
  const { zone } = useView()
  const nameOf = useFieldName()
  const known = findingCodes.find((one) => one === code)
  if (known === undefined) return text
  const shown = Object.fromEntries(
    valueNames.map((name) => [name, valueText(name, values[name] ?? null, zone, nameOf)]),
  ) as ValueTexts
  if (known !== 'MATCHES_OUTSIDE_RANGE') return t(`explain.${known}`, shown)
  if (values.after === null) return t('explain.matchesBefore', shown)
  return t(values.before === null ? 'explain.matchesAfter' : 'explain.matchesAround', shown)
}
