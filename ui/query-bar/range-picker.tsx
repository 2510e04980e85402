/** The time range: presets that end now, or two edges as they are typed. */
import { Popover, VisuallyHidden } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { presetOf, presetRange, presets, rangeText } from '../state/time-range.ts'
import { useView } from '../view-context.tsx'
import { RangeForm } from './range-form.tsx'
import { ZoneSelect } from './zone-select.tsx'

export function RangePicker({ small = false }: { readonly small?: boolean }) {
  const { t } = useTranslation()
  const { view, zone, search } = useView()
  const [opened, { toggle, close }] = useDisclosure(false)
  const text = useRangeText()
  const preset = presetOf(view)

  return (
    <Popover
      opened={opened}
      onDismiss={close}
      position="bottom-end"
      trapFocus
      returnFocus
      transitionProps={{ duration: 0 }}
    >
      <Popover.Target>
        <button
          type="button"
          className={small ? 'small-input range-small' : 'field field-range'}
          title={text}
          onClick={toggle}
        >
          {small ? (
            <VisuallyHidden>{t('field.range')}</VisuallyHidden>
          ) : (
            <span className="field-label">{t('field.range')}</span>
          )}
          <span className="field-value">{text}</span>
        </button>
      </Popover.Target>
      <Popover.Dropdown className="range">
        <ul className="range-presets" aria-label={t('range.presets')}>
          {presets.map((name) => (
            <li key={name}>
              <button
                type="button"
                aria-pressed={name === preset}
                onClick={() => {
                  search(presetRange(name))
                  close()
                }}
              >
                {t(`range.${name}`)}
              </button>
            </li>
          ))}
        </ul>
        <div className="range-absolute">
          <RangeForm
            key={`${view.from} ${view.to} ${zone}`}
            onApply={(range) => {
              search(range)
              close()
            }}
          />
          <ZoneSelect />
        </div>
      </Popover.Dropdown>
    </Popover>
  )
}

/** The range in words: its preset's name, or its edges. */
export function useRangeText(): string {
  const { t } = useTranslation()
  const { view, zone } = useView()
  const preset = presetOf(view)
  return preset === undefined ? rangeText(view, zone, t('range.open')) : t(`range.${preset}`)
}
