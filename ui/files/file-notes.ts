import { useTranslation } from 'react-i18next'
import type { FileRow } from '../api.ts'
import { bytesText } from '../state/number-text.ts'
import { columnTime, spanText } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'

const causes = ['truncated', 'written over', 'deleted', 'gone'] as const
const causeKeys = { truncated: 'truncated', 'written over': 'overwritten', deleted: 'deleted', gone: 'gone' } as const

/** What there is to say of a file beside its numbers: why it is not read, what looks wrong, what was lost, when and how. */
export function useFileNotes(): (file: FileRow) => string[] {
  const { t } = useTranslation()
  const { zone } = useView()
  const causeText = (cause: string) => {
    const known = causes.find((one) => one === cause)
    return known === undefined ? cause : t(`files.cause_${causeKeys[known]}`)
  }
  // What a shipper says of the system's own accord stays as it is: whoever mends it looks for that word.
  const reasonText = (reason: string) => (reason === 'EACCES' ? t('files.reason_EACCES') : reason)
  const warningText = (warning: string) => {
    if (warning.startsWith('outside the layout')) return t('files.warning_layout')
    const slowed = /^slowed by (its quota|the quota of the whole shipper): (.+)$/.exec(warning)
    if (slowed !== null)
      return t(slowed[1] === 'its quota' ? 'files.warning_quota' : 'files.warning_shipperQuota', { limit: slowed[2] })
    const off = /^zone looks (.+) off$/.exec(warning)?.[1]
    return off === undefined ? warning : t('files.warning_zone', { off })
  }
  const whenText = ({ first, last }: NonNullable<FileRow['loss']>) =>
    first === last ? columnTime(last, zone, 'day') : spanText(Date.parse(first), Date.parse(last), zone)
  return ({ reason, warning, loss, lost }) => {
    const said = [
      ...(reason === undefined ? [] : [reasonText(reason)]),
      ...(warning === undefined ? [] : [warningText(warning)]),
    ]
    if (loss === undefined) return said
    const bytes = `${loss.atLeast ? '≥ ' : ''}${bytesText(lost)}`
    return [...said, t('files.lossAt', { bytes, when: whenText(loss), cause: causeText(loss.cause) })]
  }
}
