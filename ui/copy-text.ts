/** To the clipboard, also where the page is not served over HTTPS and the browser's own way is closed. */
export async function copyText(text: string): Promise<void> {
  // Typed as always there, which it is on secure pages only.
  const clipboard = navigator.clipboard as Clipboard | undefined
  if (clipboard !== undefined) return clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.style.position = 'fixed'
  area.style.opacity = '0'
  document.body.append(area)
  area.select()
  // Deprecated, and the only way there is without HTTPS.
  const copied = document.execCommand('copy')
  area.remove()
  if (!copied) throw new Error('The browser does not let the page copy.')
}
