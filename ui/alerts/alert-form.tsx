/** Makes or changes an alert policy. What is wrong with it the server says, in its own words. */
import { Modal } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAllApps } from '../queries.ts'
import { type AlertRow, bodyOf, type Draft, draftOf, newDraft, type PolicyBody } from '../state/alert-model.ts'
import { countText } from '../state/number-text.ts'
import { useView } from '../view-context.tsx'
import { AlertActions } from './alert-actions.tsx'
import { Failure } from './alert-details.tsx'
import { alertsKey, saveAlert, useCountNow } from './alerts-api.ts'

const kinds = ['count', 'no-lines', 'error-share', 'new-pattern'] as const
const typingMs = 400

interface AlertFormProps {
  /** Undefined = a new one. */
  readonly before: AlertRow | undefined
  onClose(): void
}

export function AlertForm({ before, onClose }: AlertFormProps) {
  const { t, i18n } = useTranslation()
  const { view } = useView()
  const client = useQueryClient()
  const apps = useAllApps()
  const language = i18n.language === 'zh-CN' ? 'zh-CN' : 'en'
  const [draft, setDraft] = useState<Draft>(() =>
    before === undefined ? newDraft(view.cluster ?? '', view.app[0] ?? '', view.q, language) : draftOf(before),
  )
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<Error>()
  const read = bodyOf(draft)
  const wrong = 'wrong' in read ? read.wrong : undefined
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }))

  const save = async () => {
    if (!('body' in read)) return
    setBusy(true)
    setFailure(undefined)
    try {
      await saveAlert(read.body, before)
      await client.invalidateQueries({ queryKey: alertsKey })
      onClose()
    } catch (thrown) {
      setFailure(thrown instanceof Error ? thrown : new Error(String(thrown)))
      setBusy(false)
    }
  }
  const text = (
    name:
      | 'name'
      | 'app'
      | 'query'
      | 'window'
      | 'events'
      | 'percent'
      | 'eventsMin'
      | 'learn'
      | 'hold'
      | 'clear'
      | 'repeat',
    more: object = {},
  ) => (
    <input
      id={`alert-${name}`}
      className="small-input"
      value={draft[name]}
      aria-invalid={wrong === name}
      onChange={(event) => set({ [name]: event.currentTarget.value })}
      {...more}
    />
  )

  return (
    <Modal
      opened
      onClose={onClose}
      closeOnClickOutside={false}
      title={t(before === undefined ? 'alerts.make' : 'alerts.change')}
      size={640}
      transitionProps={{ duration: 0 }}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <form
        className="alert-form"
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <Field id="alert-name" label={t('alerts.name')}>
          {text('name', { required: true, maxLength: 120, 'data-autofocus': true })}
        </Field>
        <Field id="alert-app" label={t('field.app')}>
          {text('app', { list: 'alert-apps', placeholder: t('alerts.allApps') })}
          <datalist id="alert-apps">
            {(apps.data ?? []).map(({ value }) => (
              <option key={value} value={value} />
            ))}
          </datalist>
        </Field>
        <Field id="alert-query" label={t('field.keyword')}>
          {text('query', { className: 'small-input mono', placeholder: 'level>=error' })}
        </Field>
        <Field id="alert-kind" label={t('alerts.when')}>
          <select
            id="alert-kind"
            className="small-input"
            value={draft.kind}
            onChange={(event) => set({ kind: event.currentTarget.value as Draft['kind'] })}
          >
            {kinds.map((kind) => (
              <option key={kind} value={kind}>
                {t(`alerts.kind_${kind}`)}
              </option>
            ))}
          </select>
          {draft.kind === 'count' && (
            <>
              <select
                className="small-input"
                aria-label={t('alerts.comparison')}
                value={draft.comparison}
                onChange={(event) => set({ comparison: event.currentTarget.value as Draft['comparison'] })}
              >
                <option value="over">{t('alerts.over')}</option>
                <option value="under">{t('alerts.under')}</option>
              </select>
              {text('events', { 'aria-label': t('alerts.events'), inputMode: 'numeric', size: 7 })}
            </>
          )}
          {draft.kind === 'error-share' && (
            <>
              {text('percent', { 'aria-label': t('alerts.percent'), inputMode: 'decimal', size: 4 })} %
              <span className="muted">{t('alerts.ofAtLeast')}</span>
              {text('eventsMin', { 'aria-label': t('alerts.eventsMin'), inputMode: 'numeric', size: 6 })}
            </>
          )}
          {draft.kind === 'new-pattern' && (
            <>
              <span className="muted">{t('alerts.learn')}</span>
              {text('learn', { 'aria-label': t('alerts.learn'), size: 4 })}
            </>
          )}
        </Field>
        <Field id="alert-window" label={t('alerts.window')} hint={<CountNow draft={draft} />}>
          {text('window', { size: 6 })}
        </Field>
        <Field id="alert-hold" label={t('alerts.hold')} hint={t('alerts.holdHint')}>
          {text('hold', { size: 6 })}
        </Field>
        <Field id="alert-clear" label={t('alerts.clear')} hint={t('alerts.clearHint')}>
          {text('clear', { size: 6 })}
        </Field>
        <Field id="alert-repeat" label={t('alerts.repeat')} hint={t('alerts.repeatHint')}>
          {text('repeat', { size: 6 })}
        </Field>
        <AlertActions actions={draft.actions} onChange={(actions) => set({ actions })} />
        <Field id="alert-language" label={t('alerts.language')}>
          <select
            id="alert-language"
            className="small-input"
            value={draft.language}
            onChange={(event) => set({ language: event.currentTarget.value as Draft['language'] })}
          >
            <option value="zh-CN">中文</option>
            <option value="en">English</option>
          </select>
          <label className="alert-enabled">
            <input
              type="checkbox"
              checked={draft.enabled}
              onChange={(event) => set({ enabled: event.currentTarget.checked })}
            />
            {t('alerts.enabled')}
          </label>
        </Field>
        {wrong !== undefined && (
          <p className="alert-failure" role="alert">
            {t(wrong in { events: 1, percent: 1, eventsMin: 1 } ? 'alerts.noNumber' : 'alerts.noDuration')}
          </p>
        )}
        {failure !== undefined && <Failure error={failure} />}
        <div className="alert-form-end">
          <button type="button" className="quiet-button" onClick={onClose}>
            {t('alerts.cancel')}
          </button>
          <button
            type="submit"
            className="solid-button"
            disabled={busy || wrong !== undefined || draft.name.trim() === ''}
          >
            {t('alerts.save')}
          </button>
        </div>
      </form>
    </Modal>
  )
}

interface FieldProps {
  /** Of its first control. */
  readonly id: string
  readonly label: string
  readonly hint?: ReactNode
  readonly children: ReactNode
}

function Field({ id, label, hint, children }: FieldProps) {
  return (
    <div className="alert-field">
      <label htmlFor={id}>{label}</label>
      <div>
        {children}
        {hint !== undefined && <span className="muted alert-hint">{hint}</span>}
      </div>
    </div>
  )
}

/** What matches now: a threshold is easier to choose beside it. */
function CountNow({ draft }: { readonly draft: Draft }) {
  const { t } = useTranslation()
  const [settled] = useDebouncedValue(draft, typingMs)
  const read = bodyOf(settled)
  const body = 'body' in read ? read.body : undefined
  const count = useCountNow(body ?? emptyBody, body !== undefined && body.cluster !== '')
  if (body === undefined || count.data === undefined) return null
  return t('alerts.countNow', { count: count.data, amount: countText(count.data) })
}

const emptyBody: PolicyBody = {
  ...{ name: '', cluster: '', query: '', windowMs: 60_000, holdMs: 0, clearMs: 0, repeatMs: 0, actions: [] },
  enabled: true,
  language: 'en',
  condition: { kind: 'no-lines' },
}
