import type { ComponentProps } from 'react'
import { changeView, formatView, type View } from './state/url-state.ts'
import { useView } from './view-context.tsx'

interface PageLinkProps extends Omit<ComponentProps<'a'>, 'href' | 'onClick'> {
  /** What the address has changed in it when the link is followed. */
  readonly to: Partial<View>
}

/** A link within the page: without a reload, but a new tab by modifier key stays what the browser makes of it. */
export function PageLink({ to, ...rest }: PageLinkProps) {
  const { view, change } = useView()
  return (
    <a
      {...rest}
      href={formatView(changeView(view, to))}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return
        event.preventDefault()
        change(to)
      }}
    />
  )
}
