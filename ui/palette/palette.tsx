/** Everything that can be gone to or done, found by typing a part of its name. */
import { Combobox, Modal, useCombobox, VisuallyHidden } from '@mantine/core'
import { Fragment, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { findEntries } from '../state/palette-model.ts'
import { type PaletteEntry, usePaletteEntries } from './entries.ts'
import './palette.css'

export function Palette({ onClose }: { onClose(): void }) {
  const { t } = useTranslation()
  const [typed, setTyped] = useState('')
  const entries = usePaletteEntries()
  const found = findEntries(entries, typed)
  const combobox = useCombobox({ opened: true })
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is typed finds other entries, of which the first is meant
  useEffect(() => void combobox.selectFirstOption(), [typed, found.length])

  const run = (id: string) => {
    onClose()
    found.find((entry) => entry.id === id)?.run()
  }
  return (
    <Modal
      opened
      onClose={onClose}
      withCloseButton={false}
      size={600}
      yOffset="12vh"
      padding={0}
      transitionProps={{ duration: 0 }}
      title={<VisuallyHidden>{t('palette.title')}</VisuallyHidden>}
      classNames={{ header: 'palette-title' }}
    >
      <Combobox store={combobox} onOptionSubmit={run} withinPortal={false}>
        <Combobox.EventsTarget withExpandedAttribute>
          <input
            className="palette-input"
            role="combobox"
            aria-expanded={true}
            data-autofocus
            ref={focusAtOnce}
            value={typed}
            placeholder={t('palette.placeholder')}
            aria-label={t('palette.placeholder')}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setTyped(event.currentTarget.value)}
            onKeyDown={(event) => event.key === 'Escape' && onClose()}
          />
        </Combobox.EventsTarget>
        <Combobox.Options className="palette-options" aria-label={t('palette.title')}>
          {found.map((entry, index) => (
            <Fragment key={entry.id}>
              {entry.group !== found[index - 1]?.group && (
                <div className="palette-group" role="presentation">
                  {t(`palette.${entry.group}`)}
                </div>
              )}
              <Combobox.Option value={entry.id} className="palette-option">
                <EntryText entry={entry} />
              </Combobox.Option>
            </Fragment>
          ))}
          {found.length === 0 && <Combobox.Empty>{t('palette.nothing')}</Combobox.Empty>}
        </Combobox.Options>
      </Combobox>
    </Modal>
  )
}

/** The dialog moves the focus only after a moment, in which letters would be lost. */
function focusAtOnce(input: HTMLInputElement | null): void {
  input?.focus()
}

function EntryText({ entry }: { readonly entry: PaletteEntry }) {
  return (
    <>
      <span className="palette-name">{entry.name}</span>
      {entry.hint !== undefined && <span className="muted">{entry.hint}</span>}
    </>
  )
}
