/** A rule between two lines: here something is missing, as the ledger knows. */
import { useTranslation } from 'react-i18next'
import { PageLink } from '../page-link.tsx'
import { causeOf, type Loss } from '../state/loss-model.ts'
import { bytesText } from '../state/number-text.ts'
import { columnTime, fullTime } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import './losses.css'

/** More of them in one place (a whole machine went) are one rule. */
const rulesMax = 3

export const lossRowPx = 22

export function lossRows(losses: readonly Loss[] | undefined): number {
  if (losses === undefined) return 0
  return losses.length > rulesMax ? 1 : losses.length
}

export function LossRules({ losses }: { readonly losses: readonly Loss[] }) {
  const { t } = useTranslation()
  if (losses.length <= rulesMax) {
    return losses.map((loss) => <LossRule key={`${loss.generation} ${loss.offset}`} loss={loss} />)
  }
  const bytes = losses.reduce((sum, { file }) => sum + file.lost, 0)
  return <Rule text={t('loss.inFiles', { bytes: bytesText(bytes), count: losses.length })} title={undefined} />
}

function LossRule({ loss: { file } }: { readonly loss: Loss }) {
  const { t } = useTranslation()
  const { zone } = useView()
  const { loss } = file
  const cause = causeOf(loss?.cause)
  const bytes = `${loss?.atLeast === true ? '≥ ' : ''}${bytesText(file.lost)}`
  const why = cause === undefined ? (loss?.cause ?? '') : t(`loss.cause_${cause}`)
  const at = loss === undefined ? '' : columnTime(loss.last, zone, 'none').slice(0, 8)
  return (
    <Rule
      text={t('loss.here', { bytes, file: file.file, why, at })}
      title={`${file.path} · ${file.instance}${loss === undefined ? '' : ` · ${fullTime(loss.last, zone)}`}`}
    />
  )
}

function Rule({ text, title }: { readonly text: string; readonly title: string | undefined }) {
  return (
    <div className="loss" role="note">
      <PageLink to={{ page: 'files', line: undefined }} title={title}>
        {text}
      </PageLink>
    </div>
  )
}
