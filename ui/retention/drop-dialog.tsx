/** Asks before a day goes for good: who wants it types its name. */
import { Modal } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useProblemText } from '../results/problem-notice.tsx'
import { bytesText, countText } from '../state/number-text.ts'
import { type PartitionRow, useDrop } from './retention-api.ts'

interface DropDialogProps {
  readonly cluster: string
  readonly row: PartitionRow
  onClose(): void
}

export function DropDialog({ cluster, row, onClose }: DropDialogProps) {
  const { t } = useTranslation()
  const drop = useDrop()
  const [typed, setTyped] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const { text, hint } = useProblemText(error ?? new Error(''))
  const { partition, events, bytes } = row

  const dropNow = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      await drop(cluster, partition)
      onClose()
    } catch (thrown) {
      setError(thrown instanceof Error ? thrown : new Error(String(thrown)))
      setBusy(false)
    }
  }
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('retention.dropTitle', { cluster, partition })}
      size={480}
      yOffset="12vh"
      transitionProps={{ duration: 0 }}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <form
        className="retention-drop"
        onSubmit={(event) => {
          event.preventDefault()
          if (typed === partition && !busy) void dropNow()
        }}
      >
        <p>{t('retention.dropAsk', { count: events, amount: countText(events), bytes: bytesText(bytes) })}</p>
        <label>
          {t('retention.dropType', { partition })}
          <input
            className="small-input"
            value={typed}
            autoComplete="off"
            spellCheck={false}
            // biome-ignore lint/a11y/noAutofocus: it was asked for, and nothing happens before the day is typed
            autoFocus
            onChange={(event) => setTyped(event.currentTarget.value.trim())}
          />
        </label>
        {error !== undefined && (
          <p className="retention-problem" role="alert">
            {text} {hint}
          </p>
        )}
        <div className="retention-drop-actions">
          <button type="button" className="quiet-button" onClick={onClose}>
            {t('retention.keep')}
          </button>
          <button type="submit" className="solid-button retention-drop-now" disabled={busy || typed !== partition}>
            {t('retention.dropNow')}
          </button>
        </div>
      </form>
    </Modal>
  )
}
