/** Over selected text of a line: search for it, leave it out, copy it. A double click selects a word. */
import { type RefObject, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { CopyButton } from '../copy-button.tsx'
import { andField, andSource, andWords, type Selected } from '../state/query-text.ts'
import { useView } from '../view-context.tsx'
import './selection-bar.css'

/** Longer text is copied, not searched for. */
const selectedCharsMax = 256
const barWidthPx = 240

interface Selection extends Selected {
  /** The column that it was selected in; undefined = the message. */
  readonly column: string | undefined
  readonly left: number
  readonly top: number
}

export function SelectionBar({ boxRef }: { readonly boxRef: RefObject<HTMLElement | null> }) {
  const { t } = useTranslation()
  const { view, search } = useView()
  const [selection, setSelection] = useState<Selection>()

  useEffect(() => {
    const read = () => setSelection(readSelection(boxRef.current))
    const forget = () => setSelection(undefined)
    // While the button is down the selection is still being made.
    const onChange = () => window.getSelection()?.isCollapsed !== false && forget()
    document.addEventListener('mouseup', read)
    document.addEventListener('keyup', read)
    document.addEventListener('selectionchange', onChange)
    document.addEventListener('scroll', forget, true)
    return () => {
      document.removeEventListener('mouseup', read)
      document.removeEventListener('keyup', read)
      document.removeEventListener('selectionchange', onChange)
      document.removeEventListener('scroll', forget, true)
    }
  }, [boxRef])

  if (selection === undefined) return null
  const narrowed = (not: boolean) => narrow(view.q, selection, not)
  const narrowTo = (not: boolean) => {
    const q = narrowed(not)
    window.getSelection()?.removeAllRanges()
    if (q !== undefined) search({ q })
  }
  return (
    <div
      className="selection-bar"
      role="toolbar"
      aria-label={t('selection.label')}
      style={{ left: selection.left, top: selection.top }}
      // A press on the bar must not take the selection away.
      onMouseDown={(event) => event.preventDefault()}
      onMouseUp={(event) => event.stopPropagation()}
    >
      <button type="button" disabled={narrowed(false) === undefined} onClick={() => narrowTo(false)}>
        + {t('selection.add')}
      </button>
      <button type="button" disabled={narrowed(true) === undefined} onClick={() => narrowTo(true)}>
        − {t('selection.exclude')}
      </button>
      <CopyButton className="" text={() => selection.text}>
        {t('selection.copy')}
      </CopyButton>
    </div>
  )
}

function narrow(query: string, selection: Selection, not: boolean): string | undefined {
  const { column, text } = selection
  if (column === undefined) return andWords(query, selection, not)
  if (column.startsWith('.')) return andField(query, column.slice(1), text.trim(), not)
  return column === 'level' || column === 'time' ? undefined : andSource(query, column, text.trim(), not)
}

function readSelection(box: HTMLElement | null): Selection | undefined {
  const selected = window.getSelection()
  if (box === null || selected === null || selected.isCollapsed || selected.rangeCount === 0) return undefined
  const range = selected.getRangeAt(0)
  const text = selected.toString()
  const place = elementOf(range.startContainer)?.closest('.line-text, .line-cell, .context-line')
  if (!box.contains(range.commonAncestorContainer) || !place?.contains(range.commonAncestorContainer)) return undefined
  if (text.trim() === '' || text.length > selectedCharsMax || text.includes('\n')) return undefined
  const column = place.getAttribute('data-column') ?? undefined
  const { left, top } = range.getBoundingClientRect()
  const whole = place.textContent
  return {
    // A value is searched for as a whole: a part of it would find nothing.
    text: column === undefined ? text : whole,
    cutStart: isWord(neighbour(range.startContainer, range.startOffset - 1)) && isWord(text.charAt(0)),
    cutEnd: isWord(neighbour(range.endContainer, range.endOffset)) && isWord(text.slice(-1)),
    column,
    left: Math.max(8, Math.min(left, window.innerWidth - barWidthPx)),
    top: Math.max(8, top - 36),
  }
}

function elementOf(node: Node): Element | null {
  return node instanceof Element ? node : node.parentElement
}

function neighbour(node: Node, offset: number): string {
  return node.nodeType === Node.TEXT_NODE ? (node.textContent ?? '').charAt(offset) : ''
}

/** Letters and digits that join into words; each Chinese character is one already. */
function isWord(character: string): boolean {
  return /^[\p{L}\p{N}]$/u.test(character) && !/^[\p{Script=Han}\p{Script=Hiragana}]$/u.test(character)
}
