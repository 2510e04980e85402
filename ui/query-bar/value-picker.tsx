/** A field of the bar that offers the values there are, with their counts, most frequent first. */
import { Combobox, useCombobox } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useValues } from '../queries.ts'
import { shortCount } from '../state/number-text.ts'
import type { View } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'

const offeredMax = 200

interface ValuePickerProps {
  readonly field: 'cluster' | 'app' | 'instance' | 'dir'
  /** `one` closes with the choice; `many` stays open and can be emptied (= all). */
  readonly kind: 'one' | 'many'
  readonly required?: boolean
  readonly always?: boolean
  readonly chosen: readonly string[]
  readonly without: readonly (keyof View)[]
  onChoose(values: string[]): void
}

export function ValuePicker({ field, kind, required, always, chosen, without, onChoose }: ValuePickerProps) {
  const { t } = useTranslation()
  const { view } = useView()
  const [typed, setTyped] = useState('')
  const [prefix] = useDebouncedValue(typed, 150)
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption()
      setTyped('')
    },
    onDropdownOpen: () => combobox.focusSearchInput(),
  })

  const ready = field === 'cluster' || (view.cluster !== undefined && (field === 'app' || view.app.length > 0))
  const options = { without, limit: offeredMax, enabled: ready, always: always === true }
  const all = useValues(field, options)
  // Only when not all values came is the server asked to find some by their beginning.
  const some = all.data !== undefined && all.data.length >= offeredMax
  const found = useValues(field, { ...options, prefix, enabled: some && prefix !== '' })
  const offered = some && prefix !== '' ? (found.data ?? []) : (all.data ?? [])
  const shown = offered.filter(({ value }) => value.toLowerCase().includes(typed.trim().toLowerCase()))
  const missing = chosen.filter((value) => typed === '' && !offered.some((known) => known.value === value))

  const choose = (value: string) => {
    if (kind === 'one') {
      onChoose([value])
      combobox.closeDropdown()
    } else onChoose(chosen.includes(value) ? chosen.filter((other) => other !== value) : [...chosen, value])
  }

  const label = t(`field.${field}`)
  const empty =
    kind === 'one' ? t('picker.choose') : all.data ? t('picker.allCount', { count: all.data.length }) : t('picker.all')
  const text = chosen.length > 1 ? t('picker.many', { first: chosen[0], count: chosen.length }) : (chosen[0] ?? empty)

  return (
    <Combobox
      store={combobox}
      onOptionSubmit={choose}
      position="bottom-start"
      width={320}
      transitionProps={{ duration: 0 }}
      keepMounted={false}
    >
      {/* The filter inside is what is typed into; this is the button that opens it, and says so itself. */}
      <Combobox.Target targetType="button" withAriaAttributes={false}>
        <button
          type="button"
          className={`field field-${field}`}
          disabled={!ready}
          title={chosen.join('\n') || undefined}
          aria-haspopup="listbox"
          aria-expanded={combobox.dropdownOpened}
          onClick={() => combobox.toggleDropdown()}
        >
          <span className="field-label">
            {label}
            {required && (
              <span className="field-required" title={t('field.required')} aria-hidden="true">
                *
              </span>
            )}
          </span>
          <span className={`field-value${chosen.length === 0 ? ' field-value-empty' : ''}`}>{ready ? text : '–'}</span>
        </button>
      </Combobox.Target>
      <Combobox.Dropdown className="picker">
        <Combobox.Search
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value)
            combobox.updateSelectedOptionIndex()
          }}
          placeholder={t('picker.search')}
          aria-label={t('picker.search')}
        />
        <Combobox.Options className="picker-options" aria-label={label}>
          {kind === 'many' && typed === '' && (
            <button
              type="button"
              className="picker-all"
              aria-pressed={chosen.length === 0}
              onClick={() => onChoose([])}
            >
              {t('picker.all')}
            </button>
          )}
          {[...missing.map((value) => ({ value, count: 0 })), ...shown].map(({ value, count }) => (
            <Combobox.Option key={value} value={value} active={chosen.includes(value)} className="picker-option">
              <span className="picker-check" aria-hidden="true">
                {chosen.includes(value) ? '✓' : ''}
              </span>
              <span className="picker-name" title={value}>
                {value}
              </span>
              <span className="picker-count">{shortCount(count)}</span>
            </Combobox.Option>
          ))}
          {shown.length === 0 && missing.length === 0 && (
            <Combobox.Empty>
              {all.isError ? t('picker.failed') : all.data === undefined ? t('picker.loading') : t('picker.empty')}
            </Combobox.Empty>
          )}
        </Combobox.Options>
        {some && (
          <Combobox.Footer className="picker-note">{t('picker.onlySome', { count: offeredMax })}</Combobox.Footer>
        )}
      </Combobox.Dropdown>
    </Combobox>
  )
}
