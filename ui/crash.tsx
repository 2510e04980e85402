/** The last resort: a fault of the page itself says so, instead of leaving an empty window. */
import { Component, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

interface CrashState {
  readonly error: Error | undefined
}

export class Crash extends Component<{ readonly children: ReactNode }, CrashState> {
  override state: CrashState = { error: undefined }

  static getDerivedStateFromError(thrown: unknown): CrashState {
    return { error: thrown instanceof Error ? thrown : new Error(String(thrown)) }
  }

  override render() {
    return this.state.error === undefined ? this.props.children : <Crashed error={this.state.error} />
  }
}

function Crashed({ error }: { readonly error: Error }) {
  const { t } = useTranslation()
  return (
    <div className="notice" role="alert">
      <h2>{t('problem.crashed')}</h2>
      <p className="mono">{error.message}</p>
      <button type="button" className="quiet-button" onClick={() => location.reload()}>
        {t('problem.reload')}
      </button>
    </div>
  )
}
